/**
 * A fault that {@link describe} plays to a stack: a 429 without a hint and with `retry-after: 10`, a 529, a stream whose
 * connection breaks before its first content and after it, and a 401.
 */
export type FaultName =
  | 'rate_limit'
  | 'rate_limit_hinted'
  | 'overloaded'
  | 'stream_cut_early'
  | 'stream_cut'
  | 'authentication'

/** What comes out of a part of a stack in a {@link Rehearsal}. */
export type Rehearsed =
  | { readonly kind: 'answer' }
  | {
      /** A failing response or an error. */
      readonly kind: 'failure'
      /** Its category, in the words of classify. */
      readonly category: string
      readonly status?: number | undefined
      readonly retryAfterMs?: number | undefined
      /** Whether somebody inside has given up on it, and nobody outside is to send again. */
      readonly isFinal?: boolean | undefined
    }
  /** A stream that has been handed on, and breaks before its first content or after it. */
  | { readonly kind: 'broken_stream'; readonly isEarly: boolean }
  /** The same, where its reader gets one typed error. */
  | { readonly kind: 'interrupted_stream' }

/** Where a request of a {@link Rehearsal} goes. */
export interface RehearsedTarget {
  /** Empty where it is that of the caller's request. */
  readonly origin: string
  /** Empty where it is that of the caller's request. */
  readonly model: string
  /** Whether no failover has moved the call. */
  readonly isPrimary: boolean
}

/** One step of a call: a request sent, a wait, a move to the next target, or more of what nobody has rehearsed. */
export type Step =
  | { readonly kind: 'request' }
  | { readonly kind: 'wait'; readonly ms: number }
  | { readonly kind: 'move' }
  | { readonly kind: 'more'; readonly requests: number; readonly waitMs: number }

/** What a limiter outside of whoever sends again holds for a call. */
export interface RehearsedHold {
  /** The try is over, and came to that. */
  release(result: Rehearsed): void
  /** Takes a turn for another try; what it came to where there is none. */
  renew(): Rehearsed | undefined
}

/** A call without an upstream, for {@link describe}: nothing is sent, and only waits take time. */
export interface Rehearsal {
  /** What upstream answers with. */
  readonly fault: FaultName
  /** The time of the call so far, in milliseconds. */
  readonly nowMs: number
  /** When the call has to be over, on the same clock; `Infinity` for never. A failover lowers it for a time. */
  deadlineMs: number
  /** How many targets the failovers outside still have. */
  targetsLeft: number
  /** Where the next request goes. */
  target: RehearsedTarget
  /** The circuit that a failing try has left open: until when, and how many requests had been sent then. */
  openCircuit: { readonly untilMs: number; readonly requests: number } | undefined
  /** Requests sent so far. */
  readonly requests: number
  /** What was waited so far, in milliseconds. */
  readonly waitedMs: number
  /** Waits. */
  wait(ms: number): void
  /** Writes down that the call moves to its next target. */
  move(): void
  /** Adds what cannot be told step by step; waits end with the deadline. */
  add(requests: number, waitMs: number): void
  /** Runs `next` while the call holds something that whoever sends again inside has to know of. */
  hold(hold: RehearsedHold, next: () => Rehearsed): Rehearsed
  /** Gives back what the call holds, before it sends again. */
  release(result: Rehearsed): void
  /** Takes a turn with everybody outside who limits the call; what it came to where there is none. */
  renew(): Rehearsed | undefined
  /** Asks upstream, past all that stands inside. */
  upstream(): Rehearsed
  /** Runs `next` for at most `ms` milliseconds of waits; `undefined` where they were over before it. */
  within(ms: number, next: () => Rehearsed): Rehearsed | undefined
}

/** A middleware in miniature: it does in a {@link Rehearsal} what the real one does in a call. */
export type RehearsedMiddleware = (rehearsal: Rehearsal, next: () => Rehearsed) => Rehearsed

/** How a rehearsal went. */
export interface Rehearsing {
  readonly steps: readonly Step[]
  readonly result: Rehearsed
}

/** What ends a part of a rehearsal whose time is over. */
const over = new Error('The time of this part is over.')

/** What is played. */
export interface Scene {
  readonly fault: FaultName
  /** What the primary answers with, and all targets unless `primaryOnly`. */
  readonly answer: Rehearsed
  readonly primaryOnly: boolean
  readonly deadlineMs: number
}

/** Plays a fault to a stack of miniatures, outermost first. */
export function rehearse(
  stack: readonly RehearsedMiddleware[],
  { fault, answer, primaryOnly, deadlineMs }: Scene,
): Rehearsing {
  const steps: Step[] = []
  let nowMs = 0
  let requests = 0
  let waitedMs = 0
  let endsAt = Infinity
  const holds: RehearsedHold[] = []

  const rehearsal: Rehearsal = {
    fault,
    deadlineMs,
    targetsLeft: 0,
    target: { origin: '', model: '', isPrimary: true },
    openCircuit: undefined,
    get nowMs() {
      return nowMs
    },
    get requests() {
      return requests
    },
    get waitedMs() {
      return waitedMs
    },
    wait(ms) {
      // At the same time the limit is first: its timer is the older one.
      const isOver = nowMs + ms >= endsAt
      const waitMs = isOver ? endsAt - nowMs : ms
      if (waitMs > 0) steps.push({ kind: 'wait', ms: waitMs })
      waitedMs += waitMs
      nowMs += waitMs
      if (isOver) throw over
    },
    move() {
      steps.push({ kind: 'move' })
    },
    add(more, moreMs) {
      const waitMs = Math.min(moreMs, Math.max(0, rehearsal.deadlineMs - nowMs))
      if (more > 0 || waitMs > 0) steps.push({ kind: 'more', requests: more, waitMs })
      requests += more
      waitedMs += waitMs
      nowMs += waitMs
    },
    hold(hold, next) {
      holds.push(hold)
      const result = next()
      holds.pop()
      return result
    },
    release(result) {
      for (const hold of holds.toReversed()) hold.release(result)
    },
    renew() {
      for (const hold of holds) {
        const refusal = hold.renew()
        if (refusal !== undefined) return refusal
      }
      return undefined
    },
    upstream() {
      steps.push({ kind: 'request' })
      requests++
      return primaryOnly && !rehearsal.target.isPrimary ? { kind: 'answer' } : answer
    },
    within(ms, next) {
      const outer = endsAt
      const held = holds.length
      endsAt = Math.min(outer, nowMs + ms)
      try {
        return next()
      } catch (error) {
        if (error !== over || nowMs >= outer) throw error
        holds.length = held
        return undefined
      } finally {
        endsAt = outer
      }
    },
  }

  const enter = (index: number): Rehearsed => {
    const middleware = stack[index]
    return middleware === undefined ? rehearsal.upstream() : middleware(rehearsal, () => enter(index + 1))
  }
  return { result: enter(0), steps }
}
