import { chain, type Middleware } from '@breakwater/core'
import { jitterRetry } from '@breakwater/jitter-retry'
import Bottleneck from 'bottleneck'
import {
  circuitBreaker as breaker,
  ExponentialBackoff,
  handleAll,
  retry,
  SamplingBreaker,
  timeout as cockatielTimeout,
  TimeoutStrategy,
  wrap,
  type IPolicy,
} from 'cockatiel'
import CircuitBreaker from 'opossum'
import pLimit from 'p-limit'
import pRetry from 'p-retry'
import { attemptLimit, fourLimits, parts, stacks } from './bench/stacks.ts'
import { ofOpossum } from './breaker-cases.ts'
import { callParts, freshUpstream, read, type Case } from './call-parts.ts'

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

/** What retry, breaker and timeout of others are called; the goals are beside it. */
export const wrapName = 'cockatiel wrap(retry, breaker, timeout)'

const theirRetry = (): IPolicy => retry(handleAll, { maxAttempts: 5, backoff: new ExponentialBackoff() })
const theirTimeout = (): IPolicy => cockatielTimeout(60_000, TimeoutStrategy.Cooperative)
const theirBreaker = (): IPolicy =>
  breaker(handleAll, {
    halfOpenAfter: 5_000,
    breaker: new SamplingBreaker({ threshold: 0.5, duration: 30_000 }),
  })

/** Three policies of cockatiel around a call. */
export function theirThree(): IPolicy {
  return wrap(theirRetry(), theirBreaker(), theirTimeout())
}

type Around = (name: string, run: (call: () => Promise<Response>) => Promise<Response>) => Case
type Through = (name: string, middleware: Middleware) => Case

function placesOf(bytes: number): { around: Around; through: Through } {
  const { request, context } = callParts(bytes)
  return {
    around: (name, run) => read(name, () => run(() => freshUpstream(request(), context()))),
    through: (name, middleware) => read(name, () => middleware(request(), freshUpstream, context())),
  }
}

/** Whole stacks beside what people use, with a request body of about `bytes`. */
export function stackCases(bytes: number): Case[] {
  const { around, through } = placesOf(bytes)
  const three = theirThree()
  const circuits = new CircuitBreaker((call: () => Promise<Response>) => call(), { ...ofOpossum })
  return [
    around('bare call', (call) => call()),
    around(wrapName, (call) => three.execute(call)),
    around('p-retry, its usual options', (call) => pRetry(call, { retries: 5 })),
    around('p-retry, all options given', (call) => pRetry(call, allOptions)),
    around('opossum', (call) => circuits.fire(call)),
    ...stacks.map(({ name, make }) => through(name, make())),
  ]
}

/** Each package beside what does part of it, with a request body of about `bytes`. */
export function behaviourCases(bytes: number): Case[] {
  const { around, through } = placesOf(bytes)
  const [retries, limit] = [theirRetry(), theirTimeout()]
  const both = wrap(retries, limit)
  const queue = pLimit(100)
  const limiter = new Bottleneck({ maxConcurrent: 100 })
  return [
    around('bare call', (call) => call()),
    ...parts.map(({ name, make }) => through(name, make())),
    around('p-retry, its usual options', (call) => pRetry(call, { retries: 5 })),
    around('p-retry, all options given', (call) => pRetry(call, allOptions)),
    around('cockatiel retry', (call) => retries.execute(call)),
    around('cockatiel timeout', (call) => limit.execute(call)),
    through('jitterRetry around timeout, attemptMs alone', chain(jitterRetry(), attemptLimit())),
    through('jitterRetry around timeout, all four limits', chain(jitterRetry(), fourLimits())),
    around('cockatiel wrap(retry, timeout)', (call) => both.execute(call)),
    around('p-limit', (call) => queue(call)),
    around('bottleneck', (call) => limiter.schedule(call)),
  ]
}
