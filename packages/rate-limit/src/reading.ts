import type { LearnedLimit } from '@breakwater/core'
import { readLimits, readRemaining, type LimitName, type Reading } from './headers.ts'
import { amountOf, learnedLimit } from './known-limits.ts'
import { correct, flow, learn, type Limit } from './limit.ts'
import type { Limiter, MemoryLease } from './limiter.ts'
import { estimate } from './line.ts'
import { hasEnough, narrow } from './spare.ts'
import type { TokenCount } from './store.ts'

/** All headers are looked at in the first answers, and then in one of so many looks. */
const firstLooks = 3
const everyLook = 16
/** What is left is looked at so often: at more calls a second, most are none the wiser. */
const lookMs = 100

/** Takes over what the headers of an answer say of the limits; returns these where they have changed. */
export function read(
  lease: MemoryLease,
  headers: Pick<Headers, 'get'>,
  isAccepted: boolean,
  now: number,
): readonly LearnedLimit[] | undefined {
  const { limiter } = lease
  // Answers come in any order: what an older one says of the limits, a newer one has said better.
  if (lease.seq <= limiter.answeredSeq) return undefined
  const looks = limiter.answers
  if (isAccepted && looks >= firstLooks && now - limiter.readAt < lookMs) return undefined
  limiter.answeredSeq = lease.seq
  limiter.answers++
  limiter.readAt = now
  if (looks < firstLooks || looks % everyLook === 0 || !isAccepted) {
    return study(lease, readLimits(headers, lease.rules.isFast), isAccepted, now)
  }
  for (const limit of limiter.limits) {
    const remaining = readRemaining(headers, limit.sources)
    if (remaining !== undefined) compare(lease, limit, Math.min(remaining, limit.perMinute), now)
  }
  return undefined
}

/** The API has refused although there was enough of everything: it counts less than it tells. */
export function distrust(lease: MemoryLease, refused: TokenCount): void {
  const { limits } = lease.limiter
  lease.refused = undefined
  if (limits.every((limit) => hasEnough(limit, amountOf(limit.name, refused)))) limits.forEach(narrow)
}

/** Takes over what all headers say; returns the limits where they have changed. */
function study(
  lease: MemoryLease,
  readings: readonly Reading[],
  isAccepted: boolean,
  now: number,
): readonly LearnedLimit[] | undefined {
  const { limiter, rules } = lease
  const { limits } = limiter
  let isChanged = false
  for (const reading of readings) {
    let limit = limits.find(({ name }) => name === reading.limit)
    if (limit === undefined) {
      limit = learnedLimit(reading.limit, reading.perMinute, rules, now)
      limits.push(limit)
      isChanged = true
    }
    flow(limit, now)
    isChanged = learn(limit, reading) || isChanged
    if (reading.remaining !== undefined) compare(lease, limit, reading.remaining, now)
  }
  if (isAccepted) {
    // What the API no longer tells of.
    const kept = limits.filter(({ name, isFixed }) => isFixed || readings.some(({ limit }) => limit === name))
    isChanged ||= kept.length < limits.length
    limits.splice(0, limits.length, ...kept)
  }
  if (!isChanged) return undefined
  renew(limiter)
  return known(limiter)
}

/** All limits that are known now. */
export function known({ limits, window }: Limiter): readonly LearnedLimit[] {
  const all: LearnedLimit[] = limits.map(({ name, perMinute }) => ({ limit: name, value: perMinute }))
  const size = Math.floor(window?.size ?? Infinity)
  if (size !== Infinity) all.push({ limit: 'concurrency', value: size })
  return all
}

/** The limits have changed. */
function renew(limiter: Limiter): void {
  limiter.hasTokenLimits = limiter.limits.some(({ name }) => name !== 'requests')
  if (limiter.limits.length > 0 && limiter.pace?.isStart === true) limiter.pace = undefined
  estimate(limiter)
}

function compare(lease: MemoryLease, limit: Limit, remaining: number, now: number): void {
  flow(limit, now)
  // Tokens were not counted before their limit was known.
  const takenBefore = limit.name === 'requests' ? lease.limiter.seq : Infinity
  correct(limit, remaining, takenSince(lease, limit.name), now - lease.sentAt, takenBefore)
}

/** What was taken for requests that left after this one. */
function takenSince({ limiter, seq, inputBefore, outputBefore }: MemoryLease, name: LimitName): number {
  const input = limiter.input - inputBefore
  const output = limiter.output - outputBefore
  if (name === 'requests') return limiter.seq - seq
  if (name === 'input_tokens') return input
  return name === 'output_tokens' ? output : input + output
}
