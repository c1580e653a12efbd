/** A token bucket on a clock: holds up to `capacity`, fills continuously, may be overdrawn. */
export interface RateLimitBucket {
  /** Takes an amount, whether or not it is there. */
  take: (amount: number, nowMs: number) => void
  /** Amount in the bucket; negative when overdrawn. */
  level: (nowMs: number) => number
  /** Milliseconds until the bucket holds an amount; for more than it can ever hold, until it is full. */
  waitMs: (amount: number, nowMs: number) => number
}

/** Creates a full bucket that takes `perMinute` a minute and holds as much as `burstMs` brings. */
export function createBucket(perMinute: number, burstMs: number, nowMs: number): RateLimitBucket {
  const perMs = perMinute / 60_000
  const capacity = Math.max(1, perMs * burstMs)
  let held = capacity
  let filledAt = nowMs
  function level(now: number): number {
    // A clock that goes back must not empty the bucket.
    held = Math.min(capacity, held + Math.max(0, now - filledAt) * perMs)
    filledAt = now
    return held
  }
  return {
    take(amount, now) {
      held = level(now) - amount
    },
    level,
    waitMs(amount, now) {
      const missing = Math.min(amount, capacity) - level(now)
      // Rounding must not turn away who comes exactly in time.
      return missing <= 1e-6 ? 0 : missing / perMs
    },
  }
}
