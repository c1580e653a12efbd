import type { Call } from './call.ts'
import type { BreakwaterEvent } from './event-types.ts'
import { assertOption } from './options.ts'
import { registry } from './registry.ts'

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
