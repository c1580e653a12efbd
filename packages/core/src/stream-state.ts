import type { StreamEvent } from './event-scan.ts'

/** How a body has ended, as far as its bytes and its reader tell. */
export type BodyEnd =
  /** It came whole: a stream of a message with its `message_stop`, whatever happened after that. */
  | { readonly kind: 'complete' }
  /** The stream of a message that ended before `message_stop`; some gateways leave that out after a stop reason. */
  | { readonly kind: 'truncated'; readonly hasStopReason: boolean }
  /** An event stream that ended without one event but pings. */
  | { readonly kind: 'empty' }
  /** An `error` event was in it, whatever came after; `data` is that of the event. */
  | { readonly kind: 'error_event'; readonly data: string | undefined }
  /** The reader got an error: of the network, of an abort, of a limit. */
  | { readonly kind: 'failed'; readonly error: unknown }
  /** The reader stopped early. */
  | { readonly kind: 'cancelled' }

/** What made a body end. */
export type EndCause = 'eof' | 'cancel' | { readonly error: unknown }

/** What the events of a stream have said of its end. */
export interface StreamState {
  note(event: StreamEvent): void
  endOf(cause: EndCause): BodyEnd
}

/** Keeps what the end of an event stream is judged by; `isEvents` says whether the body is one. */
export function streamState(isEvents: boolean): StreamState {
  let events = 0
  let started = false
  let hasStopReason = false
  let stopped = false
  let error: { readonly data: string | undefined } | undefined

  return {
    note(event) {
      if (event.type === 'ping') return
      events++
      if (event.type === 'content_block_delta') return
      if (event.type === 'message_start') started = true
      else if (event.type === 'message_stop') stopped = true
      else if (event.type === 'message_delta')
        hasStopReason ||= /"stop_reason"\s*:\s*"/.test(event.data() ?? '')
      else if (event.type === 'error' && !stopped) error ??= { data: event.data() }
    },
    endOf(cause) {
      if (error !== undefined) return { kind: 'error_event', data: error.data }
      if (stopped) return { kind: 'complete' }
      if (typeof cause === 'object') return { kind: 'failed', error: cause.error }
      if (cause === 'cancel') return { kind: 'cancelled' }
      if (started) return { kind: 'truncated', hasStopReason }
      return isEvents && events === 0 ? { kind: 'empty' } : { kind: 'complete' }
    },
  }
}
