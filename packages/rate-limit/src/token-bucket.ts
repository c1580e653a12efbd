/** Allows so much a time: fills continuously up to its capacity, and may be overdrawn. */
export interface TokenBucket {
  /** What flows in, per millisecond. */
  perMs: number
  /** The most that it holds: what can be taken at once. */
  capacity: number
  /** What it held at {@link at}; below 0 when overdrawn. */
  level: number
  /** In milliseconds of `performance.now()`. */
  at: number
}

/** Missing so little is nothing: adding up fractions must not turn away who comes exactly in time. */
export const dust = 1e-6

/** Lets flow in what the time since the last look brings; returns what is there. */
export function refill(bucket: TokenBucket, now: number): number {
  if (now > bucket.at) {
    const { level, capacity } = bucket
    // What is above the capacity since that shrank stays until it is used.
    if (level < capacity) bucket.level = Math.min(capacity, level + (now - bucket.at) * bucket.perMs)
    bucket.at = now
  }
  return bucket.level
}

/**
 * Milliseconds until `amount` may be taken. More than the capacity may be taken from a full bucket, which is overdrawn by it:
 * else it could never be.
 */
export function waitMs(bucket: TokenBucket, amount: number, now: number): number {
  const missing = Math.min(amount, bucket.capacity) - refill(bucket, now)
  return missing <= dust ? 0 : missing / bucket.perMs
}
