import {
  classification,
  classifyErrorEvent,
  classifyOutcome,
  type Classification,
} from '@breakwater/classify'
import {
  isMessageRequest,
  type BodyEnd,
  type MiddlewareContext,
  type MiddlewareRequest,
} from '@breakwater/core'

/** What a call came to: `undefined` for a success, `'neutral'` for what says nothing of the provider. */
export type Verdict = Classification | 'neutral' | undefined

/** What a stream came to, by its end. */
export function verdictOfEnd(
  end: BodyEnd,
  headers: Headers,
  request: MiddlewareRequest,
  ctx: MiddlewareContext,
): Verdict | Promise<Verdict> {
  switch (end.kind) {
    case 'complete':
      return undefined
    case 'truncated':
      // With the stop reason all of the message has come.
      return end.hasStopReason ? undefined : interrupted(headers)
    case 'empty':
      return isMessageRequest(request) ? interrupted(headers) : undefined
    case 'error_event':
      return classifyErrorEvent(end.data, headers)
    case 'failed':
      return classifyOutcome(end.error, request, ctx)
    case 'cancelled':
      // Its reader has seen enough: nobody knows how it would have gone on.
      return 'neutral'
  }
}

function interrupted(headers: Headers): Classification {
  return classification('stream_interrupted', { requestId: headers.get('request-id') ?? undefined })
}
