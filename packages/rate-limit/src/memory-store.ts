import { assertOption } from '@breakwater/core'
import { flow } from './limit.ts'
import { createLimiter, slotsOf, type Limiter, type MemoryLease } from './limiter.ts'
import { enter } from './line.ts'
import { penaliseLease, settleLease } from './settle.ts'
import type { KeySnapshot, Lease, RateLimitStore, Rules } from './store.ts'

/** Options of {@link memoryStore}. */
export interface MemoryStoreOptions {
  /** The most keys that are kept; the one that was used longest ago goes, unless calls wait there. @default 1000 */
  maxKeys?: number | undefined
}

/** Default options of {@link memoryStore}. */
export const memoryStoreDefaults = { maxKeys: 1000 } as const

/**
 * Keeps the state of the limits in this process. Several `rateLimit` may share one: then they share its limits.
 *
 * @throws {TypeError} for a bad option, naming it.
 * @example
 * ```ts
 * import { memoryStore, rateLimit } from '@breakwater/rate-limit'
 *
 * const store = memoryStore()
 * export const interactive = rateLimit({ store, priority: () => 1 })
 * export const batch = rateLimit({ store })
 * ```
 */
export function memoryStore({
  maxKeys = memoryStoreDefaults.maxKeys,
}: MemoryStoreOptions = {}): RateLimitStore {
  const isCount = Number.isSafeInteger(maxKeys) && maxKeys >= 1
  assertOption(isCount, 'maxKeys', 'a whole number, 1 or more', maxKeys)
  const limiters = new Map<string, Limiter>()
  let uses = 0

  function limiterOf(key: string, rules: Rules, now: number): Limiter {
    let limiter = limiters.get(key)
    if (limiter === undefined) {
      if (limiters.size >= maxKeys) drop(limiters)
      limiter = createLimiter(key, rules, now)
      limiters.set(key, limiter)
    }
    limiter.usedAt = ++uses
    return limiter
  }

  return {
    acquire(key, need) {
      const now = performance.now()
      return enter(limiterOf(key, need.rules, now), need, now)
    },
    settle: (lease, facts) => settleLease(ownOf(lease), facts, performance.now()),
    penalise: (lease, penalty) => penaliseLease(ownOf(lease), penalty, performance.now()),
    snapshot() {
      const now = performance.now()
      const used = [...limiters.values()].toSorted((one, other) => one.usedAt - other.usedAt)
      return { keys: used.map((limiter) => snapshotOf(limiter, now)) }
    },
  }
}

/** A lease comes back to the store that has given it. */
function ownOf(lease: Lease): MemoryLease {
  return lease as MemoryLease
}

/** Makes room: the key goes that was used longest ago, best one where nothing is under way. */
function drop(limiters: Map<string, Limiter>): void {
  let oldest: Limiter | undefined
  for (const limiter of limiters.values()) {
    if (limiter.queue.length > 0) continue
    const isBetter =
      oldest === undefined ||
      (limiter.inFlight > 0 === oldest.inFlight > 0 ? limiter.usedAt < oldest.usedAt : limiter.inFlight === 0)
    if (isBetter) oldest = limiter
  }
  if (oldest !== undefined) limiters.delete(oldest.key)
}

function snapshotOf(limiter: Limiter, now: number): KeySnapshot {
  const { key, queue, inFlight, gate, limits, pace, rules } = limiter
  const isClosed = gate.state === 'closed' && now < gate.until
  const slots = slotsOf(limiter, rules, now)
  return {
    key,
    queueLength: queue.length,
    inFlight,
    gate: gate.state === 'closed' && !isClosed ? 'reopening' : gate.state,
    ...(isClosed && { closedMs: Math.ceil(gate.until - now) }),
    limits: limits.map((limit) => {
      flow(limit, now)
      const { name, perMinute, upstream } = limit
      return { limit: name, perMinute, remaining: Math.max(0, Math.floor(upstream)) }
    }),
    ...(slots !== Infinity && { concurrency: slots }),
    ...(pace !== undefined && { perSecond: Math.round(pace.perMs * 10_000) / 10 }),
  }
}
