import Anthropic from '@anthropic-ai/sdk'
import { breakwater } from 'breakwater'

/** The model that is asked first. */
export const primary = 'claude-sonnet-5-5'
/** The model that stands in for it. */
export const fallback = 'claude-haiku-5-5'

/** USD per million tokens, for `breakwater.cost`: put your own prices here. */
const prices = {
  [primary]: { input: 3, output: 15 },
  [fallback]: { input: 1, output: 5 },
}

/** What differs between a real API, whose outages last minutes, and the fake one, whose last seconds. */
export interface Tuning {
  readonly cooldownMs?: number
  readonly breaker?: { readonly volumeThreshold: number; readonly windowMs: number; readonly resetMs: number }
  readonly idleMs?: number
}

/** A client with the whole stack. Telemetry has to be registered before. */
export function createClient(
  options: { readonly apiKey?: string; readonly baseURL?: string },
  { cooldownMs = 30_000, breaker, idleMs = 30_000 }: Tuning = {},
): Anthropic {
  return new Anthropic({
    ...options,
    logLevel: 'off', // every failure is a metric
    ...breakwater({
      fallbacks: [fallback],
      otel: { prices, models: [primary, fallback] },
      modelFailover: { cooldownMs },
      ...(breaker && { circuitBreaker: breaker }),
      timeout: { attemptMs: 60_000, firstTokenMs: 20_000, idleMs, totalMs: 120_000 },
    }),
  })
}
