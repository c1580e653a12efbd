import { BreakwaterError, isBreakwaterError, type StreamInterruptedEvent } from '@breakwater/core'
import type { PartialMessage } from './partial-message.ts'

/** What has broken a stream. */
export type InterruptReason = StreamInterruptedEvent['reason']

/** Details of a {@link StreamInterruptedError}. */
export interface StreamInterruptedDetails {
  readonly reason: InterruptReason
  readonly errorType?: string | undefined
  readonly status?: number | undefined
  readonly requestId?: string | undefined
  readonly deliveredEvents: number
  readonly deliveredCharacters: number
  readonly toolCallComplete?: boolean | undefined
  readonly partial?: PartialMessage | undefined
  readonly lastError?: unknown
}

// No word of them is the API's: an `error.type` such as `timeout_error` would make the SDK take this for its own time-out.
const texts: Readonly<Record<InterruptReason, string>> = {
  error_event: 'the API reported an error in it',
  truncated: 'it ended before `message_stop`',
  cut: 'its connection broke',
  malformed: 'an event of it makes no sense',
  tool_input: 'the input of a tool call is not JSON',
  empty: 'it has no events',
}

/**
 * A stream broke after its beginning had been delivered. All that came before the fault was delivered, and nothing of what
 * came after. The answer is incomplete.
 */
export class StreamInterruptedError extends BreakwaterError {
  override name = 'StreamInterruptedError'
  /** What has broken the stream. */
  readonly reason: InterruptReason
  /** `error.type` of an `error` event, such as `overloaded_error`. */
  readonly errorType: string | undefined
  /** The status that the API documents for that type. */
  readonly status: number | undefined
  /** The id to quote to Anthropic's support. */
  readonly requestId: string | undefined
  /** How many events had been delivered, pings left out. */
  readonly deliveredEvents: number
  /** How many characters of text, thinking and tool input had been delivered. */
  readonly deliveredCharacters: number
  /** Whether every tool call that had begun was complete; `undefined` where none had. */
  readonly toolCallComplete: boolean | undefined
  /**
   * The message so far, as the SDK would have it; the input of an incomplete tool call is its JSON text so far. `undefined`
   * beyond `maxPartialBytes`. Not enumerable, so that no logger writes it down: it is what the model said.
   */
  declare readonly partial: PartialMessage | undefined

  constructor({ reason, partial, lastError, ...details }: StreamInterruptedDetails) {
    const { deliveredEvents } = details
    super(
      `The stream was interrupted after ${deliveredEvents} event${deliveredEvents === 1 ? '' : 's'}: ${texts[reason]}. ` +
        'The answer is incomplete: ask again, or go on from `partial` in a new request.',
      { code: 'stream_interrupted', category: 'stream_interrupted', lastError },
    )
    this.reason = reason
    this.errorType = details.errorType
    this.status = details.status
    this.requestId = details.requestId
    this.deliveredEvents = deliveredEvents
    this.deliveredCharacters = details.deliveredCharacters
    this.toolCallComplete = details.toolCallComplete
    Object.defineProperty(this, 'partial', { value: partial })
  }
}

/** Whether `error` is a {@link StreamInterruptedError}, of any installed copy of this package. */
export function isStreamInterruptedError(error: unknown): error is StreamInterruptedError {
  return isBreakwaterError(error) && error.name === 'StreamInterruptedError' && 'partial' in error
}
