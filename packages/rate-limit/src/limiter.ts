import { createGate, gateWaitMs, pass, type Gate } from './gate.ts'
import { createHealth, type Health } from './health.ts'
import { amountOf, fixedLimits } from './known-limits.ts'
import { flow, take, type Limit } from './limit.ts'
import { count, createMeter, type Meter } from './meter.ts'
import { hasRecovered, paceWaitMs, proceed, startPace, type Pace } from './pace.ts'
import type { Waiter } from './queue.ts'
import type { Lease, Need, QueueReason, Rules, TokenCount } from './store.ts'
import { waitMs } from './token-bucket.ts'
import { widen, type Window } from './window.ts'

/** All that is known of one key. */
export interface Limiter {
  readonly key: string
  /** Of the first call. */
  readonly rules: Rules
  queue: Waiter[]
  /** Requests that have a place. */
  inFlight: number
  /** Leases that were ever given. */
  seq: number
  /** Answers whose headers were looked at, and the newest lease that one of them was for. */
  answers: number
  answeredSeq: number
  /** When headers were looked at last, and when the tokens of an answer. */
  readAt: number
  countedAt: number
  /** Tokens that were ever reserved. */
  input: number
  output: number
  readonly limits: Limit[]
  hasTokenLimits: boolean
  readonly gate: Gate
  pace: Pace | undefined
  readonly health: Health
  /** While most requests fail, and after it. */
  recovery: Pace | undefined
  window: Window | undefined
  /** Refusals of leases up to this one are of the round trip that was answered for already. */
  cutSeq: number
  readonly sent: Meter
  /** How long a place is held, on average over the last ones, in milliseconds; and by how many that is known. */
  holdMs: number
  holds: number
  /** Why the last call that was looked at could not go. */
  reason: QueueReason
  timer: ReturnType<typeof setTimeout> | undefined
  timerAt: number
  /** No waiter expires before. */
  expiresAt: number
  usedAt: number
}

/** A lease of the memory. */
export interface MemoryLease extends Lease {
  readonly limiter: Limiter
  readonly rules: Rules
  readonly seq: number
  readonly sentAt: number
  /** What is reserved for it. */
  input: number
  output: number
  /** {@link Limiter.input} and `output` when it was given. */
  readonly inputBefore: number
  readonly outputBefore: number
  isAnswered: boolean
  /** What the API has refused by a rate limit. */
  refused: TokenCount | undefined
  /** Whether it was all given back, as the API has not counted the request. */
  isReturned: boolean
  isOver: boolean
}

const firstReads = 8
/** Tokens are looked at so often: at more calls a second, most are none the wiser. */
const lookMs = 100
const noTokens: TokenCount = { input: 0, output: 0 }

/** The limiter of a key that nothing is known of but the user's own rules. */
export function createLimiter(key: string, rules: Rules, now: number): Limiter {
  const { startPerSecond } = rules
  const limits = fixedLimits(rules.limits, now)
  return {
    key,
    rules,
    queue: [],
    inFlight: 0,
    seq: 0,
    answers: 0,
    answeredSeq: 0,
    readAt: -Infinity,
    countedAt: -Infinity,
    input: 0,
    output: 0,
    limits,
    hasTokenLimits: limits.some(({ name }) => name !== 'requests'),
    gate: createGate(),
    pace: limits.length > 0 || startPerSecond === Infinity ? undefined : startPace(startPerSecond, now),
    health: createHealth(now),
    recovery: undefined,
    window: undefined,
    cutSeq: 0,
    sent: createMeter(now),
    holdMs: 0,
    holds: 0,
    reason: 'requests',
    timer: undefined,
    timerAt: Infinity,
    expiresAt: Infinity,
    usedAt: 0,
  }
}

/** The tokens of a call, where they matter. */
export function tokensOf(limiter: Limiter, need: Need): TokenCount {
  return limiter.hasTokenLimits ? need.estimate() : noTokens
}

