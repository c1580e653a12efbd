import type { LimitName, Reading } from './headers.ts'
import { refill, type TokenBucket } from './token-bucket.ts'

/** One limit of a key: what we allow ourselves of it, and what we believe of the API's own count. */
export interface Limit extends TokenBucket {
  readonly name: LimitName
  /** What the API allows in a minute. */
  perMinute: number
  /** Whether the user has said so: then no answer changes it. */
  readonly isFixed: boolean
  readonly burstMs: number
  /** What the API's bucket holds when it is full. */
  upstreamCapacity: number
  /** What is believed to be in it. */
  upstream: number
  /** What would be in it if nobody else used it. */
  alone: number
  /** What share of it has been ours lately. */
  usualShare: number
  /** The headers that say what is left. */
  sources: readonly string[]
}

const minuteMs = 60_000
/** So little of a limit is taken even where others seem to use all of it. */
const leastShare = 0.05
/** Over about so long a share is usual. */
const usualMs = 10_000
/** The dates of the API are whole seconds. */
const dateMs = 1000

/** A limit that nothing was taken of yet. */
export function createLimit(
  name: LimitName,
  perMinute: number,
  burstMs: number,
  now: number,
  isFixed: boolean,
): Limit {
  const limit: Limit = {
    name,
    perMinute: 0,
    isFixed,
    burstMs,
    perMs: 0,
    capacity: 0,
    level: 0,
    at: now,
    upstreamCapacity: 0,
    upstream: 0,
    alone: 0,
    usualShare: 1,
    sources: [`anthropic-ratelimit-${name.replace('_', '-')}-remaining`],
  }
  resize(limit, perMinute, isFixed ? perMinute : 1)
  limit.level = limit.capacity
  limit.upstream = limit.alone = limit.upstreamCapacity
  return limit
}

/** Lets flow in what the time brings. */
export function flow(limit: Limit, now: number): void {
  const passedMs = now - limit.at
  if (passedMs <= 0) return
  const all = limit.perMinute / minuteMs
  const share = shareOf(limit)
  limit.perMs = all * share
  refill(limit, now)
  limit.usualShare += (share - limit.usualShare) * -Math.expm1(-passedMs / usualMs)
  limit.upstream = Math.min(limit.upstreamCapacity, limit.upstream + passedMs * all)
  limit.alone = Math.min(limit.upstreamCapacity, limit.alone + passedMs * all)
}

/** How long it takes, at the usual pace, until an amount may be taken behind others, in milliseconds. */
export function usualWaitMs(limit: Limit, amount: number, ahead: number): number {
  const missing = ahead + Math.min(amount, limit.capacity) - limit.level
  return missing <= 0 ? 0 : (missing * minuteMs) / (limit.perMinute * limit.usualShare)
}

/** Takes an amount, or gives a negative one back. */
export function take(limit: Limit, amount: number): void {
  const { perMinute, capacity, upstreamCapacity } = limit
  limit.level = within(-perMinute, limit.level - amount, capacity)
  limit.upstream = within(-perMinute, limit.upstream - amount, upstreamCapacity)
  limit.alone = within(-perMinute, limit.alone - amount, upstreamCapacity)
}

/**
 * Believes what an answer says is left. `takenSince` was taken after the request of the answer, `passedMs` ago, and may not be
 * counted in it: what has flowed in meanwhile makes up for that, and never for more.
 *
 * It only ever lowers what we may take: more comes with the time alone, at the pace of the limit.
 */
export function correct(limit: Limit, remaining: number, takenSince: number, passedMs: number): void {
  const all = limit.perMinute / minuteMs
  const left = Math.min(remaining, limit.upstreamCapacity) - Math.max(0, takenSince - passedMs * all)
  limit.upstream = left
  if (left < limit.level) limit.level = Math.max(left, Math.min(limit.level, 0))
}

/** Takes over what the full set of headers says; returns whether the limit is another one. */
export function learn(limit: Limit, { perMinute, remaining, resetMs, sources }: Reading): boolean {
  limit.sources = sources
  const isNew = !limit.isFixed && perMinute !== limit.perMinute
  const most = isNew ? perMinute : limit.perMinute
  const left = remaining ?? 0
  const full = resetMs === undefined ? left : left + ((resetMs - dateMs) * most) / minuteMs
  const before = limit.upstreamCapacity
  resize(limit, most, Math.max(full, left, isNew ? 1 : before))
  // What turns out to be larger was as full as it was believed to be.
  const grown = Math.max(0, limit.upstreamCapacity - before)
  limit.alone = Math.min(limit.upstreamCapacity, limit.alone + grown)
  limit.upstream = Math.min(limit.upstreamCapacity, limit.upstream + grown)
  return isNew
}

/** What share of the limit is ours, by what others have taken of it. */
export function shareOf({ alone, upstream, upstreamCapacity }: Limit): number {
  const others = Math.max(0, alone - upstream) / upstreamCapacity
  // Up to half of the bucket nobody is in the way. Below, all who share it come to rest where their shares add up to one.
  const fullness = 2 * Math.max(0, 1 - others)
  return Math.max(leastShare, Math.min(1, fullness * fullness))
}

/** Whatever an answer says that it has used: a minute makes up for it. */
function within(least: number, value: number, most: number): number {
  return Math.max(least, Math.min(value, most))
}

function resize(limit: Limit, perMinute: number, upstreamCapacity: number): void {
  const perMs = perMinute / minuteMs
  const before = limit.capacity
  limit.perMinute = perMinute
  limit.perMs = perMs
  limit.upstreamCapacity = Math.max(1, Math.min(perMinute, upstreamCapacity))
  // Half of what the API allows at once: what we send evenly may arrive in a heap.
  limit.capacity = Math.max(1, Math.min(perMs * limit.burstMs, limit.upstreamCapacity / 2))
  // Of tokens one call may need all that it can hold. Of requests nothing is saved up: others may begin at the same time.
  const more = limit.name === 'requests' ? 0 : Math.max(0, limit.capacity - before)
  limit.level = within(-perMinute, limit.level + more, limit.capacity)
}
