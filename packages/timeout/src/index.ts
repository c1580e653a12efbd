export { isTimeoutError, TimeoutError, type TimeoutLimit } from './timeout-error.ts'
export { timeout, timeoutDefaults, type TimeoutOptions } from './timeout.ts'
