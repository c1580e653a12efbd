import type { Classification } from '@breakwater/classify'
import {
  activeSignal,
  callerSignal,
  circuitKey,
  remainingMs,
  sleep,
  waitOrWake,
  type RetryEvent,
} from '@breakwater/core'
import type { Run } from './run.ts'

/**
 * Waits as decided, or until the circuit of the call closes; returns the milliseconds that it took. Rejects at once
 * on an abort, with the reason of the caller's signal.
 */
export async function wait(
  { category, retry, retryAfterMs }: Classification,
  { waitMs, reason }: Pick<RetryEvent, 'waitMs' | 'reason'>,
  { request, ctx, call, settings }: Run,
): Promise<number> {
  if (waitMs === 0) return 0
  const from = performance.now()
  const signal = activeSignal(request, ctx) ?? callerSignal(request, ctx)
  // What the server itself has asked for is a floor, whatever a circuit says.
  const isWakeable =
    category === 'circuit_open' ||
    (retryAfterMs === undefined && (reason === 'circuit' || retry === 'patient'))
  const key = isWakeable ? circuitKey.get(call) : undefined
  try {
    await (key === undefined
      ? sleep(waitMs, signal)
      : waitOrWake(key, waitMs, {
          signal,
          since: call.startedAt,
          // Nothing is sent while a circuit is open: who is woken with many may wait for its turn beyond its own time.
          maxMs: reason === 'circuit' ? remainingMs(call) : waitMs,
          random: settings.random,
        }))
  } catch (reason) {
    // In the SDK's seam the signal of the request has a reason of the SDK's own.
    callerSignal(request, ctx)?.throwIfAborted()
    throw reason
  }
  return performance.now() - from
}
