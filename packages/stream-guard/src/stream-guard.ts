import {
  assertFunction,
  assertOption,
  asksForStream,
  isEventStream,
  isMessageRequest,
  send,
  withDescription,
  type Middleware,
  type StreamCommittedEvent,
  type StreamInterruptedEvent,
} from '@breakwater/core'
import { descriptionOf } from './description.ts'
import { guardedResponse, type GuardSettings } from './guarded-response.ts'
import { asEventStream, inHeadersOf } from './unlabelled.ts'
import type { CommitPoint } from './stream-watch.ts'

/** Options of {@link streamGuard}. */
export interface StreamGuardOptions {
  /**
   * Until when a stream is held: its first content, its `message_start`, or not at all (`'headers'`); or `'end'`: until it is whole, for
   * who collects streams. What fails before is a failing response, what fails after a `StreamInterruptedError`.
   * @default 'content'
   */
  commit?: CommitPoint | undefined
  /**
   * The longest time that a stream is held, in milliseconds from its headers. Then it is let go as it is. `Infinity` for no limit.
   * Not for `commit: 'end'`, which is a matter of `timeout`.
   * @default 30_000
   */
  maxPreambleMs?: number | undefined
  /**
   * How many bytes are held. With the chunk that goes beyond, a stream is let go as it is. `Infinity` for no limit.
   * Not for `commit: 'end'`, which has `maxHeldBytes`.
   * @default 65_536
   */
  maxPreambleBytes?: number | undefined
  /**
   * How many bytes are held with `commit: 'end'`. With the chunk that goes beyond, a stream is let go as it is. `Infinity` for no limit.
   * @default 16_777_216
   */
  maxHeldBytes?: number | undefined
  /**
   * Whether a stream that ends without `message_stop` is whole when it had a stop reason: some gateways leave that event out.
   * @default false
   */
  acceptStopReason?: boolean | undefined
  /**
   * How many bytes of events are kept for the `partial` of an error. A larger message has none.
   * @default 1_048_576
   */
  maxPartialBytes?: number | undefined
  /**
   * Told when a stream is let go.
   * @default nobody is told
   */
  onCommit?: ((event: StreamCommittedEvent) => void) | undefined
  /**
   * Told when a stream breaks, before its commit point or after.
   * @default nobody is told
   */
  onInterrupt?: ((event: StreamInterruptedEvent) => void) | undefined
}

/** Default options of {@link streamGuard}. */
export const streamGuardDefaults = {
  commit: 'content',
  maxPreambleMs: 30_000,
  maxPreambleBytes: 65_536,
  maxHeldBytes: 16_777_216,
  acceptStopReason: false,
  maxPartialBytes: 1_048_576,
} as const

const commitPoints: ReadonlySet<unknown> = new Set(['content', 'message_start', 'headers', 'end'])

/**
 * Tells the truth about a stream. One that fails before its first content becomes a failing response, which a retry, a breaker and
 * a failover outside treat as such. One that breaks later ends with one `StreamInterruptedError`, never in silence.
 *
 * @throws {TypeError} for a bad option, naming it.
 * @example
 * ```ts
 * import Anthropic from '@anthropic-ai/sdk'
 * import { streamGuard } from '@breakwater/stream-guard'
 *
 * const client = new Anthropic({ middleware: [streamGuard()] })
 * ```
 */
export function streamGuard({
  commit = streamGuardDefaults.commit,
  maxPreambleMs = streamGuardDefaults.maxPreambleMs,
  maxPreambleBytes = streamGuardDefaults.maxPreambleBytes,
  maxHeldBytes = streamGuardDefaults.maxHeldBytes,
  acceptStopReason = streamGuardDefaults.acceptStopReason,
  maxPartialBytes = streamGuardDefaults.maxPartialBytes,
  onCommit,
  onInterrupt,
}: StreamGuardOptions = {}): Middleware {
  assertOption(commitPoints.has(commit), 'commit', "'content', 'message_start', 'headers' or 'end'", commit)
  assertLimit('maxPreambleMs', 'milliseconds', maxPreambleMs)
  assertLimit('maxPreambleBytes', 'bytes', maxPreambleBytes)
  assertLimit('maxHeldBytes', 'bytes', maxHeldBytes)
  assertOption(typeof acceptStopReason === 'boolean', 'acceptStopReason', 'a boolean', acceptStopReason)
  assertLimit('maxPartialBytes', 'bytes', maxPartialBytes)
  assertFunction('onCommit', onCommit)
  assertFunction('onInterrupt', onInterrupt)
  const settings: GuardSettings = {
    commit,
    limits:
      commit === 'end'
        ? { maxMs: Infinity, maxBytes: maxHeldBytes }
        : { maxMs: maxPreambleMs, maxBytes: maxPreambleBytes },
    acceptStopReason,
    maxPartialBytes,
    onCommit,
    onInterrupt,
  }

  return withDescription(async function streamGuard(request, next, ctx) {
    const response = await send(request, next, ctx)
    if (!response.ok || !isMessageRequest(request) || response.body?.locked === true) return response
    if (isEventStream(response)) return guardedResponse(response, request, ctx, settings)
    if (!asksForStream(request, ctx)) return response
    // The SDK reads it as a stream all the same, and takes one without events for an answer.
    return inHeadersOf(response, await guardedResponse(asEventStream(response), request, ctx, settings))
  }, descriptionOf(settings))
}

function assertLimit(name: string, unit: string, value: unknown): void {
  assertOption(typeof value === 'number' && value >= 0, name, `a number of ${unit}, 0 or more`, value)
}
