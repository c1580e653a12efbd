import { assertFunction, assertOption, maxTimerMs, type RetryEvent } from '@breakwater/core'
import type { Jitter } from './backoff.ts'
import type { Settings } from './decide.ts'
import { mergePolicy, mostRetries, retryPolicy, type RetryPolicy, type RetryPolicyOptions } from './policy.ts'
import { retryBudget, type RetryBudget } from './retry-budget.ts'

/** Options of `jitterRetry`. */
export interface JitterRetryOptions {
  /**
   * Retries and waits by category, merged over the {@link retryPolicy}. A verdict of `never` wins over any row.
   * @default retryPolicy
   */
  policy?: RetryPolicyOptions | undefined
  /**
   * What limits the retries of provider and network failures over all calls: one `retryBudget()` for several
   * instances, or `false` for no limit.
   * @default a `retryBudget()` of its own
   */
  budget?: RetryBudget | false | undefined
  /**
   * The longest wait that the server may ask for, in milliseconds. A call that is asked for more is given back at once.
   * @default 60000
   */
  maxRetryAfterMs?: number | undefined
  /**
   * How a wait is drawn: from all of its range, from the upper half, or between the base and three times the last wait.
   * @default 'full'
   */
  jitter?: Jitter | undefined
  /** A source of numbers from 0 to 1. @default Math.random */
  random?: (() => number) | undefined
  /** Told before each wait. @default nobody is told */
  onRetry?: ((event: RetryEvent) => void) | undefined
}

/** Default options of `jitterRetry`. */
export const jitterRetryDefaults: {
  readonly policy: RetryPolicy
  readonly maxRetryAfterMs: number
  readonly jitter: Jitter
} = { policy: retryPolicy, maxRetryAfterMs: 60_000, jitter: 'full' }

const jitters: readonly string[] = ['full', 'equal', 'decorrelated'] satisfies Jitter[]

/**
 * Checks the options and fills in the defaults.
 *
 * @throws {TypeError} for a bad option, naming it.
 */
export function settingsOf({
  policy = {},
  budget,
  maxRetryAfterMs = jitterRetryDefaults.maxRetryAfterMs,
  jitter = jitterRetryDefaults.jitter,
  random = Math.random,
  onRetry,
}: JitterRetryOptions): Settings {
  const isBudget = budget === undefined || budget === false || typeof budget?.take === 'function'
  assertOption(isBudget, 'budget', 'a `retryBudget()` or false', budget)
  const isWait = Number.isFinite(maxRetryAfterMs) && maxRetryAfterMs >= 0 && maxRetryAfterMs <= maxTimerMs
  const ms = `a number of milliseconds from 0 to ${maxTimerMs}`
  assertOption(isWait, 'maxRetryAfterMs', ms, maxRetryAfterMs)
  assertOption(jitters.includes(jitter), 'jitter', "'full', 'equal' or 'decorrelated'", jitter)
  assertOption(typeof random === 'function', 'random', 'a function', random)
  assertFunction('onRetry', onRetry)
  const merged = mergePolicy(policy)
  return {
    policy: merged,
    mostRetries: mostRetries(merged),
    budget: budget === false ? undefined : (budget ?? retryBudget()),
    maxRetryAfterMs,
    jitter,
    random,
  }
}
