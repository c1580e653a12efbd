import { maxTimerMs } from '@breakwater/core'

/** A timer that fires this late was held up: the event loop was blocked, or the machine asleep. */
const lateMs = 1_000
/** What is allowed after that, for what had arrived by then and for a network that wakes up. */
const graceMs = 10_000

/** A timer that can be used again, and that tells a silent server from a process that was suspended. */
export interface Countdown {
  /** Runs for `ms`; at most one that runs at a time. */
  start(ms: number): void
  /** Ends it, and says what was left in milliseconds. */
  stop(): number
  /** Ends it. */
  clear(): void
}

/** Makes a {@link Countdown}. When its timer fires late by far, it runs once more, for at most 10 s. */
export function countdown(expire: () => void): Countdown {
  let timer: ReturnType<typeof setTimeout> | undefined
  let dueAt = 0
  let spareMs = 0

  function wait(ms: number): void {
    timer = setTimeout(check, Math.min(ms, maxTimerMs))
  }

  function check(): void {
    const restMs = dueAt - performance.now()
    // A timer cannot hold more than 24.8 days, and may be early by a fraction of a millisecond.
    if (restMs > 1) {
      wait(restMs)
    } else if (restMs < -lateMs && spareMs > 0) {
      dueAt = performance.now() + spareMs
      wait(spareMs)
      spareMs = 0
    } else {
      expire()
    }
  }

  function clear(): void {
    clearTimeout(timer)
  }

  return {
    start(ms) {
      dueAt = performance.now() + ms
      spareMs = Math.min(ms, graceMs)
      wait(ms)
    },
    stop() {
      clear()
      return dueAt - performance.now()
    },
    clear,
  }
}