/** How many may be under way at once. */
export function slotsOf(limiter: Limiter, { concurrency }: Rules, now: number): number {
  const { window, holdMs } = limiter
  if (window === undefined) return concurrency
  if (widen(window, holdMs, now)) return Math.min(concurrency, Math.floor(window.size))
  limiter.window = undefined
  return concurrency
}

/** Milliseconds until a call may go for which nobody waits any more; `Infinity` where that is not a matter of time. */
export function blockedMs(limiter: Limiter, rules: Rules, tokens: TokenCount, now: number): number {
  const { gate, limits } = limiter
  if (gate.state !== 'open') {
    const ms = gateWaitMs(gate, now)
    if (ms > 0) return blocked(limiter, 'gate', ms)
  }
  if (limiter.inFlight >= slotsOf(limiter, rules, now)) return blocked(limiter, 'concurrency', Infinity)
  const pace = paceOf(limiter, now)
  if (pace !== undefined) {
    const ms = paceWaitMs(pace)
    if (ms > 0) return blocked(limiter, 'requests', ms)
  }
  const recovery = recoveryOf(limiter, now)
  if (recovery !== undefined) {
    const ms = paceWaitMs(recovery)
    if (ms > 0) {
      recovery.blockedAt = now
      return blocked(limiter, 'requests', ms)
    }
  }
  for (const limit of limits) {
    flow(limit, now)
    const ms = waitMs(limit, amountOf(limit.name, tokens), now)
    if (ms > 0) return blocked(limiter, limit.name, ms)
  }
  return 0
}

/** Lets a call go: takes its place and its part of each limit. */
export function admit(
  limiter: Limiter,
  rules: Rules,
  { input, output }: TokenCount,
  now: number,
): MemoryLease {
  const { gate, pace, recovery, limits } = limiter
  const isFirst = gate.state !== 'open' && pass(gate)
  if (pace !== undefined) pace.level--
  if (recovery !== undefined) recovery.level--
  count(limiter.sent, now)
  for (const limit of limits) {
    flow(limit, now)
    take(limit, amountOf(limit.name, { input, output }))
  }
  limiter.inFlight++
  return {
    granted: true,
    limiter,
    rules,
    seq: ++limiter.seq,
    sentAt: now,
    queueLength: limiter.queue.length,
    isFirst,
    countsTokens: limiter.hasTokenLimits && isOfInterest(limiter, now),
    input,
    output,
    inputBefore: (limiter.input += input),
    outputBefore: (limiter.output += output),
    isAnswered: false,
    refused: undefined,
    isReturned: false,
    isOver: false,
  }
}

/**
 * To read what an answer has used costs more than all the rest: it is done for the first, ten times a second, and where it is
 * close. What others have used beyond their estimate shows in the headers.
 */
function isOfInterest(limiter: Limiter, now: number): boolean {
  const isDue = limiter.seq <= firstReads || now - limiter.countedAt >= lookMs
  if (isDue) limiter.countedAt = now
  return isDue || limiter.limits.some(isClose)
}

function isClose({ name, level, capacity }: Limit): boolean {
  return name !== 'requests' && level < capacity / 2
}

/** The pace in force. */
export function paceOf(limiter: Limiter, now: number): Pace | undefined {
  const { pace } = limiter
  if (pace !== undefined && !proceed(pace, now)) limiter.pace = undefined
  return limiter.pace
}

/** The pace of a recovery, where there is one. */
export function recoveryOf(limiter: Limiter, now: number): Pace | undefined {
  const { recovery } = limiter
  if (recovery !== undefined && (!proceed(recovery, now) || hasRecovered(recovery, now))) {
    limiter.recovery = undefined
  }
  return limiter.recovery
}

function blocked(limiter: Limiter, reason: QueueReason, ms: number): number {
  limiter.reason = reason
  return ms
}
