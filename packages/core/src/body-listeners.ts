import type { StreamEvent } from './event-scan.ts'
import type { BodyEnd } from './stream-state.ts'

/** Told of what passes through a body. */
export interface BodyListener {
  /** Each event of an event stream, when its last byte has come. */
  readonly onEvent?: ((event: StreamEvent) => void) | undefined
  /** Somebody waits for the next bytes. */
  readonly onWait?: (() => void) | undefined
  /** Bytes have come, and their events were told. */
  readonly onChunk?: ((chunk: Uint8Array) => void) | undefined
  /** Nothing more will come; told once. */
  readonly onEnd?: ((end: BodyEnd) => void) | undefined
}

/** All who listen to a body: plain data, as a successful call pays for each function that is made for it. */
export interface BodyListeners {
  all: BodyListener[]
  /** Those who have not heard of a reading ahead that is under way. */
  late: readonly BodyListener[]
}

/** Makes an empty list of listeners. */
export function bodyListeners(): BodyListeners {
  return { all: [], late: none }
}

const none: BodyListener[] = []

/** Adds one more; `isReading` says whether a reading ahead is under way, of which it has not heard. */
export function addListener(listeners: BodyListeners, listener: BodyListener, isReading: boolean): void {
  listeners.all.push(listener)
  if (isReading) listeners.late = [...listeners.late, listener]
}

/** Somebody waits for the next bytes. */
export function tellWait({ all }: BodyListeners): void {
  for (const listener of all) listener.onWait?.()
}

/** The reader waits for what is being read ahead: says so to who has not heard of that. */
export function tellLateWait(listeners: BodyListeners): void {
  const { late } = listeners
  forgetLate(listeners)
  for (const listener of late) listener.onWait?.()
}

/** What was being read ahead has come. */
export function forgetLate(listeners: BodyListeners): void {
  listeners.late = none
}

/** An event has come. */
export function tellEvent({ all }: BodyListeners, event: StreamEvent): void {
  for (const listener of all) listener.onEvent?.(event)
}

/** Bytes have come, and their events were told. */
export function tellChunk({ all }: BodyListeners, chunk: Uint8Array): void {
  for (const listener of all) listener.onChunk?.(chunk)
}

/** Nothing more will come: nobody is kept by a body that is over. */
export function tellEnd(listeners: BodyListeners, end: BodyEnd): void {
  const { all } = listeners
  listeners.all = none
  forgetLate(listeners)
  for (const listener of all) listener.onEnd?.(end)
}
