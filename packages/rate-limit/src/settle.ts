import type { LearnedLimit } from '@breakwater/core'
import { closeGate, openGate, unpass } from './gate.ts'
import { readLimits, readRemaining, type LimitName, type Reading } from './headers.ts'
import { correct, flow, learn, take, type Limit } from './limit.ts'
import { amountOf, learnedLimit, lookMs, type Limiter, type MemoryLease } from './limiter.ts'
import { advance, estimate, shed } from './line.ts'
import { ratePerMs } from './meter.ts'
import { cutPace, quicken } from './pace.ts'
import type { Change, Facts, Penalty, TokenCount } from './store.ts'
import { admitMore, cutWindow, lowerCeiling } from './window.ts'

/** All headers are looked at in the first answers, and then in one of so many looks. */
const firstLooks = 3
const everyLook = 16
/** What the last place weighs in the average. */
const holdWeight = 0.2

/** Takes note of what has become of a lease. */
export function settleLease(
  lease: MemoryLease,
  { outcome, headers, tokens, isOver }: Facts,
  now: number,
): Change | undefined {
  const { limiter } = lease
  let limits: readonly LearnedLimit[] | undefined
  let isOpened = false
  if (headers !== undefined) limits = read(lease, headers, outcome === 'accepted', now)
  if (outcome === 'accepted' && !lease.isAnswered) {
    lease.isAnswered = true
    if (limiter.pace !== undefined) quicken(limiter.pace, now)
    if (limiter.window !== undefined) admitMore(limiter.window, limiter.inFlight)
    isOpened = openGate(limiter.gate, lease.sentAt)
  }
  if (outcome === 'unsent') undo(lease, now)
  if (tokens !== undefined) adjust(lease, tokens, now)
  if (isOver) end(lease, now)
  if (limiter.queue.length > 0) {
    if (limits !== undefined) shed(limiter, now)
    advance(limiter, now)
  }
  if (limits === undefined && !isOpened) return undefined
  return { limits, gate: isOpened ? 'open' : undefined }
}

/** Takes note of a refusal of the API. */
export function penaliseLease(
  lease: MemoryLease,
  { category, retryAfterMs }: Penalty,
  now: number,
): Change | undefined {
  const { limiter } = lease
  giveBack(lease, now)
  const isLimit = category === 'rate_limit'
  const isHinted = isLimit && retryAfterMs !== undefined && retryAfterMs > 0
  let limits: readonly LearnedLimit[] | undefined
  // All that were under way together were refused for the same reason.
  if (lease.seq > limiter.cutSeq) {
    limiter.cutSeq = limiter.seq
    if (isLimit) {
      slowDown(limiter, now)
    } else {
      const before = limiter.window
      limiter.window = cutWindow(before, limiter.inFlight + (lease.isOver ? 1 : 0), now)
      if (limiter.window !== before) limits = known(limiter)
    }
  } else if (!isLimit && limiter.window !== undefined) {
    lowerCeiling(limiter.window, now)
  }
  const isClosed = isHinted && closeGate(limiter.gate, retryAfterMs, now)
  if (limiter.queue.length > 0) {
    shed(limiter, now)
    advance(limiter, now)
  }
  if (isClosed) return { limits, gate: 'closed', closedMs: Math.round(limiter.gate.until - now) }
  return limits === undefined ? undefined : { limits }
}

function slowDown(limiter: Limiter, now: number): void {
  const limit = limiter.limits.find(({ name }) => name === 'requests')
  const most = limit === undefined ? Infinity : limit.perMinute / 60_000
  limiter.pace = cutPace(limiter.pace, ratePerMs(limiter.sent, now), most, now)
}

function read(
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
function known({ limits, window }: Limiter): readonly LearnedLimit[] {
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
  correct(limit, remaining, takenSince(lease, limit.name), now - lease.sentAt)
}

/** What was taken for requests that left after this one. */
function takenSince({ limiter, seq, inputBefore, outputBefore }: MemoryLease, name: LimitName): number {
  const input = limiter.input - inputBefore
  const output = limiter.output - outputBefore
  if (name === 'requests') return limiter.seq - seq
  if (name === 'input_tokens') return input
  return name === 'output_tokens' ? output : input + output
}

/** The turn was not used: somebody else may have it. */
function undo(lease: MemoryLease, now: number): void {
  const { limiter, sentAt, isOver, isReturned } = lease
  if (!isOver && !isReturned) {
    unpass(limiter.gate, sentAt)
    const { pace } = limiter
    // No more than it can hold, in which time may have filled the place again.
    if (pace !== undefined && pace.level < pace.capacity) pace.level = Math.min(pace.capacity, pace.level + 1)
  }
  giveBack(lease, now)
}

/** The request was not counted upstream. */
function giveBack(lease: MemoryLease, now: number): void {
  const { limiter, input, output } = lease
  if (lease.isOver || lease.isReturned) return
  for (const limit of limiter.limits) {
    flow(limit, now)
    take(limit, -amountOf(limit.name, { input, output }))
  }
  lease.isReturned = true
  lease.input = 0
  lease.output = 0
}

/** The tokens are known: takes or gives back the difference to what was reserved. */
function adjust(lease: MemoryLease, { input, output }: TokenCount, now: number): void {
  const difference = { input: input - lease.input, output: output - lease.output }
  for (const limit of lease.limiter.limits) {
    if (limit.name === 'requests') continue
    flow(limit, now)
    take(limit, amountOf(limit.name, difference))
  }
  lease.input = input
  lease.output = output
}

function end(lease: MemoryLease, now: number): void {
  if (lease.isOver) return
  lease.isOver = true
  const { limiter } = lease
  limiter.inFlight--
  const heldMs = now - lease.sentAt
  limiter.holdMs += (heldMs - limiter.holdMs) * (limiter.holds === 0 ? 1 : holdWeight)
  limiter.holds++
}
