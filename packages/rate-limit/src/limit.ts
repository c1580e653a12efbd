import type { LimitName, Reading } from './headers.ts'
import { companyOf, extraPerMs, isDeep, othersOf, spareOf, spareWaitMs } from './spare.ts'
import type { TokenBucket } from './token-bucket.ts'

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
  /** Whether what the API has saved up may be spent, beyond the pace. */
  readonly canSpend: boolean
  /** Whether it is known what is left: by an answer, or because all that was sent was counted. */
  isTold: boolean
  /** How much of that at most: less after a refusal while there was more. */
  spendable: number
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
  canSpend = false,
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
    canSpend,
    isTold: isFixed,
    spendable: Infinity,
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
  const company = companyOf(limit)
  const share = shareOf(limit, company)
  const spare = spareOf(limit, company)
  const extra = extraPerMs(limit, spare, company)
  const { level, capacity } = limit
  // What is above the capacity since that shrank stays until it is used.
  if (level < capacity) {
    limit.level = Math.min(capacity, level + passedMs * all * share + Math.min(passedMs * extra, spare))
  }
  limit.at = now
  limit.perMs = all * share + extra
  limit.usualShare += (share - limit.usualShare) * -Math.expm1(-passedMs / usualMs)
  limit.upstream = Math.min(limit.upstreamCapacity, limit.upstream + passedMs * all)
  limit.alone = Math.min(limit.upstreamCapacity, limit.alone + passedMs * all)
}

/** How long it takes, at the usual pace, until an amount may be taken behind others, in milliseconds. */
export function usualWaitMs(limit: Limit, amount: number, ahead: number): number {
  const missing = ahead + Math.min(amount, limit.capacity) - limit.level
  return missing <= 0 ? 0 : spareWaitMs(limit, missing, (limit.perMinute * limit.usualShare) / minuteMs)
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
 * counted in it: what has flowed in meanwhile makes up for that, and never for more. Of what is missing the first time, `takenBefore` may be
 * our own.
 *
 * It only ever lowers what we may take: more comes with the time alone, at the pace of the limit.
 */
export function correct(
  limit: Limit,
  remaining: number,
  takenSince: number,
  passedMs: number,
  takenBefore: number = Infinity,
): void {
  const all = limit.perMinute / minuteMs
  // As it was when the request came, or as it is now: nobody tells.
  const told = Math.min(remaining, limit.upstreamCapacity)
  const since = told + passedMs * all - takenSince
  if (!limit.isTold && isDeep(limit)) {
    // Nothing was counted yet.
    limit.isTold = true
    limit.upstream = told
    limit.alone = Math.max(Math.min(told, since), limit.upstreamCapacity - takenBefore)
  }
  const least = Math.min(told, since)
  const left = isDeep(limit) ? within(least, limit.upstream, Math.max(told, since)) : least
  limit.upstream = left
  if (left < limit.level) limit.level = Math.max(left, Math.min(limit.level, 0))
}

/** Takes over what the full set of headers says; returns whether the limit is another one. */
export function learn(limit: Limit, { perMinute, remaining, resetMs, sources }: Reading): boolean {
  limit.sources = sources
  const isNew = !limit.isFixed && perMinute !== limit.perMinute
  if (isNew) {
    limit.spendable = Infinity
    limit.isTold = false
  }
  const most = isNew ? perMinute : limit.perMinute
  const left = remaining ?? 0
  const full = resetMs === undefined ? left : left + ((resetMs - dateMs) * most) / minuteMs
  const before = limit.upstreamCapacity
  resize(limit, most, Math.max(full, left, isNew ? 1 : before))
  const grown = Math.max(0, limit.upstreamCapacity - before)
  if (remaining === undefined || !isDeep(limit)) {
    // What turns out to be larger was as full as it was believed to be.
    limit.alone = Math.min(limit.upstreamCapacity, limit.alone + grown)
    limit.upstream = Math.min(limit.upstreamCapacity, limit.upstream + grown)
  }
  return isNew
}

/** What share of the limit is ours, by what others have taken of it. */
export function shareOf(limit: Limit, company: number = companyOf(limit)): number {
  // Up to half of the bucket nobody is in the way. Below, all who share it come to rest where their shares add up to one.
  const fullness = 2 * Math.max(0, 1 - othersOf(limit, company) / limit.upstreamCapacity)
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
