import { dust, refill, type TokenBucket } from './token-bucket.ts'

/** How fast requests may be sent where no limit is known, or the API has refused some all the same. It grows with time. */
export interface Pace extends TokenBucket {
  /** What it grew from, per millisecond, and since when. */
  readonly base: number
  since: number
  /** Whether it is that of the start, and no refusal's. */
  readonly isStart: boolean
  /** Those of the start and of a recovery do when an answer was good. */
  isGrowing: boolean
  /** How fast, in a second; after so many seconds by twice that, and so on. */
  readonly growth: number
  readonly fasterEach: number
  /** When it was in the way last. */
  blockedAt: number
  /** The fastest that was refused, per millisecond. */
  readonly refused: number
  /** Above what it means nothing any more, per millisecond. */
  readonly end: number
}

/** At the start, while answers are good, it doubles each second. */
const startGrowth = Math.LN2
/** After a refusal it grows by 3 % a second, after 20 s without another by twice that, after 40 by three times. */
const growth = 0.03
const fasterEach = 20
/** After a time in which most failed it grows within a minute by an eighth, within two by a half, within three by 2.5 times. */
const recoveryGrowth = 0.0005
const recoveryFasterEach = 10
/** It begins with so many times what was answered before. */
const recoveryFactor = 1.75
/** Not in the way for so long, and the recovery is over. */
const recoveredMs = 5000
/** What a refusal leaves of it. */
const cutTo = 0.7
/** Never slower than one request in a second. */
const leastPerMs = 1 / 1000
/** So much of a second may be sent at once after a refusal. */
const burstMs = 100
/** A pace of the start ends at 1,000 requests a second. */
const startEnd = 1
/** One after a refusal ends at so many times what was refused. */
const endFactor = 5

/** The pace of a key that nothing is known of: a second's worth at once, then evenly. */
export function startPace(perSecond: number, now: number): Pace {
  const capacity = Math.max(1, perSecond)
  const perMs = perSecond / 1000
  return {
    perMs,
    capacity,
    level: capacity,
    at: now,
    base: perMs,
    since: now,
    isStart: true,
    isGrowing: false,
    growth: startGrowth,
    fasterEach: Infinity,
    blockedAt: now,
    refused: 0,
    end: startEnd,
  }
}

/** The pace while most fail, and after it, for who comes back: by what was answered before, and no slower than a start. */
export function recoveryPace(usualPerMs: number, leastPerSecond: number, now: number): Pace {
  const perMs = Math.max(leastPerSecond / 1000, usualPerMs * recoveryFactor)
  return {
    perMs,
    capacity: Math.max(1, perMs * burstMs),
    level: 0,
    at: now,
    base: perMs,
    since: now,
    isStart: false,
    isGrowing: false,
    growth: recoveryGrowth,
    fasterEach: recoveryFasterEach,
    blockedAt: now,
    refused: 0,
    end: perMs * endFactor,
  }
}

/** Whether nobody waits for a recovery any more. */
export function hasRecovered({ isGrowing, since, blockedAt }: Pace, now: number): boolean {
  return isGrowing && now - Math.max(since, blockedAt) > recoveredMs
}

/**
 * The pace after a refusal, from the one before and the one at which requests were sent lately. `most` is what a known limit
 * allows.
 */
export function cutPace(before: Pace | undefined, sentPerMs: number, most: number, now: number): Pace {
  // Behind a gate nearly nothing was sent: that says nothing of what the API can take.
  const from =
    before === undefined || before.isStart
      ? sentPerMs
      : Math.min(before.perMs, Math.max(sentPerMs, before.perMs / 2))
  const refused = Math.max(before?.refused ?? 0, from)
  const perMs = Math.max(leastPerMs, Math.min(from, most) * cutTo)
  return {
    perMs,
    capacity: Math.max(1, perMs * burstMs),
    level: 0,
    at: now,
    base: perMs,
    since: now,
    isStart: false,
    isGrowing: true,
    growth,
    fasterEach,
    blockedAt: now,
    refused,
    end: Math.min(most, Math.max(refused, perMs) * endFactor),
  }
}

/** An answer was good: from now on it grows. */
export function quicken(pace: Pace, now: number): void {
  if (pace.isGrowing) return
  pace.isGrowing = true
  pace.since = now
}

/** Lets the pace grow and flow; `false` when it means nothing any more. */
export function proceed(pace: Pace, now: number): boolean {
  if (pace.isGrowing && now > pace.at) {
    const seconds = (now - pace.since) / 1000
    const exponent = pace.growth * seconds * (1 + seconds / (2 * pace.fasterEach))
    pace.perMs = pace.base * Math.exp(exponent)
  }
  refill(pace, now)
  return pace.perMs < pace.end
}

/** A turn was not used: no more of these come back than it holds, in which time may have filled the place again. */
export function giveTurn(pace: Pace): void {
  if (pace.level < pace.capacity) pace.level = Math.min(pace.capacity, pace.level + 1)
}

/** Milliseconds until a request may be sent, at the pace of the moment. */
export function paceWaitMs({ level, perMs }: Pace): number {
  return level >= 1 - dust ? 0 : (1 - level) / perMs
}

/** How long it takes until a request may be sent behind `ahead` others, in milliseconds, if nothing is refused meanwhile. */
export function expectedPaceMs({ level, perMs, growth }: Pace, ahead: number): number {
  const missing = ahead + 1 - level
  const perMsGrowth = growth / 1000
  return missing <= dust ? 0 : Math.log1p((perMsGrowth * missing) / perMs) / perMsGrowth
}
