import type { Classification } from './classification.ts'

/** A known classification, or one that is being worked out. */
export type Remembered = Classification | Promise<Classification>

interface Shared {
  readonly known: WeakMap<object, Remembered>
  /** Verdicts that the rules of a call have passed. */
  readonly ruled: WeakMap<object, Classification>
  /** Failures that have been logged and told to the listeners. */
  readonly reported: WeakSet<object>
  /** What came of the bodies that were not read to their end. */
  readonly arrived: WeakMap<object, readonly Uint8Array<ArrayBuffer>[]>
}

// On the global object, so that two installed copies agree on one failure and read its body once.
const key: unique symbol = Symbol.for('breakwater.classify/1')
const globals = globalThis as { [key]?: Shared }
const shared: Shared = (globals[key] ??= {
  known: new WeakMap(),
  ruled: new WeakMap(),
  reported: new WeakSet(),
  arrived: new WeakMap(),
})

/** What is known of a response or an error that was classified before. */
export function recall(failure: object): Remembered | undefined {
  return shared.known.get(failure)
}

/** Keeps a classification for as long as the response or error itself lives. */
export function remember(failure: object, known: Remembered): void {
  shared.known.set(failure, known)
}

/** The verdict on a failure that has passed the rules of its call. */
export function recallRuled(failure: object): Classification | undefined {
  return shared.ruled.get(failure)
}

/** Keeps a verdict that has passed the rules of its call: from now on it is the one that everybody gets. */
export function rememberRuled(failure: object, known: Classification): void {
  shared.known.set(failure, known)
  shared.ruled.set(failure, known)
}

/** Whether nobody has reported this failure yet; from now on somebody has. */
export function isFirstReport(failure: object): boolean {
  if (shared.reported.has(failure)) return false
  shared.reported.add(failure)
  return true
}

/** What came of a response's body before the limits; undefined when it came whole. */
export function arrivedOf(response: Response): readonly Uint8Array<ArrayBuffer>[] | undefined {
  return shared.arrived.get(response)
}

/** Keeps what came of a response's body before the limits. */
export function keepArrived(response: Response, chunks: readonly Uint8Array<ArrayBuffer>[]): void {
  shared.arrived.set(response, chunks)
}
