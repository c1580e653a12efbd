import { circuitBreaker } from '@breakwater/circuit-breaker'
import { classify } from '@breakwater/classify'
import { chain, type Middleware } from '@breakwater/core'
import { jitterRetry } from '@breakwater/jitter-retry'
import { modelFailover } from '@breakwater/model-failover'
import { rateLimit } from '@breakwater/rate-limit'
import { streamGuard } from '@breakwater/stream-guard'
import { timeout } from '@breakwater/timeout'
import Bottleneck from 'bottleneck'
import { breakwater } from 'breakwater'
import {
  circuitBreaker as breaker,
  ExponentialBackoff,
  handleAll,
  retry,
  SamplingBreaker,
  timeout as cockatielTimeout,
  TimeoutStrategy,
  wrap,
} from 'cockatiel'
import pLimit from 'p-limit'
import pRetry from 'p-retry'
import { callParts, freshUpstream, type Case } from './call-parts.ts'

const allOptions = {
  retries: 5,
  factor: 2,
  minTimeout: 1_000,
  maxTimeout: 60_000,
  maxRetryTime: Infinity,
  randomize: true,
  unref: false,
  signal: undefined,
  onFailedAttempt: () => {},
  shouldConsumeRetry: () => true,
  shouldRetry: () => true,
}

/** What the behaviours cost beside what people use, with a request body of about `bytes`. */
export function behaviourCases(bytes: number): Case[] {
  const { request, context } = callParts(bytes)
  const through = (name: string, middleware: Middleware): Case => ({
    name,
    call: () => middleware(request(), freshUpstream, context()),
  })
  const around = (name: string, run: (call: () => Promise<Response>) => Promise<unknown>): Case => ({
    name,
    call: () => run(() => freshUpstream(request(), context())),
  })
  const theirRetry = retry(handleAll, { maxAttempts: 5, backoff: new ExponentialBackoff() })
  const theirTimeout = cockatielTimeout(60_000, TimeoutStrategy.Cooperative)
  const both = wrap(theirRetry, theirTimeout)
  const theirBreaker = breaker(handleAll, {
    halfOpenAfter: 5_000,
    breaker: new SamplingBreaker({ threshold: 0.5, duration: 30_000 }),
  })
  const theirThree = wrap(theirRetry, theirBreaker, theirTimeout)
  const attempt = timeout({ attemptMs: 60_000, firstTokenMs: Infinity, idleMs: Infinity, totalMs: Infinity })
  const four = timeout({ attemptMs: 60_000, firstTokenMs: 60_000, idleMs: 60_000, totalMs: 60_000 })
  const theirQueue = pLimit(100)
  const theirLimiter = new Bottleneck({ maxConcurrent: 100 })
  // The pace of the start would hold the benchmark back.
  const unpaced = { startPerSecond: Infinity }
  return [
    around('bare call', (call) => call()),
    through('jitterRetry', jitterRetry()),
    around('p-retry, its usual options', (call) => pRetry(call, { retries: 5 })),
    around('p-retry, all options given', (call) => pRetry(call, allOptions)),
    around('cockatiel retry', (call) => theirRetry.execute(call)),
    through('timeout, attemptMs alone', attempt),
    through('timeout, all four limits', four),
    around('cockatiel timeout', (call) => theirTimeout.execute(call)),
    through('jitterRetry around timeout, attemptMs alone', chain(jitterRetry(), attempt)),
    through('jitterRetry around timeout, all four limits', chain(jitterRetry(), four)),
    around('cockatiel wrap(retry, timeout)', (call) => both.execute(call)),
    through('modelFailover', modelFailover({ to: ['claude-fallback'] })),
    through('streamGuard, no stream', streamGuard()),
    through('rateLimit, nothing limited', rateLimit(unpaced)),
    around('p-limit', (call) => theirQueue(call)),
    around('bottleneck', (call) => theirLimiter.schedule(call)),
    through(
      'jitterRetry, circuitBreaker, timeout with attemptMs alone',
      chain(jitterRetry(), circuitBreaker(), attempt),
    ),
    through(
      'jitterRetry, circuitBreaker, timeout with all four limits',
      chain(jitterRetry(), circuitBreaker(), four),
    ),
    around('cockatiel wrap(retry, breaker, timeout)', (call) => theirThree.execute(call)),
    through(
      'classify, modelFailover, jitterRetry, circuitBreaker, streamGuard, timeout with attemptMs alone',
      chain(
        classify(),
        modelFailover({ to: ['claude-fallback'] }),
        jitterRetry(),
        circuitBreaker(),
        streamGuard(),
        attempt,
      ),
    ),
    through(
      'breakwater, the recipe with a fallback',
      chain(...breakwater({ fallbacks: ['claude-fallback'], rateLimit: unpaced }).middleware),
    ),
  ]
}
