import { circuitBreaker } from '@breakwater/circuit-breaker'
import { classify } from '@breakwater/classify'
import type { Middleware } from '@breakwater/core'
import { jitterRetry } from '@breakwater/jitter-retry'
import { modelFailover } from '@breakwater/model-failover'
import { otel } from '@breakwater/otel'
import { rateLimit } from '@breakwater/rate-limit'
import { streamGuard } from '@breakwater/stream-guard'
import { timeout } from '@breakwater/timeout'
import { fallback } from './fault.ts'
import { circuit, limits } from './settings.ts'
import { recordTelemetry, type Telemetry } from './telemetry.ts'

/** A middleware of the lab. */
export type Part = 'classify' | 'retry' | 'breaker' | 'failover' | 'otel' | 'guard' | 'timeout' | 'rateLimit'

/** The telemetry of all runs: each `otel` listens to the whole process for as long as that lasts, so that there is one. */
export const telemetry: Telemetry = recordTelemetry()
const { tracerProvider, meterProvider } = telemetry
export const observer: Middleware = otel({ tracerProvider, meterProvider })

/** A stack, its other parts made anew: what one run leaves behind, no other sees. */
export function stackOf(order: readonly Part[], random: number, holdMs?: number): Middleware[] {
  const make: Record<Part, () => Middleware> = {
    classify: () => classify(),
    retry: () => jitterRetry({ random: () => random }),
    breaker: () => circuitBreaker(circuit),
    failover: () => modelFailover({ to: [fallback] }),
    otel: () => observer,
    guard: () => streamGuard({ maxPreambleMs: holdMs }),
    timeout: () => timeout(limits),
    rateLimit: () => rateLimit(),
  }
  return order.map((part) => make[part]())
}
