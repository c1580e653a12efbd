/** A failure that `classify` saw. Carries no text of the API's: that may quote the prompt. */
export interface FailureEvent {
  readonly type: 'failure'
  readonly category: string
  readonly fault: string
  readonly severity: string
  readonly status?: number | undefined
  readonly code?: string | undefined
  readonly model?: string | undefined
  readonly requestId?: string | undefined
  readonly retryAfterMs?: number | undefined
}

/** `jitter-retry` is about to wait, and then to send again. */
export interface RetryEvent {
  readonly type: 'retry'
  /** The category of the failure that is retried. */
  readonly category: string
  /** Which retry of the call this is, from 1. */
  readonly attempt: number
  /** The wait before it, in milliseconds. */
  readonly waitMs: number
  /** What the wait comes from; `stale_socket` is a closed keep-alive connection, retried at once. */
  readonly reason: 'backoff' | 'server_hint' | 'circuit' | 'stale_socket'
  readonly status?: number | undefined
  readonly model?: string | undefined
  readonly requestId?: string | undefined
}

/** `jitter-retry` has given up on a failure that another try might have mended. */
export interface RetryExhaustedEvent {
  readonly type: 'retry_exhausted'
  readonly category: string
  /** Retries that were made. */
  readonly attempt: number
  /** What the call has waited between its tries, in milliseconds. */
  readonly waitMs: number
  readonly reason: 'attempts' | 'budget' | 'deadline' | 'hint_too_long' | 'not_replayable'
  readonly status?: number | undefined
  readonly model?: string | undefined
  readonly requestId?: string | undefined
  /** The wait that the server asked for, in milliseconds. */
  readonly retryAfterMs?: number | undefined
}

/** A limit of `timeout` that was reached. */
export interface TimeoutEvent {
  readonly type: 'timeout'
  readonly category: 'timeout'
  readonly limit: 'attempt' | 'firstToken' | 'idle' | 'total'
  readonly limitMs: number
  readonly model?: string | undefined
  /** Of the answer whose headers had come. */
  readonly status?: number | undefined
  readonly requestId?: string | undefined
}

/** A circuit of `circuit-breaker` has changed its state. */
export interface BreakerStateEvent {
  readonly type: 'breaker_state'
  /** The key of the circuit: by default origin and model. */
  readonly key: string
  readonly from: 'closed' | 'open' | 'half_open' | 'isolated'
  readonly to: 'closed' | 'open' | 'half_open' | 'isolated'
  /** Failures within the window, a probe's outcome, the end of the break, or somebody's `isolate` or `reset`. */
  readonly reason: 'failures' | 'probe' | 'elapsed' | 'manual'
  /** The category of the failure that opened it. */
  readonly category?: string | undefined
  /** How long it stays open, in milliseconds. */
  readonly openMs?: number | undefined
}

/** `circuit-breaker` has refused a call: nothing was sent. */
export interface BreakerRejectedEvent {
  readonly type: 'breaker_rejected'
  readonly key: string
  /** The category of the failure that the circuit saw last. */
  readonly category?: string | undefined
  /** When the circuit lets a call through again, in milliseconds from now. */
  readonly retryAfterMs?: number | undefined
  readonly model?: string | undefined
}

/** `model-failover` moves the call to another target. */
export interface FailoverEvent {
  readonly type: 'failover'
  /** The names of the targets; that of the primary is its model. */
  readonly from: string
  readonly to: string
  /** Why: the failure's category, or `cooldown` where the first target was not tried. */
  readonly category: string
  /** The wait that the server had asked for and the call is spared, in milliseconds. */
  readonly waitSavedMs?: number | undefined
  readonly status?: number | undefined
  readonly requestId?: string | undefined
}

/** What one target has failed with. */
export interface TargetFailure {
  readonly target: string
  readonly category: string
  readonly status?: number | undefined
  readonly requestId?: string | undefined
}

/** `model-failover` has no target left: the caller gets the failure of the last one. */
export interface FailoverExhaustedEvent {
  readonly type: 'failover_exhausted'
  /** The category of the last failure. */
  readonly category: string
  /** Every target that was tried, in order. */
  readonly targets: readonly TargetFailure[]
}

/** A target of `model-failover` is left alone for a while, is tried again, or is back. */
export interface CooldownEvent {
  readonly type: 'cooldown'
  readonly target: string
  readonly state: 'started' | 'probing' | 'ended'
  /** The category of the failure that it began with. */
  readonly category?: string | undefined
  /** How long it lasts, in milliseconds. */
  readonly cooldownMs?: number | undefined
}

