import type { LearnedLimit } from '@breakwater/core'

/** What a call stands in a queue for. */
export type QueueReason = 'gate' | 'concurrency' | 'requests' | 'tokens' | 'input_tokens' | 'output_tokens'

/** Tokens of one call. */
export interface TokenCount {
  /** What counts against a limit of input tokens: all but what was read from the cache. */
  readonly input: number
  readonly output: number
}

/** Limits of one class of models; what is left out is learned from the answers. */
export interface Limits {
  readonly requestsPerMinute?: number | undefined
  /** Input and output together. */
  readonly tokensPerMinute?: number | undefined
  readonly inputTokensPerMinute?: number | undefined
  readonly outputTokensPerMinute?: number | undefined
  /** How much of a limit may be used at once, as the time that it takes to flow in, in milliseconds. Where given, nothing else that the API has saved up is spent. */
  readonly burstMs?: number | undefined
}

/** What holds for all calls under one key. */
export interface Rules {
  /** The most calls at once; `Infinity` for no limit. */
  readonly concurrency: number
  /** The most calls that wait. */
  readonly maxQueue: number
  /** How many calls a second may be sent before anything is known of the limits. */
  readonly startPerSecond: number
  readonly limits: Limits
  /** Whether the calls are in fast mode, which has limits of its own. */
  readonly isFast: boolean
}

/** What a call asks a store for. */
export interface Need {
  readonly rules: Rules
  /** How long it can wait, in milliseconds. */
  readonly maxWaitMs: number
  /** Higher goes first. */
  readonly priority: number
  /** When the call began, in milliseconds of `performance.now()`: of the same priority the oldest goes first. @default now */
  readonly since?: number | undefined
  /** The tokens that it is likely to use; asked for where tokens are limited. */
  readonly estimate: () => TokenCount
  /** Ends the wait. */
  readonly signal: AbortSignal | undefined
  /** To be told when the call has to wait. */
  readonly onQueue: (place: Place) => void
}

/** Where a call stands in its queue. */
export interface Place {
  readonly reason: QueueReason
  /** Calls in the queue, this one included. */
  readonly queueLength: number
  /** In milliseconds. */
  readonly expectedWaitMs: number
}

/** The permission to send one request. What else is in it is the store's own. */
export interface Lease {
  readonly granted: true
  /** Calls that still wait. */
  readonly queueLength: number
  /** Whether it is the first since the gate was closed. */
  readonly isFirst: boolean
  /** Whether the tokens that the call has used are of interest. */
  readonly countsTokens: boolean
}

/** A call that cannot be served in time. */
export interface Refusal {
  readonly granted: false
  /** `queue_full`: no room to wait. `wait`: longer than it can wait. `aborted`: by its signal. */
  readonly reason: 'queue_full' | 'wait' | 'aborted'
  /** Calls in the queue, without this one. */
  readonly queueLength: number
  /** How long it would have had to wait, in milliseconds; `undefined` where nobody can tell. */
  readonly expectedWaitMs: number | undefined
}

/** What has become of a lease; told as it is known, in one piece or several. */
export interface Facts {
  /** `accepted`: an answer. `unsent`: the request did not reach the API. `failed`: anything else; of a limit there is a {@link Penalty}. */
  readonly outcome?: 'accepted' | 'failed' | 'unsent' | undefined
  /** Whether it has failed by a fault of the API or the network, that no {@link Penalty} tells of. */
  readonly isFault?: boolean | undefined
  /** Of the response; `readLimits` finds in them what they say of limits. */
  readonly headers?: Pick<Headers, 'get'> | undefined
  readonly tokens?: TokenCount | undefined
  /** Whether the request is over, and its place is free. */
  readonly isOver: boolean
}

/** A refusal of the API: it was too much. */
export interface Penalty {
  /** `rate_limit`: too many in a time. `overloaded`: too many at once. */
  readonly category: 'rate_limit' | 'overloaded'
  /** When the API may be asked again, in milliseconds. */
  readonly retryAfterMs: number | undefined
}

/** What has changed for all calls under a key. */
export interface Change {
  /** The limits that are now known, where they have changed. */
  readonly limits?: readonly LearnedLimit[] | undefined
  /** What has become of the gate. */
  readonly gate?: 'closed' | 'open' | undefined
  /** How long it stays closed, in milliseconds. */
  readonly closedMs?: number | undefined
}

/** A value, or a promise of it. */
export type Eventually<Value> = Value | Promise<Value>

/**
 * Where the state of the limits is kept: `memoryStore()`, or one that several processes share. A store that throws or rejects
 * never breaks a call: it goes on without a limit.
 */
export interface RateLimitStore {
  /** A turn for a call, at once or when it is its turn; or why there is none. */
  acquire(key: string, need: Need): Eventually<Lease | Refusal>
  /** Takes note of what has become of a lease. It may be told several times, the last time with `isOver`. */
  settle(lease: Lease, facts: Facts): Eventually<Change | undefined>
  /** The API has refused the request of a lease, which `settle` ends as well. */
  penalise(lease: Lease, penalty: Penalty): Eventually<Change | undefined>
  /** The state of all keys, for people. */
  snapshot?(): RateLimitSnapshot
}

/** One limit of a {@link KeySnapshot}. */
export interface LimitSnapshot {
  readonly limit: 'requests' | 'tokens' | 'input_tokens' | 'output_tokens'
  /** What it allows in a minute. */
  readonly perMinute: number
  /** What is believed to be left of it upstream. */
  readonly remaining: number
}

/** The state of one key. */
export interface KeySnapshot {
  readonly key: string
  readonly queueLength: number
  readonly inFlight: number
  readonly gate: 'closed' | 'reopening' | 'open'
  /** How long it stays closed, in milliseconds. */
  readonly closedMs?: number
  readonly limits: readonly LimitSnapshot[]
  /** How many may be under way at once; absent where that is not limited. */
  readonly concurrency?: number
  /** How many may be sent a second, where that was learned from refusals or at the start. */
  readonly perSecond?: number
}

/** The state of all keys, the least recently used first. */
export interface RateLimitSnapshot {
  readonly keys: readonly KeySnapshot[]
}
