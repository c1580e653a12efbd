import { callOf, isCredentialExchange, send, withDescription, type Middleware } from '@breakwater/core'
import { enterCall } from './call-state.ts'
import { spansAround } from './contexts.ts'
import { description } from './description.ts'
import { listen } from './listen.ts'
import { settingsOf, type OtelOptions } from './options.ts'
import { createOwner } from './pass.ts'
import { createTelemetry } from './telemetry.ts'
import { hasTraceHeaders } from './trace-headers.ts'

/**
 * Traces and measures calls with OpenTelemetry: a span for the call where the SDK makes none, one for each upstream attempt,
 * and metrics of calls, attempts, waits, circuits, failovers, streams, tokens and limits.
 *
 * Give the same instance at both ends of a stack: the outer place sees the calls, the inner one the attempts. Telemetry
 * never fails a call.
 *
 * @throws {TypeError} for a bad option, naming it.
 * @example
 * ```ts
 * import Anthropic from '@anthropic-ai/sdk'
 * import { classify } from '@breakwater/classify'
 * import { otel } from '@breakwater/otel'
 *
 * const telemetry = otel()
 * const client = new Anthropic({ maxRetries: 0, middleware: [telemetry, classify(), telemetry] })
 * ```
 */
export function otel(options: OtelOptions = {}): Middleware {
  const telemetry = createTelemetry(settingsOf(options))
  const owner = createOwner(telemetry)
  listen(owner)
  // Counters begin at 0 where a provider is there already.
  telemetry.guard(undefined, () => telemetry.instruments())

  return withDescription(function otel(request, next, ctx) {
    if (isCredentialExchange(request, ctx)) return next(request)
    if (telemetry.guard(ctx, telemetry.isIdle) === true && !hasTraceHeaders(request)) {
      return send(request, next, ctx)
    }
    const call = callOf(request, ctx)
    const state = enterCall(call, owner, () => telemetry.guard(ctx, () => spansAround(request, ctx)))
    return state.owner.pass(request, next, ctx, call, state)
  }, description)
}
