import { BreakwaterError, isBreakwaterError } from '@breakwater/core'

/** Which limit ended an attempt: the option's name without `Ms`. */
export type TimeoutLimit = 'attempt' | 'firstToken' | 'idle' | 'total'

const texts: Readonly<Record<TimeoutLimit, (ms: number) => string>> = {
  attempt: (ms) =>
    `The attempt timed out: no headers within ${ms} ms (\`attemptMs\`). Stream long answers, or raise the limit.`,
  firstToken: (ms) =>
    `The stream timed out: no content within ${ms} ms (\`firstTokenMs\`). Retry it, or raise the limit.`,
  idle: (ms) =>
    `The answer timed out: silent for ${ms} ms (\`idleMs\`). It is incomplete: ask again, or raise the limit.`,
  total: (ms) =>
    `The call timed out: not over within ${ms} ms (\`totalMs\`). Raise the limit, or retry less inside it.`,
}

/**
 * A limit of `timeout` was reached. Its name makes the SDK take it for the time-out that it is: before the headers the
 * caller gets the SDK's `APIConnectionTimeoutError` in its place.
 */
export class TimeoutError extends BreakwaterError {
  override name = 'TimeoutError'
  /** Which limit. */
  readonly limit: TimeoutLimit
  /** The limit in milliseconds. */
  readonly limitMs: number

  constructor(limit: TimeoutLimit, limitMs: number) {
    super(texts[limit](limitMs), { code: 'timeout', category: 'timeout' })
    this.limit = limit
    this.limitMs = limitMs
  }
}

/** Whether `error` is a {@link TimeoutError}, of any installed copy of this package. */
export function isTimeoutError(error: unknown): error is TimeoutError {
  return isBreakwaterError(error) && error.name === 'TimeoutError' && 'limit' in error
}
