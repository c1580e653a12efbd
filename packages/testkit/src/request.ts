/** Where an answer came from. */
export type ReplySource =
  | 'script'
  | 'default'
  | 'validation'
  | 'outage'
  | 'keys'
  | 'rateLimit'
  | 'capacity'
  | 'scriptError'

/** A request as the fake API received it. Nothing is redacted: `headers` holds the credentials that were sent. */
export interface FakeRequest {
  /** Place in the order of arrival, from 0. */
  readonly index: number
  /** When it arrived, in milliseconds since the fake was created. */
  readonly at: number
  /** HTTP method in upper case. */
  readonly method: string
  /** Whole URL. */
  readonly url: string
  /** Path without the query. */
  readonly path: string
  /** Headers by lower-case name. */
  readonly headers: Readonly<Record<string, string>>
  /** Body as it was sent. */
  readonly text: string
  /** Body parsed as JSON; undefined when it is none. */
  readonly body: unknown
  /** `model` of the body. */
  readonly model: string | undefined
  /** Whether the body asks for a stream. */
  readonly stream: boolean
}

/** What the fake API decided to answer. */
export interface RecordedReply {
  /** What decided: the script, the default success, the check of the request, or one of the dynamics. */
  readonly source: ReplySource
  /** HTTP status; undefined when a network fault comes first. */
  readonly status: number | undefined
  /** Headers by lower-case name. */
  readonly headers: Readonly<Record<string, string>>
  /** Id of the answer, also in its `request-id` header. */
  readonly requestId: string
  /** `error.type` of an error answer. */
  readonly errorType: string | undefined
  /** `error.details.error_code` of an error answer. */
  readonly errorCode: string | undefined
  /** Network fault or body fault that was played. */
  readonly fault: string | undefined
}

/** A request with what became of it. */
export interface RecordedRequest extends FakeRequest {
  /** The answer; undefined until it is decided. */
  readonly reply: RecordedReply | undefined
  /** Bytes of the body sent so far. */
  readonly bytesSent: number
  /** Names of the SSE events that were sent whole. */
  readonly eventsSent: readonly string[]
  /** Whether the client went away before the answer was complete. */
  readonly aborted: boolean
  /** When the exchange ended, in milliseconds since the fake was created; undefined while it is open. */
  readonly closedAt: number | undefined
}
