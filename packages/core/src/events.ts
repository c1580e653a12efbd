import type { Call } from './call.ts'
import { assertOption } from './options.ts'
import { registry } from './registry.ts'

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

/** `stream-guard` has seen the first content of a stream and lets it go. */
export interface StreamCommittedEvent {
  readonly type: 'stream_committed'
  /** What was reached: the commit point, or a limit on what is held before it. */
  readonly reason: 'content' | 'message_start' | 'headers' | 'max_bytes' | 'max_time'
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

/** Receives an event and the call that it belongs to: `undefined` where it comes of no call, as by a breaker's `reset()`. */
export type EventListener = (event: BreakwaterEvent, call: Call | undefined) => void

/**
 * Listens to every event of every Breakwater middleware in this process, of all installed copies.
 *
 * @returns a function that ends the listening.
 * @throws {TypeError} when `listener` is not a function.
 * @example
 * ```ts
 * import { onEvent } from '@breakwater/core'
 *
 * const stop = onEvent((event, call) => console.error(event.type, call?.attempts.length))
 * stop()
 * ```
 */
export function onEvent(listener: EventListener): () => void {
  assertOption(typeof listener === 'function', 'listener', 'a function', listener)
  // Wrapped, so that the same function given twice is two listeners and each ends by itself.
  const entry: EventListener = (event, call) => listener(event, call)
  registry.listeners.add(entry)
  return () => void registry.listeners.delete(entry)
}

/** The most events that one call's ledger keeps; a call that makes more keeps the latest. */
const maxEvents = 100

/**
 * Sends an event to the call's ledger, to the middleware's own observer and to every {@link onEvent}
 * listener. A listener that throws or rejects never breaks the call: it is logged as a warning.
 * `call` is `undefined` for what comes of no call; then there is nowhere to log.
 */
export function emit<Event extends BreakwaterEvent>(
  call: Call | undefined,
  event: Event,
  observer?: ((event: Event) => void) | undefined,
): void {
  if (call !== undefined) {
    if (call.events.length === maxEvents) call.events.shift()
    call.events.push(event)
  }
  if (observer !== undefined) notify(call, () => observer(event))
  if (registry.listeners.size > 0) {
    for (const listener of registry.listeners) notify(call, () => listener(event, call))
  }
}

/** Calls somebody else's listener: when it throws or rejects, the call goes on and a warning is logged. */
export function notify(call: Call | undefined, listener: () => unknown): void {
  const warn = (error: unknown): void => call?.ctx.logger.warn('[breakwater] an event listener failed', error)
  try {
    const result = listener()
    // An async listener that rejects would otherwise end the process.
    if (result instanceof Promise) result.catch(warn)
  } catch (error) {
    warn(error)
  }
}
