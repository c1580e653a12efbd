import { setImmediate as turn } from 'node:timers'
import { createRandom } from '../contention.ts'
import { createTimerQueue, type TimerQueue } from './timer-queue.ts'

/** How time runs in {@link simulate}. */
export interface SimulateOptions {
  /** Seed of `Math.random`. @default 1 */
  readonly seed?: number
  /** The date at the beginning, in milliseconds since the epoch. @default 2026-11-21T11:58:00Z */
  readonly startsAt?: number
  /** The most simulated time in milliseconds. @default 6 hours */
  readonly limitMs?: number
}

/** What may be done with a timer of the simulation: what Node's own has. */
interface FakeTimer {
  isCleared: boolean
  ref(): FakeTimer
  unref(): FakeTimer
  hasRef(): boolean
  [Symbol.toPrimitive](): number
}

type Callback = (...args: unknown[]) => void

const maxTimerMs = 2 ** 31 - 1
/** Turns of the real event loop without a timer, after which nothing can be under way any more. */
const idleTurns = 100
let isRunning = false

/**
 * Runs a program on simulated time: timers fire in order, at once, and all that follows from one is done before the next.
 * The clocks (`Date`, `performance.now`), the global timers and `Math.random` are the simulation's own meanwhile, so that unmodified libraries live in it, and the same seed gives the same run.
 *
 * @throws {Error} when the program waits for something that never comes, or for longer than `limitMs`.
 */
export async function simulate<Value>(
  main: () => Promise<Value>,
  { seed = 1, startsAt = Date.UTC(2026, 10, 21, 11, 58), limitMs = 6 * 3_600_000 }: SimulateOptions = {},
): Promise<Value> {
  if (isRunning) throw new Error('One simulation at a time: it owns the clocks.')
  isRunning = true
  const queue = createTimerQueue()
  const clock = { now: 0 }
  const restore = install(clock, queue, startsAt, createRandom(seed))
  try {
    let isOver = false
    const running = main().finally(() => (isOver = true))
    // It is awaited below, after it has settled.
    running.catch(() => {})
    for (let idle = 0; ;) {
      await new Promise<void>((resolve) => turn(resolve))
      if (isOver) return await running
      let due = queue.take()
      while (due?.isOff() === true) due = queue.take()
      if (due === undefined) {
        if (++idle > idleTurns) throw new Error('The simulation waits for something that never comes.')
        continue
      }
      idle = 0
      if (due.at > limitMs) throw new Error(`The simulation takes longer than ${limitMs} ms.`)
      clock.now = Math.max(clock.now, due.at)
      due.run()
    }
  } finally {
    restore()
    isRunning = false
  }
}

/** Replaces the clocks and timers; returns what puts them back. */
function install(
  clock: { readonly now: number },
  queue: TimerQueue,
  startsAt: number,
  random: () => number,
): () => void {
  const timers = new Map<number, FakeTimer>()
  let ids = 0

  function start(callback: Callback, ms: unknown, args: readonly unknown[], repeats: boolean): FakeTimer {
    const id = ++ids
    const timer: FakeTimer = {
      isCleared: false,
      ref: () => timer,
      unref: () => timer,
      hasRef: () => true,
      [Symbol.toPrimitive]() {
        timers.set(id, timer)
        return id
      },
    }
    const delayMs = delayOf(ms)
    const arm = (): void =>
      queue.add({
        at: clock.now + delayMs,
        isOff: () => timer.isCleared,
        run() {
          if (repeats) arm()
          callback(...args)
        },
      })
    arm()
    return timer
  }

  function clear(timer: unknown): void {
    const known = typeof timer === 'number' ? timers.get(timer) : timer
    if (typeof known === 'object' && known !== null && 'isCleared' in known) known.isCleared = true
  }

  const real = { setTimeout, clearTimeout, setInterval, clearInterval, Date }
  const { now: dateNow } = Date
  const { random: mathRandom } = Math
  Object.assign(globalThis, {
    setTimeout: (callback: Callback, ms?: unknown, ...args: unknown[]) => start(callback, ms, args, false),
    setInterval: (callback: Callback, ms?: unknown, ...args: unknown[]) => start(callback, ms, args, true),
    clearTimeout: clear,
    clearInterval: clear,
    Date: new Proxy(Date, {
      construct: (target, args) => Reflect.construct(target, args.length === 0 ? [Date.now()] : args),
    }),
  })
  Date.now = () => startsAt + Math.floor(clock.now)
  Math.random = random
  Object.assign(performance, { now: () => clock.now })
  return () => {
    Object.assign(globalThis, real)
    Date.now = dateNow
    Math.random = mathRandom
    Reflect.deleteProperty(performance, 'now')
  }
}

/** As Node has it: what cannot be held is one millisecond. */
function delayOf(ms: unknown): number {
  const delayMs = Number(ms)
  return delayMs >= 1 && delayMs <= maxTimerMs ? delayMs : 1
}
