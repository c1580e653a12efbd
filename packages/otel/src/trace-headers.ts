import type { MiddlewareRequest } from '@breakwater/core'
import type { Span } from '@opentelemetry/api'
import type { Settings } from './options.ts'

/** Whether an HTTP instrumentation writes trace headers of its own; unknown before the first answer. */
export type Injector = 'unknown' | 'present' | 'absent'

/** What is done with the trace headers of one request. */
export interface HeaderPlan {
  readonly stripTrace: boolean
  readonly stripBaggage: boolean
  /** Whether a header stays, and can name the attempt. */
  readonly isKept: boolean
}

/** Whether a request carries a trace or the application's baggage. */
export function hasTraceHeaders({ headers }: MiddlewareRequest): boolean {
  return headers.has('traceparent') || headers.has('baggage')
}

/** Decides on the trace headers; `undefined` for a request that has none. */
export function planHeaders(
  { headers }: MiddlewareRequest,
  { propagation, keepBaggage }: Pick<Settings, 'propagation' | 'keepBaggage'>,
  injector: Injector,
): HeaderPlan | undefined {
  const hasTrace = headers.has('traceparent')
  const stripBaggage = !keepBaggage && headers.has('baggage')
  if (!hasTrace && !stripBaggage) return undefined
  const strips = propagation === 'strip' || (propagation === 'auto' && injector !== 'absent')
  return { stripTrace: hasTrace && strips, stripBaggage, isKept: hasTrace && !strips }
}

/** The request with other trace headers: on a copy, as those outside see the same headers. `span` is the one to name. */
export function withTraceHeaders(
  request: MiddlewareRequest,
  { stripTrace, stripBaggage, isKept }: HeaderPlan,
  span: Span | undefined,
): MiddlewareRequest {
  const given = request.headers.get('traceparent') ?? ''
  const isDoubled = given.includes(',')
  if (!stripTrace && !stripBaggage && span === undefined && !isDoubled) return request
  const headers = new Headers(request.headers)
  if (stripTrace) {
    headers.delete('traceparent')
    headers.delete('tracestate')
  }
  if (stripBaggage) headers.delete('baggage')
  if (isKept && span !== undefined) headers.set('traceparent', traceparentOf(span))
  else if (isKept && isDoubled) headers.set('traceparent', given.replace(/\s*,.*$/s, ''))
  return Object.assign({}, request, { headers })
}

function traceparentOf(span: Span): string {
  const { traceId, spanId, traceFlags } = span.spanContext()
  return `00-${traceId}-${spanId}-${(traceFlags & 1).toString(16).padStart(2, '0')}`
}
