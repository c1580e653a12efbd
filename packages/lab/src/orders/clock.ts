/** Time that passes only when it is told to: in the place of `setTimeout`, `Date.now` and `performance.now`. */
export interface VirtualClock {
  /** Milliseconds since it was installed. */
  now(): number
  /** How many timers are running. */
  timers(): number
  /** Lets promises, and all that hangs on them, come to rest. */
  settle(): Promise<void>
  /** Goes to the next timer, runs it, and settles; `false` when there is none, or when it comes after `limitMs`. */
  next(limitMs?: number): Promise<boolean>
  /** Stops the timers that are left. */
  clear(): void
  /** Goes on to the next whole second: where a run begins. */
  align(): void
  uninstall(): void
}

interface Timer {
  readonly at: number
  readonly order: number
  readonly run: () => void
  readonly everyMs: number | undefined
}

/** What a timer is to its owner: what Node's `Timeout` can do, as far as anybody asks. */
interface Handle {
  ref(): Handle
  unref(): Handle
  hasRef(): boolean
  [Symbol.toPrimitive](): number
}

/** Real time, for what the clock itself needs. */
const real = { setImmediate, setTimeout, clearTimeout, setInterval, clearInterval, dateNow: Date.now }
const epochMs = Date.UTC(2026, 0, 1)

/** Installs a {@link VirtualClock}. One at a time, and for a thread that does nothing else meanwhile. */
export function installClock(): VirtualClock {
  const timers = new Map<Handle, Timer>()
  let now = 0
  let order = 0
  const performanceNow = Object.getOwnPropertyDescriptor(performance, 'now')

  function start(run: () => void, ms: number, everyMs: number | undefined): Handle {
    const handle: Handle = {
      ref: () => handle,
      unref: () => handle,
      hasRef: () => true,
      [Symbol.toPrimitive]: () => 0,
    }
    timers.set(handle, { at: now + ms, order: order++, run, everyMs })
    return handle
  }

  function startTimer(run: (...args: unknown[]) => void, ms?: number, ...args: unknown[]): Handle {
    return start(() => run(...args), atLeast(ms), undefined)
  }

  function startInterval(run: (...args: unknown[]) => void, ms?: number, ...args: unknown[]): Handle {
    return start(() => run(...args), atLeast(ms), atLeast(ms))
  }

  /** Timers of the time before, or of somebody's real clock, are none of ours. */
  function stop(handle: unknown): void {
    if (!timers.delete(handle as Handle)) real.clearTimeout(handle as NodeJS.Timeout)
  }

  function first(): [Handle, Timer] | undefined {
    let found: [Handle, Timer] | undefined
    for (const entry of timers) {
      const isSooner =
        found === undefined ||
        entry[1].at < found[1].at ||
        (entry[1].at === found[1].at && entry[1].order < found[1].order)
      if (isSooner) found = entry
    }
    return found
  }

  function settle(): Promise<void> {
    return new Promise((resolve) => void real.setImmediate(resolve))
  }

  Object.assign(globalThis, {
    setTimeout: startTimer,
    setInterval: startInterval,
    clearTimeout: stop,
    clearInterval: stop,
  })
  Date.now = () => epochMs + now
  Object.defineProperty(performance, 'now', { value: () => now, configurable: true, writable: true })

  return {
    now: () => now,
    timers: () => timers.size,
    settle,
    async next(limitMs = Infinity) {
      const found = first()
      if (found === undefined || found[1].at > limitMs) return false
      const [handle, { at, run, everyMs }] = found
      timers.delete(handle)
      now = Math.max(now, at)
      if (everyMs !== undefined) timers.set(handle, { at: now + everyMs, order: order++, run, everyMs })
      run()
      await settle()
      return true
    },
    clear: () => timers.clear(),
    align() {
      now = Math.ceil(now / 1000) * 1000
    },
    uninstall() {
      const { setTimeout, clearTimeout, setInterval, clearInterval } = real
      Object.assign(globalThis, { setTimeout, clearTimeout, setInterval, clearInterval })
      Date.now = real.dateNow
      if (performanceNow === undefined) Reflect.deleteProperty(performance, 'now')
      else Object.defineProperty(performance, 'now', performanceNow)
    },
  }
}

/** As Node has it: a delay that is none, or too long for a timer, is a millisecond. */
function atLeast(ms: number | undefined): number {
  return ms !== undefined && ms >= 1 && ms <= 2 ** 31 - 1 ? Math.trunc(ms) : 1
}
