import type { LearnedLimit } from '@breakwater/core'
import { closeGate, openGate, unpass } from './gate.ts'
import { isDown, noteAnswer, noteFault, prove, usualPerMs } from './health.ts'
import { amountOf } from './known-limits.ts'
import { flow, take } from './limit.ts'
import type { Limiter, MemoryLease } from './limiter.ts'
import { advance, shed } from './line.ts'
import { ratePerMs } from './meter.ts'
import { cutPace, giveTurn, quicken, recoveryPace } from './pace.ts'
import { distrust, known, read } from './reading.ts'
import type { Change, Facts, Penalty, TokenCount } from './store.ts'
import { admitMore, cutWindow, lowerCeiling } from './window.ts'

/** What the last place weighs in the average. */
const holdWeight = 0.2

/** Takes note of what has become of a lease. */
export function settleLease(
  lease: MemoryLease,
  { outcome, isFault, headers, tokens, isOver }: Facts,
  now: number,
): Change | undefined {
  const { limiter } = lease
  let limits: readonly LearnedLimit[] | undefined
  let isOpened = false
  if (headers !== undefined) limits = read(lease, headers, outcome === 'accepted', now)
  if (lease.refused !== undefined) distrust(lease, lease.refused)
  if (outcome === 'accepted' && !lease.isAnswered) {
    lease.isAnswered = true
    noteAnswer(limiter.health, now)
    if (limiter.pace !== undefined) quicken(limiter.pace, now)
    if (limiter.recovery !== undefined && !isDown(limiter.health)) quicken(limiter.recovery, now)
    if (limiter.window !== undefined) admitMore(limiter.window, limiter.inFlight)
    isOpened = openGate(limiter.gate, lease.sentAt)
  }
  if (isFault === true) blame(limiter, now)
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
  const isLimit = category === 'rate_limit'
  if (isLimit) lease.refused = { input: lease.input, output: lease.output }
  giveBack(lease, now)
  const isHinted = isLimit && retryAfterMs !== undefined && retryAfterMs > 0
  let limits: readonly LearnedLimit[] | undefined
  if (!isLimit) blame(limiter, now)
  // All that were under way together were refused for the same reason.
  if (lease.seq > limiter.cutSeq) {
    limiter.cutSeq = limiter.seq
    if (isLimit) {
      slowDown(limiter, now)
    } else {
      const before = limiter.window
      const inFlight = limiter.inFlight + (lease.isOver ? 1 : 0)
      const { health } = limiter
      // As many were answered before: then it is not for their number that one is refused, unless most are.
      const isOurs = inFlight > health.proven || isDown(health)
      limiter.window = cutWindow(before, inFlight, isOurs, now)
      if (limiter.window !== before) limits = known(limiter)
      if (limiter.window !== undefined) health.proven = Math.min(health.proven, limiter.window.size)
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

/** The API or the network is at fault. While most requests fail, nobody comes back faster than they were answered before. */
function blame(limiter: Limiter, now: number): void {
  const { health, recovery, rules } = limiter
  noteFault(health)
  if (!isDown(health) || recovery?.isGrowing === false) return
  const perMs = usualPerMs(health)
  limiter.recovery = perMs === undefined ? undefined : recoveryPace(perMs, rules.startPerSecond, now)
}

function slowDown(limiter: Limiter, now: number): void {
  const limit = limiter.limits.find(({ name }) => name === 'requests')
  const most = limit === undefined ? Infinity : limit.perMinute / 60_000
  limiter.pace = cutPace(limiter.pace, ratePerMs(limiter.sent, now), most, now)
}

/** The turn was not used: somebody else may have it. */
function undo(lease: MemoryLease, now: number): void {
  const { limiter, sentAt, isOver, isReturned } = lease
  if (!isOver && !isReturned) {
    unpass(limiter.gate, sentAt)
    if (limiter.pace !== undefined) giveTurn(limiter.pace)
    if (limiter.recovery !== undefined) giveTurn(limiter.recovery)
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
  // A stream that was overloaded in band has proven nothing.
  if (lease.isAnswered && !lease.isReturned) prove(limiter.health, limiter.inFlight)
  limiter.inFlight--
  const heldMs = now - lease.sentAt
  limiter.holdMs += (heldMs - limiter.holdMs) * (limiter.holds === 0 ? 1 : holdWeight)
  limiter.holds++
}
