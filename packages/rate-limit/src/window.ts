/** How many requests may be under way at once, by what the API has refused. */
export interface Window {
  /** `Infinity` where less has not helped. */
  size: number
  /** At what size it was too much the last time. */
  ceiling: number
  /** When it grew last. */
  grownAt: number
  /** The largest that was cut. */
  readonly start: number
  /** Good answers and refusals since then; earlier ones count half after each cut. */
  good: number
  bad: number
  /** When the API refused one last. */
  refusedAt: number
  /** Until when refusals mean nothing. */
  readonly pausedUntil: number
}

/** What a refusal leaves of it. */
const cutTo = 0.7
/** Fewer say nothing of how many would be too many: so goes the probe of a breaker. */
const leastInFlight = 4
/** From this part of the last ceiling on it grows slowly. */
const nearly = 0.9
/** With time it grows by 1 % a second: an overload lasts longer than a full bucket. */
const growth = 0.01 / 1000
/** Without a refusal for two round trips it is over: the window doubles each round trip, and ends at twice what was cut. */
const calmRounds = 2
const calmEnd = 2
/** A round trip is a second at least. */
const leastRoundMs = 1000
/** At ten times the last ceiling, and a thousand, it means nothing any more. */
const end = 10
const leastEnd = 1000
/** Three cuts, and still one in five is refused: then that does not depend on us. */
const floor = 0.4
const hopeless = 0.2
const pauseMs = 30_000

/**
 * The window after a refusal, when so many were under way, the refused one included. A cut that does not help is given up: where the API
 * refuses whatever we do, fewer at once only means fewer answers.
 */
export function cutWindow(
  window: Window | undefined,
  inFlight: number,
  isOurs: boolean,
  now: number,
): Window | undefined {
  if (window === undefined && (inFlight < leastInFlight || !isOurs)) return undefined
  if (window !== undefined && now < window.pausedUntil) return window
  const bad = (window?.bad ?? 0) + 1
  if (window !== undefined) window.refusedAt = now
  const ceiling = Math.min(window?.size ?? Infinity, inFlight)
  const start = Math.max(window?.start ?? 0, ceiling)
  const good = window?.good ?? 0
  if (window !== undefined && window.size <= start * floor && bad / (good + bad) >= hopeless) {
    const pausedUntil = now + pauseMs
    return {
      size: Infinity,
      ceiling: start,
      grownAt: now,
      start,
      good: 0,
      bad: 0,
      refusedAt: now,
      pausedUntil,
    }
  }
  if (inFlight < leastInFlight) {
    if (window !== undefined) window.bad = bad
    return window
  }
  const size = Math.max(1, ceiling * cutTo)
  return {
    size,
    ceiling,
    grownAt: now,
    start,
    good: good / 2,
    bad: bad / 2,
    refusedAt: now,
    pausedUntil: 0,
  }
}

/** Another refusal of the same round trip: of those that were under way, one less was right. */
export function lowerCeiling(window: Window, now: number): void {
  window.bad++
  window.refusedAt = now
  if (window.size === Infinity) return
  window.ceiling = Math.max(1, window.ceiling - 1)
  window.size = Math.max(1, Math.min(window.size, window.ceiling * cutTo))
}

/** Lets the window grow with time, where a place is held for so long; `false` when it means nothing any more. */
export function widen(window: Window, holdMs: number, now: number): boolean {
  if (window.size === Infinity) return now < window.pausedUntil
  const roundMs = Math.max(leastRoundMs, holdMs)
  const isCalm = now - window.refusedAt > calmRounds * roundMs
  const passedMs = now - window.grownAt
  if (passedMs > 0) {
    window.size *= Math.exp((isCalm ? Math.LN2 / roundMs : growth) * passedMs)
    window.grownAt = now
  }
  return window.size < (isCalm ? window.start * calmEnd : Math.max(leastEnd, window.ceiling * end))
}

/**
 * An answer was good: where the window is used it grows by one each round trip, around the last ceiling by a tenth of that, and
 * where that has turned out to be wrong by half of itself.
 */
export function admitMore(window: Window, inFlight: number): void {
  window.good++
  const { size, ceiling } = window
  if (size === Infinity || inFlight * 2 < size) return
  if (size < ceiling * nearly) window.size += 1 / size
  else window.size += size < ceiling + 1 ? 0.1 / size : 0.5
}
