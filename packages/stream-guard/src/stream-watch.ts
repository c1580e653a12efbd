import type { BodyEnd, BodyListener, BodyTap, StreamEvent } from '@breakwater/core'
import type { StreamFault } from './failing-response.ts'
import { messageReader, type EventMeaning, type MessageReader } from './message-reader.ts'
import type { StreamInterruptedDetails } from './stream-interrupted-error.ts'

/** Which event lets a stream go. */
export type CommitPoint = 'content' | 'message_start' | 'headers' | 'end'

/** What was delivered before the fault, and the fault. */
export type Interruption = StreamFault &
  Pick<
    StreamInterruptedDetails,
    'deliveredEvents' | 'deliveredCharacters' | 'toolCallComplete' | 'partial' | 'lastError'
  >

/** How a stream is watched. */
export interface WatchOptions {
  readonly commit: CommitPoint
  readonly acceptStopReason: boolean
  readonly maxPartialBytes: number
  /** Whether an error that ends the body is no fault of the stream: the caller's abort, an error of ours. */
  readonly isExpected: (error: unknown) => boolean
  /** Makes the error for the reader of a stream that breaks after its commit point. */
  readonly onInterrupt: (interruption: Interruption) => unknown
}

/** What has been seen of a stream. */
export interface StreamWatch extends BodyListener {
  /** Whether the stream has been let go: from then on a fault ends it with an error. */
  isCommitted: boolean
  /** The fault before that. */
  readonly fault: StreamFault | undefined
  /** The fault of a stream that ends here, if it is one. */
  faultOfEnd(): StreamFault | undefined
}

/** Watches the events of a message, and ends the body at the first fault: before the byte at which the faulty event begins. */
export function watchStream(
  tap: BodyTap,
  { commit, acceptStopReason, maxPartialBytes, isExpected, onInterrupt }: WatchOptions,
): StreamWatch {
  const reader = messageReader(maxPartialBytes)
  /** The end of a tool call that the next event has to explain, and what had come before it. */
  let suspect: { at: number; readonly events: number } | undefined
  let isOver = false

  function fail(fault: StreamFault, at: number, deliveredEvents = reader.events, lastError?: unknown): void {
    isOver = true
    if (!watch.isCommitted) {
      watch.fault = fault
      return
    }
    const error = onInterrupt({
      ...fault,
      deliveredEvents,
      deliveredCharacters: reader.characters,
      toolCallComplete: reader.toolCallComplete(),
      partial: reader.partial(),
      lastError,
    })
    tap.fail(error, at)
  }

  function faultOfEnd(): StreamFault | undefined {
    if (reader.isStopped || (acceptStopReason && reader.hasStopReason)) return undefined
    return { reason: reader.events === 0 ? 'empty' : 'truncated' }
  }

  const watch = {
    isCommitted: commit === 'headers',
    // Written by `fail`.
    fault: undefined as StreamFault | undefined,
    faultOfEnd,
    onEvent(event: StreamEvent) {
      if (isOver) return
      const { events, isSuspect } = reader
      const meaning = reader.read(event)
      if (meaning === 'error_event') return fail({ reason: meaning, data: event.data() }, event.start)
      if (meaning === 'malformed') return fail({ reason: meaning }, event.start)
      // What has been delivered cannot be taken back; what shares its chunk with this event has not.
      if (meaning === 'tool_input')
        return fail({ reason: meaning }, suspect?.at ?? event.start, suspect?.events ?? events)
      watch.isCommitted ||= isCommitPoint(commit, meaning, reader)
      if (reader.isSuspect && !isSuspect) suspect = { at: event.start, events }
      else if (!reader.isSuspect) suspect = undefined
    },
    onChunk() {
      suspect = undefined
    },
    onEnd(end: BodyEnd) {
      if (isOver || !watch.isCommitted) return
      isOver = true
      if (reader.isStopped || end.kind === 'cancelled' || end.kind === 'error_event') return
      if (end.kind === 'failed') {
        if (!isExpected(end.error)) fail({ reason: 'cut' }, Infinity, reader.events, end.error)
        return
      }
      const fault = faultOfEnd()
      if (fault !== undefined) fail(fault, Infinity)
    },
  }
  return watch
}

function isCommitPoint(
  commit: CommitPoint,
  meaning: EventMeaning,
  { isStarted, isStopped }: MessageReader,
): boolean {
  if (commit === 'end') return isStopped
  return meaning === 'content' || (commit === 'message_start' && isStarted)
}
