import type { FakeRequest } from './request.ts'

/** A tool call in an answer. */
export interface ToolUse {
  /** Name of the tool. */
  name: string
  /** Input of the tool. @default {} */
  input?: object | undefined
  /** Id of the call. @default a seeded `toolu_…` id */
  id?: string | undefined
}

/** A network failure before any byte of an answer. */
export type NetworkFault = 'reset' | 'close' | 'refused' | 'hang' | 'resetOnReusedSocket'

/** A failure within the body of an answer. */
export type BodyFaultKind =
  | 'error'
  | 'end'
  | 'cut'
  | 'reset'
  | 'stall'
  | 'pings'
  | 'drip'
  | 'duplicate'
  | 'unknown'
  | 'garbage'
  | 'raw'
  | 'truncatedToolJson'

/** A failure within the body of an answer, with its place and details. */
export interface BodyFault {
  /** What happens. */
  kind: BodyFaultKind
  /** Where: before the SSE event of this index, or before this byte of a body that is no stream. @default 'middle' */
  at?: number | 'start' | 'middle' | 'end' | undefined
  /** Pause between pings or between dripped pieces in milliseconds. @default 1000 */
  gapMs?: number | undefined
  /** Bytes per dripped piece. @default one event, or one byte of a body that is no stream */
  chunkBytes?: number | undefined
  /** Type of the in-stream error. @default 'overloaded_error' */
  type?: string | undefined
  /** Message of the in-stream error. @default the real one of its type */
  message?: string | undefined
  /** `details.error_code` of the in-stream error. */
  code?: string | undefined
  /** Further `details` of the in-stream error. */
  details?: object | undefined
  /** Bytes to insert as they are, for the kind `raw`. */
  data?: string | undefined
}

/** One family of rate-limit headers. */
export interface RateLimitHeaders {
  /** Value of the `-limit` header. */
  limit: number
  /** Value of the `-remaining` header. */
  remaining: number
  /** When the limit resets, in milliseconds from now. @default 60000 */
  resetMs?: number | undefined
}

/** What the fake API answers to one request: plain data, so that a script can stand in a JSON file. */
export interface ReplyFields {
  /** HTTP status, 200 to 599. @default 200 */
  status?: number | undefined
  /** Text of the answer. @default a short sentence, unless `toolUse` is given */
  text?: string | undefined
  /** Thinking before the text; null for none. @default a short thought when the request asks for thinking */
  thinking?: string | null | undefined
  /** Tool calls after the text. */
  toolUse?: ToolUse | readonly ToolUse[] | undefined
  /** Stop reason. @default 'tool_use' with `toolUse`, else 'end_turn' */
  stopReason?: string | undefined
  /** Stop sequence that ended the answer. */
  stopSequence?: string | undefined
  /** `stop_details` of the answer, such as those of a refusal. */
  stopDetails?: object | undefined
  /** Fields of `usage` that replace the estimates. */
  usage?: object | undefined
  /** Model of the answer. @default the model of the request */
  model?: string | undefined
  /** Characters per text, thinking and tool JSON delta. @default 12 */
  deltaChars?: number | undefined

  /** `error.type` of the error body. @default the real one of the status */
  type?: string | undefined
  /** `error.message` of the error body. @default the real one of the status */
  message?: string | undefined
  /** `error.details.error_code` of the error body. */
  code?: string | undefined
  /** Further fields of `error.details`. */
  details?: object | undefined

  /** Headers to set, or to remove with null; they win over all others. */
  headers?: Readonly<Record<string, string | null>> | undefined
  /** `retry-after`: seconds, or any string as it is. */
  retryAfter?: number | string | undefined
  /** `retry-after-ms`: milliseconds, or any string as it is. */
  retryAfterMs?: number | string | undefined
  /** `retry-after` as an HTTP date this many milliseconds from now, rounded up to a second. */
  retryAfterDateMs?: number | undefined
  /** `anthropic-ratelimit-*` headers by family. */
  rateLimit?:
    | {
        requests?: RateLimitHeaders | undefined
        tokens?: RateLimitHeaders | undefined
        inputTokens?: RateLimitHeaders | undefined
        outputTokens?: RateLimitHeaders | undefined
      }
    | undefined

  /** Raw body: a string as it is, anything else as JSON. */
  body?: unknown
  /** Raw body as base64. */
  bodyBase64?: string | undefined
  /** Body of an HTML page, as a proxy sends it: true for a default page, or the page. */
  html?: true | string | undefined
  /** `content-type` of the answer. @default the right one for the body */
  contentType?: string | undefined
  /** Whether the body goes on until the client closes. @default false */
  endless?: boolean | undefined

  /** Wait before the headers, or before a network fault, in milliseconds. @default 0 */
  delayMs?: number | undefined
  /** Wait between the pieces of the body in milliseconds. @default 0 */
  gapMs?: number | undefined
  /** Bytes per piece of the body, wherever that splits it. @default one SSE event, or the whole body */
  chunkBytes?: number | undefined
  /** Line ending of the stream. @default '\n' */
  newline?: '\n' | '\r\n' | '\r' | undefined

  /** A failure before any answer. */
  network?: NetworkFault | undefined
  /** A failure within the body. */
  fault?: BodyFaultKind | BodyFault | undefined
}

/** An answer: its fields, or a status as a shorthand. */
export type Reply = number | ReplyFields

/** One of the answers of a seeded choice. */
export interface WeightedReply {
  /** The answer. */
  reply: Reply
  /** How often, relative to the others. @default 1 */
  weight?: number | undefined
}

/** A seeded choice between answers. */
export interface ReplyPick {
  /** The answers to choose from. */
  pick: readonly WeightedReply[]
}

/** One entry of a script's list, used for one request or for as many as `repeat` says. */
export type ScriptEntry =
  | number
  | ((ReplyFields | ReplyPick) & {
      /** How many requests the entry answers. @default 1 */
      repeat?: number | 'forever' | undefined
    })

/** Answers a request; undefined stands for the default success. */
export type ScriptFunction = (
  request: FakeRequest,
) => Reply | ReplyPick | undefined | Promise<Reply | ReplyPick | undefined>

/** The answers of a fake API: a list in the order of the requests, or a function of the request. */
export type Script = readonly ScriptEntry[] | ScriptFunction