/** `stream-guard` has seen the commit point of a stream and lets it go. */
export interface StreamCommittedEvent {
  readonly type: 'stream_committed'
  /** What was reached: the commit point, or a limit on what is held before it. */
  readonly reason: 'content' | 'message_start' | 'headers' | 'end' | 'max_bytes' | 'max_time'
  /** How long the stream was held, in milliseconds. */
  readonly heldMs: number
  readonly model?: string | undefined
  readonly requestId?: string | undefined
}

/** `stream-guard` has found a stream broken. */
export interface StreamInterruptedEvent {
  readonly type: 'stream_interrupted'
  /** The category of the failure that the caller, or a retry outside, gets. */
  readonly category: string
  readonly reason: 'error_event' | 'truncated' | 'cut' | 'malformed' | 'tool_input' | 'empty'
  /** Whether the caller had got the beginning; if not, a retry or a failover can still heal it. */
  readonly committed: boolean
  /** Events and characters of content that had been delivered. */
  readonly deliveredEvents: number
  readonly deliveredCharacters: number
  readonly model?: string | undefined
  readonly requestId?: string | undefined
}

/** A call has to wait in a queue of `rate-limit`. */
export interface QueuedEvent {
  readonly type: 'queued'
  /** Which limit it stands under: origin, class of models, and a number for the credential where there are several. */
  readonly key: string
  /** What it waits for: the penalty gate, a free slot, or its share of the limit of that name. */
  readonly reason: 'gate' | 'concurrency' | 'requests' | 'tokens' | 'input_tokens' | 'output_tokens'
  /** Calls in the queue, this one included. */
  readonly queueLength: number
  /** How long it will take by what is known now, in milliseconds. */
  readonly expectedWaitMs: number
  readonly model?: string | undefined
}

/** A call that had to wait in a queue of `rate-limit` may go on. */
export interface AdmittedEvent {
  readonly type: 'admitted'
  readonly key: string
  /** How long it has waited, in milliseconds. */
  readonly waitMs: number
  /** Calls that are still waiting. */
  readonly queueLength: number
  readonly model?: string | undefined
}

/** `rate-limit` has refused a call: nothing was sent. */
export interface QueueRejectedEvent {
  readonly type: 'queue_rejected'
  readonly key: string
  /** `max_wait` and `deadline`: it would not be served in time. */
  readonly reason: 'queue_full' | 'max_wait' | 'deadline'
  /** Calls in the queue, without this one. */
  readonly queueLength: number
  /** How long it would have had to wait by what is known, in milliseconds. */
  readonly expectedWaitMs?: number | undefined
  /** How long it has stood in the queue, in milliseconds; `undefined` when it never did. */
  readonly waitMs?: number | undefined
  readonly model?: string | undefined
}

/** A call was aborted while it waited in a queue of `rate-limit`. */
export interface QueueLeftEvent {
  readonly type: 'queue_left'
  readonly key: string
  /** How long it has waited, in milliseconds. */
  readonly waitMs: number
  /** Calls that are still waiting. */
  readonly queueLength: number
  readonly model?: string | undefined
}

/** The penalty gate of a limit has changed: `closed` nobody passes, `reopening` a few do, `open` all do. */
export interface GateEvent {
  readonly type: 'gate'
  readonly key: string
  readonly state: 'closed' | 'reopening' | 'open'
  /** How long it stays closed, in milliseconds. */
  readonly closedMs?: number | undefined
  /** The failure that it has closed for. */
  readonly category?: string | undefined
  readonly status?: number | undefined
  readonly requestId?: string | undefined
}

/** One limit that `rate-limit` keeps to. */
export interface LearnedLimit {
  readonly limit: 'requests' | 'tokens' | 'input_tokens' | 'output_tokens' | 'concurrency'
  /** What it allows: a minute, or of `concurrency` at once. */
  readonly value: number
}

/** `rate-limit` has learned limits from an answer, or sees that they have changed. */
export interface LimitsEvent {
  readonly type: 'limits'
  readonly key: string
  /** All that are known now. */
  readonly limits: readonly LearnedLimit[]
}

/** Every event of every Breakwater middleware, told apart by `type`. */
export type BreakwaterEvent =
  | FailureEvent
  | RetryEvent
  | RetryExhaustedEvent
  | TimeoutEvent
  | BreakerStateEvent
  | BreakerRejectedEvent
  | FailoverEvent
  | FailoverExhaustedEvent
  | CooldownEvent
  | StreamCommittedEvent
  | StreamInterruptedEvent
  | QueuedEvent
  | AdmittedEvent
  | QueueRejectedEvent
  | QueueLeftEvent
  | GateEvent
  | LimitsEvent
