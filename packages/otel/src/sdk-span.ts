import type { MiddlewareContext, MiddlewareRequest } from '@breakwater/core'
import { trace, TraceFlags, type Context, type Span, type SpanContext } from '@opentelemetry/api'
import { field } from './field.ts'

/** The SDK's own span of a call, as far as it can be found. */
export interface SdkSpan {
  /** `undefined` where it exists but cannot be reached: under `createFetch` without a context manager. */
  readonly span: Span | undefined
}

const sdkScope = /^com\.anthropic\.sdk\b/
const traceparent = /^\s*[\da-f]{2}-([\da-f]{32})-([\da-f]{16})-([\da-f]{2})\b/

/** Finds the span that the SDK has made of this call; `undefined` where it has made none. */
export function sdkSpanOf(
  request: MiddlewareRequest,
  ctx: MiddlewareContext,
  active: Context,
): SdkSpan | undefined {
  const handed = field(field(ctx.options, '__span'), 'span')
  if (isSpan(handed)) return isItsOwn(handed) ? { span: handed } : undefined
  const current = trace.getSpan(active)
  if (current !== undefined && sdkScope.test(scopeOf(current))) return { span: current }
  const sent = sentSpanContext(request)
  if (sent === undefined) return undefined
  if (current !== undefined && current.spanContext().spanId === sent.spanId)
    return isItsOwn(current) ? { span: current } : undefined
  // Only the SDK has put a header on its own request so early.
  return request.headers.has('x-stainless-lang') ? { span: undefined } : undefined
}

/** The span that a request's `traceparent` names: the first one, where two have been put together. */
export function sentSpanContext({ headers }: MiddlewareRequest): SpanContext | undefined {
  const [, traceId, spanId, flags] = traceparent.exec(headers.get('traceparent') ?? '') ?? []
  if (traceId === undefined || spanId === undefined || flags === undefined) return undefined
  return { traceId, spanId, traceFlags: Number.parseInt(flags, 16), isRemote: true }
}

/** Without a tracer provider the SDK hands on the application's span, sampled and yet not recorded. */
function isItsOwn(span: Span): boolean {
  return span.isRecording() || (span.spanContext().traceFlags & TraceFlags.SAMPLED) === 0
}

/** The name of the scope that made a span; the API does not tell it, the SDKs of OpenTelemetry keep it so. */
function scopeOf(span: Span): string {
  const name = field(field(span, 'instrumentationScope') ?? field(span, 'instrumentationLibrary'), 'name')
  return typeof name === 'string' ? name : ''
}

function isSpan(value: unknown): value is Span {
  return (
    typeof field(value, 'spanContext') === 'function' && typeof field(value, 'setAttribute') === 'function'
  )
}
