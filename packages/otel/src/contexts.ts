import type { MiddlewareContext, MiddlewareRequest } from '@breakwater/core'
import {
  context,
  INVALID_SPAN_CONTEXT,
  propagation,
  SpanKind,
  trace,
  type Context,
  type Span,
} from '@opentelemetry/api'
import { sdkSpanOf, sentSpanContext, type SdkSpan } from './sdk-span.ts'

/**
 * The spans that the first `otel` of a call finds: that of the SDK, and the one that it is in, which is the active one, else
 * the SDK's, else the one that a header names.
 */
export function spansAround(
  request: MiddlewareRequest,
  ctx: MiddlewareContext,
): { around: Span | undefined; sdk: SdkSpan | undefined } {
  const active = context.active()
  const sdk = sdkSpanOf(request, ctx, active)
  const current = trace.getSpan(active) ?? sdk?.span
  if (current !== undefined) return { around: current, sdk }
  const sent = sentSpanContext(request)
  return { around: sent === undefined ? undefined : trace.wrapSpanContext(sent), sdk }
}

/** Spans are being put into a context here, and not by somebody below. */
let isOwn = false

/** The active context with a span in it; while a body is read, the active span would be the reader's. */
export function activeWith(span: Span | undefined): Context {
  isOwn = true
  try {
    const active = context.active()
    return span === undefined ? trace.deleteSpan(active) : trace.setSpan(active, span)
  } finally {
    isOwn = false
  }
}

/** A context without the application's baggage, which an HTTP instrumentation would send. */
export function withoutBaggage(given: Context): Context {
  return propagation.getBaggage(given) === undefined ? given : propagation.deleteBaggage(given)
}

/**
 * A context whose span is found out when somebody asks: only when `next` has been called is it known whether an attempt
 * was begun here or further inside. `onSpan` hears that somebody below makes a span of its own.
 */
export function lateContext(base: Context, spanOf: () => Span | undefined, onSpan: () => void): Context {
  // One of its own: this one may stand in that of an outer `otel`.
  const placeholder = trace.wrapSpanContext(INVALID_SPAN_CONTEXT)
  const wrap = (inner: Context): Context => ({
    getValue(key) {
      const value = inner.getValue(key)
      return value === placeholder ? spanOf() : value
    },
    setValue(key, value) {
      if (!isOwn && isClientSpan(value)) onSpan()
      return wrap(inner.setValue(key, value))
    },
    deleteValue: (key) => wrap(inner.deleteValue(key)),
  })
  isOwn = true
  try {
    return wrap(trace.setSpan(base, placeholder))
  } finally {
    isOwn = false
  }
}

/** The span of an HTTP instrumentation, as far as it can be told: one that is not recorded has no kind. */
function isClientSpan(value: unknown): boolean {
  if (typeof value !== 'object' || value === null || !('spanContext' in value)) return false
  return !('kind' in value) || value.kind === SpanKind.CLIENT
}
