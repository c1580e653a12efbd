import { circuitBreaker } from '@breakwater/circuit-breaker'
import { classify } from '@breakwater/classify'
import { createFetch, type CreateFetchOptions, type Middleware } from '@breakwater/core'
import { jitterRetry, type JitterRetryOptions } from '@breakwater/jitter-retry'
import { modelFailover } from '@breakwater/model-failover'
import { otel } from '@breakwater/otel'
import { rateLimit } from '@breakwater/rate-limit'
import { streamGuard } from '@breakwater/stream-guard'
import { timeout, timeoutDefaults } from '@breakwater/timeout'
import { assertObject, assertOptions, type BreakwaterOptions, type Part } from './options.ts'

/** What {@link breakwater} gives to a client, to be spread into its options. */
export interface BreakwaterClientOptions {
  /** The stack, outermost first. */
  middleware: Middleware[]
  /** The SDK's own retries are off: the stack retries. */
  maxRetries: 0
}

/** Options of {@link BreakwaterRecipe.fetch}. */
export interface BreakwaterFetchOptions extends BreakwaterOptions, CreateFetchOptions {}

/** See {@link breakwater}. */
export interface BreakwaterRecipe {
  (options?: BreakwaterOptions): BreakwaterClientOptions
  /**
   * The same stack around a `fetch`, for clients that take nothing else: the Vercel AI SDK, LangChain, plain `fetch`. Turn
   * the client's own retries off.
   *
   * @throws {TypeError} for a bad option, naming it.
   */
  fetch(options?: BreakwaterFetchOptions): typeof globalThis.fetch
}

/**
 * The recommended stack, for any Anthropic client: telemetry, verdicts, failover, retries, pacing, circuits, the truth about
 * streams, and limits, in the order in which they do most. Each part can be configured, replaced or switched off.
 *
 * Make it once for all clients of a process that share limits: circuits, queues and budgets are its own.
 *
 * @throws {TypeError} for a bad option, naming it.
 * @example
 * ```ts
 * import Anthropic from '@anthropic-ai/sdk'
 * import { breakwater } from 'breakwater'
 *
 * const client = new Anthropic({ ...breakwater({ fallbacks: ['claude-haiku-5-5'] }) })
 * ```
 */
export const breakwater: BreakwaterRecipe = Object.assign(
  (options: BreakwaterOptions = {}): BreakwaterClientOptions => ({
    middleware: stackOf(options),
    maxRetries: 0,
  }),
  {
    fetch(options: BreakwaterFetchOptions = {}) {
      assertObject(options)
      const { fetch, logger, ...parts } = options
      return createFetch(stackOf(parts), { fetch, logger })
    },
  },
)

function stackOf(options: BreakwaterOptions): Middleware[] {
  assertOptions(options)
  const { fallbacks = [] } = options
  const telemetry = made(options.otel, otel)
  const failover = (own: object): Middleware[] =>
    fallbacks.length === 0 ? [] : [modelFailover({ ...own, to: fallbacks })]
  const retry = (own: JitterRetryOptions): Middleware =>
    jitterRetry(fallbacks.length === 0 ? own : hasty(own))
  return [
    telemetry,
    made(options.classify, classify),
    deadline(options),
    made(options.modelFailover, failover),
    made(options.jitterRetry, retry),
    made(options.rateLimit, rateLimit),
    made(options.circuitBreaker, circuitBreaker),
    made(options.streamGuard, streamGuard),
    made(options.timeout, ({ ...own }) => timeout({ ...own, totalMs: false })),
    telemetry,
  ].flat()
}

/** A part as the user wants it. */
function made<Options extends object>(
  part: Part<Options> | undefined,
  make: (options: Options) => Middleware | Middleware[],
): Middleware | Middleware[] {
  if (part === false) return []
  // Whatever has no required option can be made of none.
  return typeof part === 'function' ? part : make(part ?? ({} as Options))
}

/** The limit on the whole call stands outside, where every wait is still to come. */
function deadline({ timeout: own }: BreakwaterOptions): Middleware[] {
  const isOwn = own === false || typeof own === 'function'
  const totalMs = isOwn ? false : (own?.totalMs ?? timeoutDefaults.totalMs)
  if (totalMs === false) return []
  const onTimeout = isOwn ? undefined : own?.onTimeout
  return [timeout({ attemptMs: false, firstTokenMs: false, idleMs: false, totalMs, onTimeout })]
}

/** Where another model can answer, a rate limit is waited for once. */
function hasty({ policy, ...own }: JitterRetryOptions): JitterRetryOptions {
  return { ...own, policy: { ...policy, rate_limit: { retries: 1, ...policy?.rate_limit } } }
}
