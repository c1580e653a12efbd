import Opossum from 'opossum'

/** When a window lets its circuit open. */
export interface WindowSettings {
  readonly volumeThreshold: number
  readonly errorThresholdPercentage: number
  readonly windowMs: number
}

/** Successes and failures of one tenth of a window. */
export type Slice = readonly [successes: number, failures: number]

/** The outcomes of the last `windowMs`, kept by opossum, which also says when they are too bad. */
export interface FailureWindow {
  /** Counts a success. */
  succeed(now: number): void
  /** Counts a failure; whether the failures have reached the threshold. */
  fail(now: number): boolean
  /** Forgets everything. */
  clear(now: number): void
  /** What is in the window, the newest tenth first. */
  slices(now: number): Slice[]
  /** When its newest tenth began, on the clock of `now`. */
  startedAt(now: number): number
  /** Takes over what {@link slices} gave; the newest tenth began at `startedAt`. */
  load(slices: readonly Slice[], startedAt: number): void
  /** Lets opossum go. */
  shutdown(): void
}

/** The parts of a window; opossum forgets one at a time. */
export const sliceCount = 10

const failed = new Error('A call has failed; what came of it is kept beside.')

/**
 * Makes a window of an opossum breaker. Nothing runs in it: `fire` throws what is known already, so that the breaker
 * opens within the call. It has no timer: it forgets as the clock says when somebody counts or looks.
 */
export function createWindow(
  { volumeThreshold, errorThresholdPercentage, windowMs }: WindowSettings,
  now: number,
): FailureWindow {
  let rotate = nothing
  // A fresh literal: opossum writes into its options.
  const breaker = new Opossum(throwFailed, {
    name: 'circuit',
    timeout: false,
    volumeThreshold,
    // opossum wants more than this, and a user who says 50 % means at least.
    errorThresholdPercentage: errorThresholdPercentage - 1e-9,
    rollingCountTimeout: windowMs,
    rollingCountBuckets: sliceCount,
    rollingPercentilesEnabled: false,
    enableSnapshots: false,
    // Instead of an interval per breaker. Only these three are used of an emitter.
    rotateBucketController: emitter((listener) => (rotate = listener)),
  })
  // Its timer for the half-open state: the clock decides that at the next call.
  breaker.removeAllListeners('open')
  const { status } = breaker
  const sliceMs = windowMs / sliceCount
  let startedAt = now
  let newest = status.window[0]

  function forget(now: number): void {
    const slices = Math.floor((now - startedAt) / sliceMs)
    if (!(slices > 0)) return
    for (let slice = 0; slice < Math.min(slices, sliceCount); slice++) rotate()
    startedAt += slices * sliceMs
    newest = status.window[0]
  }

  return {
    succeed(now) {
      forget(now)
      // Not by way of `fire`: its list of latencies grows with every success.
      if (newest !== undefined) newest.fires++
    },
    fail(now) {
      forget(now)
      breaker.fire().catch(nothing)
      return breaker.opened
    },
    clear(now) {
      for (let slice = 0; slice < sliceCount; slice++) rotate()
      startedAt = now
      newest = status.window[0]
      breaker.close()
    },
    slices(now) {
      forget(now)
      return status.window.map(({ fires, failures }) => [fires - failures, failures])
    },
    startedAt(now) {
      forget(now)
      return startedAt
    },
    load(slices, from) {
      startedAt = from
      for (const [index, bucket] of status.window.entries()) {
        const [successes, failures] = slices[index] ?? [0, 0]
        bucket.fires = successes + failures
        bucket.failures = failures
      }
    },
    shutdown: () => breaker.shutdown(),
  }
}

/** Synchronous: a rejected promise would open the breaker a moment later. */
function throwFailed(): never {
  throw failed
}

type Controller = NonNullable<Opossum.Options['rotateBucketController']>

/** What opossum asks of the emitter that it is told by: its type wants all of Node's, which is no web API. */
function emitter(take: (listener: () => void) => void): Controller {
  const parts: Partial<Controller> = {
    on(_event, listener) {
      take(listener)
      return this as Controller
    },
    removeListener() {
      return this as Controller
    },
    listenerCount: () => 0,
  }
  return parts as Controller
}

function nothing(): void {}
