import type { CircuitBreakerOptions } from '@breakwater/circuit-breaker'
import type { ClassifyOptions } from '@breakwater/classify'
import { assertOption, type Middleware } from '@breakwater/core'
import type { JitterRetryOptions } from '@breakwater/jitter-retry'
import type { FailoverTarget, ModelFailoverOptions } from '@breakwater/model-failover'
import type { OtelOptions } from '@breakwater/otel'
import type { RateLimitOptions } from '@breakwater/rate-limit'
import type { StreamGuardOptions } from '@breakwater/stream-guard'
import type { TimeoutOptions } from '@breakwater/timeout'

/** A part of the stack: its options, a middleware in its place, or `false` for none. */
export type Part<Options> = Options | Middleware | false

/** Options of {@link breakwater}: each part goes by the name of its factory. */
export interface BreakwaterOptions {
  /**
   * Where a call goes when its own model fails, in this order: the `to` of `modelFailover`.
   * @default [], no failover
   */
  fallbacks?: readonly FailoverTarget[] | undefined
  /** Spans and metrics, at both ends of the stack. @default {} */
  otel?: Part<OtelOptions> | undefined
  /** Verdicts, one log line per failure. @default {} */
  classify?: Part<ClassifyOptions> | undefined
  /** What else `modelFailover` takes; without `fallbacks` it needs a middleware. @default {} */
  modelFailover?: Part<Omit<ModelFailoverOptions, 'to'>> | undefined
  /** Retries; with `fallbacks` a 429 is retried once in place before the call moves. @default {} */
  jitterRetry?: Part<JitterRetryOptions> | undefined
  /** Queueing and pacing. @default {} */
  rateLimit?: Part<RateLimitOptions> | undefined
  /** Circuits. @default {} */
  circuitBreaker?: Part<CircuitBreakerOptions> | undefined
  /** The truth about streams. @default {} */
  streamGuard?: Part<StreamGuardOptions> | undefined
  /** Limits; `totalMs` holds from the outside, so that waits are planned within it, the others for each attempt. @default {} */
  timeout?: Part<TimeoutOptions> | undefined
}

const parts = [
  'otel',
  'classify',
  'modelFailover',
  'jitterRetry',
  'rateLimit',
  'circuitBreaker',
  'streamGuard',
  'timeout',
] as const

/** The name of a part. */
export type PartName = (typeof parts)[number]

/**
 * @throws {TypeError} when the options are no object.
 */
export function assertObject(options: unknown): void {
  assertOption(isRecord(options), 'options', 'an object', options)
}

/**
 * Checks what no part checks itself.
 *
 * @throws {TypeError} for a bad option, naming it.
 */
export function assertOptions(options: BreakwaterOptions): void {
  assertObject(options)
  const known: readonly string[] = ['fallbacks', ...parts]
  for (const name of Object.keys(options)) {
    assertOption(known.includes(name), 'options', `nothing but ${known.join(', ')}`, name)
  }
  for (const name of parts) {
    const part: unknown = options[name]
    const isPart = part === undefined || part === false || typeof part === 'function' || isRecord(part)
    assertOption(isPart, name, 'an object of options, a middleware or false', part)
  }
  const { fallbacks = [], modelFailover } = options
  assertOption(Array.isArray(fallbacks), 'fallbacks', 'an array of targets', fallbacks)
  const hasOwn = typeof modelFailover === 'function' || modelFailover === false
  assertOption(
    !(hasOwn && fallbacks.length > 0),
    'fallbacks',
    'none where `modelFailover` is not options',
    fallbacks,
  )
  const isUseless =
    fallbacks.length === 0 && isRecord(modelFailover) && Object.keys(Object(modelFailover)).length > 0
  assertOption(!isUseless, 'fallbacks', 'at least one target where `modelFailover` has options', fallbacks)
}

function isRecord(value: unknown): boolean {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
