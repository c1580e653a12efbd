import Bottleneck from 'bottleneck'
import {
  BrokenCircuitError,
  circuitBreaker,
  DelegateBackoff,
  handleWhen,
  type IPolicy,
  retry,
  SamplingBreaker,
  wrap,
} from 'cockatiel'
import pLimit from 'p-limit'
import pRetry from 'p-retry'
import type { Contender, Env, Operation, Run } from './contender.ts'
import { isDown, isTransient, retryAfterMs, StalledError } from './transient.ts'

/** After how long who sets a limit for an answer does so, in milliseconds. */
const answerLimitMs = 20_000

/** The SDK as it comes: two retries. */
export const sdk: Contender = {
  name: 'SDK',
  note: '`new Anthropic()`: two retries',
  isOurs: false,
  create: (env) => bare(env, 2),
}

/** The SDK of somebody who has read about `maxRetries`. */
export const sdk8: Contender = {
  name: 'SDK, 8 retries',
  note: '`new Anthropic({ maxRetries: 8 })`',
  isOurs: false,
  create: (env) => bare(env, 8),
}

/** At most 20 calls at once. Eight retries, for those that are refused all the same. */
export const limited: Contender = {
  name: 'p-limit',
  note: '`pLimit(20)` around the SDK with `maxRetries: 8`',
  isOurs: false,
  create(env) {
    const run = bare(env, 8)
    const limit = pLimit(20)
    return (operation, signal) => limit(() => run(operation, signal))
  },
}

/** Who knows the limit, and has set both the rate and the minute's allowance as bottleneck's documentation advises. */
export const paced: Contender = {
  name: 'bottleneck',
  note: 'knows the limit: `minTime`, and a reservoir of a minute, around the SDK with `maxRetries: 8`',
  isOurs: false,
  create(env) {
    const run = bare(env, 8)
    const perMinute = env.requestsPerSecond * 60
    const limiter = new Bottleneck({
      minTime: 1000 / env.requestsPerSecond,
      reservoir: perMinute,
      reservoirRefreshAmount: perMinute,
      reservoirRefreshInterval: 60_000,
    })
    return (operation, signal) => limiter.schedule(() => run(operation, signal))
  },
}

/** p-retry's own defaults (10 retries from 1 s, doubling), with jitter, a cap, `retry-after` and a filter. */
export const pRetried: Contender = {
  name: 'p-retry',
  note: '10 retries from 1 s up to 30 s with jitter, never before `retry-after`, transient errors only; `maxRetries: 0`',
  isOurs: false,
  create(env) {
    const client = env.clientOf({ maxRetries: 0 })
    return withFallback(env, (operation, model, signal) =>
      pRetry(() => limitedTime(env, signal, (limit) => operation(client, model, limit)), {
        retries: 10,
        maxTimeout: 30_000,
        randomize: true,
        signal,
        async shouldRetry({ error }) {
          if (!isTransient(error)) return false
          await pause(retryAfterMs(error), signal)
          return true
        },
      }),
    )
  },
}

/** cockatiel's retry and breaker, in the order and with the pieces of its documentation. */
export const cockatiel: Contender = {
  name: 'cockatiel',
  note: '`wrap(retry, circuitBreaker)`: 8 retries with full jitter up to 30 s, `retry-after`; half of 10 s failing opens for 10 s; `maxRetries: 0`',
  isOurs: false,
  create(env) {
    const client = env.clientOf({ maxRetries: 0 })
    const policy = (): IPolicy => {
      const isRetried = (error: unknown): boolean => isTransient(error) || error instanceof BrokenCircuitError
      const backoff = new DelegateBackoff<{ attempt: number; result: object }>(({ attempt, result }) => {
        const error = 'error' in result ? result.error : undefined
        const fullJitterMs = Math.random() * Math.min(30_000, 500 * 2 ** attempt)
        return Math.max(retryAfterMs(error), fullJitterMs)
      })
      return wrap(
        retry(handleWhen(isRetried), { maxAttempts: 8, backoff }),
        circuitBreaker(handleWhen(isDown), {
          halfOpenAfter: 10_000,
          // By itself it wants ten calls a second before it says anything.
          breaker: new SamplingBreaker({ threshold: 0.5, duration: 10_000, minimumRps: 1 }),
        }),
      )
    }
    // A circuit for each model.
    const policies = new Map([env.model, env.fallback].map((model) => [model, policy()]))
    return withFallback(env, (operation, model, signal) => {
      const around = policies.get(model) ?? policy()
      return around.execute(
        ({ signal: policySignal }) =>
          limitedTime(env, policySignal ?? signal, (limit) => operation(client, model, limit)),
        signal,
      )
    })
  },
}

/** What people use today. */
export const peers: readonly Contender[] = [sdk, sdk8, limited, paced, pRetried, cockatiel]

function bare(env: Env, maxRetries: number): Run {
  const client = env.clientOf({ maxRetries, ...(env.canStall && { timeout: answerLimitMs }) })
  return (operation, signal) => operation(client, env.model, signal)
}

/** One more try with the other model, where there is one: a line of code that everybody writes. */
function withFallback(
  { model, fallback }: Env,
  around: <Value>(operation: Operation<Value>, model: string, signal: AbortSignal) => Promise<Value>,
): Run {
  return async (operation, signal) => {
    try {
      return await around(operation, model, signal)
    } catch (error) {
      const isWorth = isTransient(error) || error instanceof BrokenCircuitError
      if (fallback === undefined || !isWorth || signal.aborted) throw error
      return around(operation, fallback, signal)
    }
  }
}

/** A limit for one try, where answers stall. */
async function limitedTime<Value>(
  { canStall }: Env,
  signal: AbortSignal,
  operation: (signal: AbortSignal) => Promise<Value>,
): Promise<Value> {
  if (!canStall) return operation(signal)
  const controller = new AbortController()
  const end = (): void => controller.abort()
  const timer = setTimeout(end, answerLimitMs)
  signal.addEventListener('abort', end)
  try {
    return await operation(controller.signal)
  } catch (error) {
    throw controller.signal.aborted && !signal.aborted ? new StalledError() : error
  } finally {
    clearTimeout(timer)
    signal.removeEventListener('abort', end)
  }
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  if (ms === 0 || signal.aborted) return Promise.resolve()
  return new Promise((resolve) => setTimeout(resolve, ms))
}
