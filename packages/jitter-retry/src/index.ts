export { backoffMs, type Jitter, type WaitParts } from './backoff.ts'
export { jitterRetry } from './jitter-retry.ts'
export { jitterRetryDefaults, type JitterRetryOptions } from './options.ts'
export { retryPolicy, type BackoffRow, type RetryPolicyOptions, type RetryRow } from './policy.ts'
export type { RetryPolicy, RetryRowOptions, StepsRow } from './policy.ts'
export {
  retryBudget,
  retryBudgetDefaults,
  type RetryBudget,
  type RetryBudgetOptions,
} from './retry-budget.ts'
