import { eventScan, type StreamEvent } from './event-scan.ts'
import { concat } from './event-line.ts'

/** Chunks of a body that were read ahead: for its reader, and for who listens and comes late. */
export interface HeldChunks {
  /** How many bytes are held. */
  readonly bytes: number
  /** Where in the body the first of them stands. */
  readonly from: number
  /** Adds the next chunk, with the `firstStart` of its scan. */
  add(chunk: Uint8Array, eventAt: number | undefined): void
  /** Takes the first chunk. */
  take(): Uint8Array | undefined
  /** Tells of the events in what is held that end at `until` or before. */
  tell(onEvent: (event: StreamEvent) => void, until: number): void
}

interface Held {
  readonly chunk: Uint8Array
  readonly eventAt: number | undefined
}

/** So many chunks are put together: a small one weighs more than it holds. */
const mostLoose = 64

/** Holds chunks of which the first stands `start` bytes behind the beginning of the body. */
export function heldChunks(start: number): HeldChunks {
  const all: Held[] = []
  /** How many have come since some were put together. */
  let loose = 0

  /** One chunk of the last ones. */
  function putTogether(): void {
    const last = all.splice(-loose)
    loose = 0
    const chunk = concat(last.map(({ chunk }) => chunk))
    all.push({ chunk, eventAt: last.find(({ eventAt }) => eventAt !== undefined)?.eventAt })
  }

  const held = {
    bytes: 0,
    from: start,
    add(chunk: Uint8Array, eventAt: number | undefined) {
      all.push({ chunk, eventAt })
      held.bytes += chunk.length
      if (++loose === mostLoose) putTogether()
    },
    take() {
      const chunk = all.shift()?.chunk
      if (chunk === undefined) return undefined
      held.bytes -= chunk.length
      held.from += chunk.length
      return chunk
    },
    tell(onEvent: (event: StreamEvent) => void, until: number) {
      let at = held.from
      let scan: ReturnType<typeof eventScan> | undefined
      for (const { chunk, eventAt } of all) {
        if (scan !== undefined) {
          scan.push(chunk)
        } else if (eventAt !== undefined) {
          scan = eventScan((event) => {
            if (event.end <= until) onEvent(event)
          }, eventAt)
          scan.push(chunk.subarray(eventAt - at))
        }
        at += chunk.length
      }
    },
  }
  return held
}
