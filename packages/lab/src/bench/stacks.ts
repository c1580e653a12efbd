import { circuitBreaker } from '@breakwater/circuit-breaker'
import { classify } from '@breakwater/classify'
import { chain, type Middleware } from '@breakwater/core'
import { jitterRetry } from '@breakwater/jitter-retry'
import { modelFailover } from '@breakwater/model-failover'
import { otel } from '@breakwater/otel'
import { rateLimit } from '@breakwater/rate-limit'
import { streamGuard } from '@breakwater/stream-guard'
import { timeout } from '@breakwater/timeout'
import { breakwater } from 'breakwater'

/** A stack that is measured; made anew for each place in which it is. */
export interface Stack {
  readonly name: string
  readonly make: () => Middleware
}

const to = ['claude-fallback'] as const
/** The pace of the start would hold the benchmark back. */
const unpaced = { startPerSecond: Infinity }
/** Nobody watches a body under these: it passes as it is. */
const headersOnly = { firstTokenMs: Infinity, idleMs: Infinity, totalMs: Infinity }
/** `timeout` with a limit on the headers alone. */
export const attemptLimit = (): Middleware => timeout({ ...headersOnly, attemptMs: 60_000 })
/** `timeout` with all its limits: it watches every body. */
export const fourLimits = (): Middleware =>
  timeout({ attemptMs: 60_000, firstTokenMs: 60_000, idleMs: 60_000, totalMs: 60_000 })
/** With those that it has when nobody asks for others: no deadline. */
const usualLimits = (): Middleware => timeout()

/** Each package alone, where nothing is wrong and nobody is told. */
export const parts: readonly Stack[] = [
  { name: 'classify', make: () => classify() },
  { name: 'modelFailover', make: () => modelFailover({ to }) },
  { name: 'jitterRetry', make: () => jitterRetry() },
  { name: 'rateLimit, nothing limited', make: () => rateLimit(unpaced) },
  { name: 'circuitBreaker', make: () => circuitBreaker() },
  { name: 'streamGuard, no stream', make: () => streamGuard() },
  { name: 'timeout, attemptMs alone', make: attemptLimit },
  { name: 'timeout, its defaults', make: usualLimits },
  { name: 'timeout, all four limits', make: fourLimits },
  { name: 'otel, no provider', make: () => otel() },
]

/** What is compared with cockatiel's `wrap`; those that observe bodies are told apart. */
export const three: Stack = {
  name: 'retry, breaker, timeout',
  make: () => chain(jitterRetry(), circuitBreaker(), attemptLimit()),
}
export const threeOnBodies: Stack = {
  name: 'retry, breaker, timeout, bodies under limits',
  make: () => chain(jitterRetry(), circuitBreaker(), usualLimits()),
}
export const five: Stack = {
  name: 'the five',
  make: () => chain(modelFailover({ to }), jitterRetry(), circuitBreaker(), streamGuard(), attemptLimit()),
}
export const fiveOnBodies: Stack = {
  name: 'the five, bodies under limits',
  make: () => chain(modelFailover({ to }), jitterRetry(), circuitBreaker(), streamGuard(), usualLimits()),
}
export const fiveInTime: Stack = {
  name: 'the five, and a deadline',
  make: () => chain(modelFailover({ to }), jitterRetry(), circuitBreaker(), streamGuard(), fourLimits()),
}
export const classifyAndFive: Stack = {
  name: 'classify and the five',
  make: () =>
    chain(classify(), modelFailover({ to }), jitterRetry(), circuitBreaker(), streamGuard(), attemptLimit()),
}
export const recipe: Stack = {
  name: 'the recipe',
  make: () => chain(...breakwater({ fallbacks: to, rateLimit: unpaced }).middleware),
}
export const recipeOffBodies: Stack = {
  name: 'the recipe, no limits on bodies',
  make: () => chain(...breakwater({ fallbacks: to, rateLimit: unpaced, timeout: headersOnly }).middleware),
}

/** Those above, from the smallest on. */
export const stacks: readonly Stack[] = [
  three,
  threeOnBodies,
  five,
  fiveOnBodies,
  fiveInTime,
  classifyAndFive,
  recipeOffBodies,
  recipe,
]
