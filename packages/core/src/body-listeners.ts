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

/** All who listen to a body. */
export interface BodyListeners {
  /** Adds one more; `isReading` says whether a reading ahead is under way, of which it has not heard. */
  add(listener: BodyListener, isReading: boolean): void
  tellEvent(event: StreamEvent): void
  tellWait(): void
  /** The reader waits for what is being read ahead: says so to who has not heard of that. */
  tellLateWait(): void
  /** What was being read ahead has come. */
  forgetLate(): void
  tellChunk(chunk: Uint8Array): void
  tellEnd(end: BodyEnd): void
}

/** Makes an empty list of listeners. */
export function bodyListeners(): BodyListeners {
  const all: BodyListener[] = []
  let late: BodyListener[] = []
  return {
    add(listener, isReading) {
      all.push(listener)
      if (isReading) late.push(listener)
    },
    tellWait() {
      for (const listener of all) listener.onWait?.()
    },
    tellLateWait() {
      for (const listener of late.splice(0)) listener.onWait?.()
    },
    forgetLate() {
      if (late.length > 0) late = []
    },
    tellEvent(event) {
      for (const listener of all) listener.onEvent?.(event)
    },
    tellChunk(chunk) {
      for (const listener of all) listener.onChunk?.(chunk)
    },
    tellEnd(end) {
      for (const listener of all) listener.onEnd?.(end)
    },
  }
}
