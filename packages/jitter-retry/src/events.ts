import type { Classification } from '@breakwater/classify'
import { modelOf, type RetryEvent, type RetryExhaustedEvent } from '@breakwater/core'
import type { Run } from './run.ts'

/** Told before each wait. */
export function retryEvent(
  { category, status, requestId }: Classification,
  { waitMs, reason }: Pick<RetryEvent, 'waitMs' | 'reason'>,
  { request, ctx, tally }: Run,
): RetryEvent {
  const model = modelOf(request, ctx)
  return { type: 'retry', category, attempt: tally.retries, waitMs, reason, status, model, requestId }
}

/** Told when a failure is given up that another try might have mended. */
export function exhaustedEvent(
  { category, status, requestId, retryAfterMs }: Classification,
  reason: RetryExhaustedEvent['reason'],
  { request, ctx, tally }: Run,
): RetryExhaustedEvent {
  return {
    type: 'retry_exhausted',
    category,
    attempt: tally.retries,
    waitMs: Math.round(tally.waitedMs),
    reason,
    status,
    model: modelOf(request, ctx),
    requestId,
    retryAfterMs,
  }
}
