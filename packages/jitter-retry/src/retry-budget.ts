import { assertOption } from '@breakwater/core'

/** Options of {@link retryBudget}. */
export interface RetryBudgetOptions {
  /** Retries that a full budget holds. @default 50 */
  capacity?: number | undefined
  /** What a call that succeeds at its first try puts back, in retries. @default 0.2 */
  refill?: number | undefined
}

/** Default options of {@link retryBudget}. */
export const retryBudgetDefaults = { capacity: 50, refill: 0.2 } as const

/** A store of retries, for one `jitterRetry` or shared by several. */
export interface RetryBudget {
  /** Retries that are left. */
  readonly left: number
  /** Takes one retry; false, and nothing taken, when less than one is left. */
  take(): boolean
  /** Puts back for a success: one retry where a retry brought it, else the `refill`. */
  succeed(retried: boolean): void
}

/**
 * Limits the retries of provider and network failures to what successes pay for, once its store is used up: an outage
 * drains it, and then brings no more upstream requests than there are calls.
 *
 * @throws {TypeError} for a bad option, naming it.
 * @example
 * ```ts
 * import { jitterRetry, retryBudget } from '@breakwater/jitter-retry'
 *
 * const budget = retryBudget({ capacity: 100 })
 * const interactive = jitterRetry({ budget })
 * const batch = jitterRetry({ budget })
 * ```
 */
export function retryBudget({
  capacity = retryBudgetDefaults.capacity,
  refill = retryBudgetDefaults.refill,
}: RetryBudgetOptions = {}): RetryBudget {
  assertOption(Number.isFinite(capacity) && capacity >= 0, 'capacity', 'a number, 0 or more', capacity)
  const isShare = Number.isFinite(refill) && refill >= 0 && refill <= 1
  assertOption(isShare, 'refill', 'a number from 0 to 1', refill)
  let left: number = capacity
  return {
    get left() {
      return left
    },
    take() {
      if (left < 1) return false
      left -= 1
      return true
    },
    succeed(retried) {
      // A retry that brought the answer has not multiplied an outage.
      left = Math.min(capacity, left + (retried ? 1 : refill))
    },
  }
}
