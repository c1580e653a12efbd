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

/** Every event of every Breakwater middleware, told apart by `type`. */
export type BreakwaterEvent = FailureEvent | RetryEvent | RetryExhaustedEvent | TimeoutEvent

/** Receives an event and the call that it belongs to. */
export type EventListener = (event: BreakwaterEvent, call: Call) => void

/**
 * Listens to every event of every Breakwater middleware in this process, of all installed copies.
 *
 * @returns a function that ends the listening.
 * @throws {TypeError} when `listener` is not a function.
 * @example
 * ```ts
 * import { onEvent } from '@breakwater/core'
 *
 * const stop = onEvent((event, call) => console.error(event.type, call.attempts.length))
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
 */
export function emit<Event extends BreakwaterEvent>(
  call: Call,
  event: Event,
  observer?: ((event: Event) => void) | undefined,
): void {
  if (call.events.length === maxEvents) call.events.shift()
  call.events.push(event)
  if (observer !== undefined) notify(call, () => observer(event))
  if (registry.listeners.size > 0) {
    for (const listener of registry.listeners) notify(call, () => listener(event, call))
  }
}

/** Calls somebody else's listener: when it throws or rejects, the call goes on and a warning is logged. */
export function notify(call: Call, listener: () => unknown): void {
  const warn = (error: unknown): void => call.ctx.logger.warn('[breakwater] an event listener failed', error)
  try {
    const result = listener()
    // An async listener that rejects would otherwise end the process.
    if (result instanceof Promise) result.catch(warn)
  } catch (error) {
    warn(error)
  }
}
