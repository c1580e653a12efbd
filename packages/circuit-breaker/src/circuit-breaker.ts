import { boundedResponse, classifyOutcome } from '@breakwater/classify'
import {
  assertOption,
  callerSignal,
  discard,
  isCredentialExchange,
  isEventStream,
  isResponse,
  send,
  tapOf,
  tapped,
  withDescription,
  type Middleware,
  type MiddlewareNext,
} from '@breakwater/core'
import { CircuitOpenError } from './circuit-open-error.ts'
import { createCircuits } from './circuits.ts'
import { descriptionOf } from './description.ts'
import { createGate, type Gate, type Pass } from './gate.ts'
import { settingsOf, type CircuitBreakerOptions } from './options.ts'
import type { CircuitBreakerSnapshot } from './snapshot.ts'
import { verdictOfEnd, type Verdict } from './stream-outcome.ts'

/** The middleware of {@link circuitBreaker}, with what an operator can do to its circuits. */
export interface CircuitBreaker extends Middleware {
  /**
   * Refuses all calls of one circuit until {@link reset}; without a key those of all, also of circuits to come.
   *
   * @throws {TypeError} when the key is no string.
   */
  isolate(key?: string): void
  /**
   * Closes one circuit, or all, and forgets what they have seen and what is on its way. Calls that wait for it come back.
   *
   * @throws {TypeError} when the key is no string.
   */
  reset(key?: string): void
  /** All circuits as plain JSON, for the `restore` of a later process. */
  snapshot(): CircuitBreakerSnapshot
}

const probeNote = { reason: 'probe' } as const

/**
 * Stops calling a model that keeps failing, and finds out with one call at a time whether it is back. Only what is the
 * provider's or the network's fault counts: no bad request, no rate limit, no abort.
 *
 * The caller gets a {@link CircuitOpenError} while nothing is sent.
 *
 * @throws {TypeError} for a bad option, naming it.
 * @example
 * ```ts
 * import Anthropic from '@anthropic-ai/sdk'
 * import { circuitBreaker } from '@breakwater/circuit-breaker'
 *
 * const breaker = circuitBreaker({ onStateChange: ({ key, from, to }) => console.error(key, from, to) })
 * const client = new Anthropic({ middleware: [breaker] })
 * ```
 */
export function circuitBreaker(options: CircuitBreakerOptions = {}): CircuitBreaker {
  const settings = settingsOf(options)
  const circuits = createCircuits(settings)
  const gate = createGate(settings, circuits)

  const middleware = withDescription(function circuitBreaker(request, next, ctx) {
    if (isCredentialExchange(request, ctx)) return next(request)
    const pass = gate.enter(request, ctx)
    // Thrown it would cost a microsecond more.
    return pass instanceof CircuitOpenError ? Promise.reject(pass) : attempt(pass, next, gate)
  }, descriptionOf(settings.circuit))
  return Object.assign(middleware, {
    isolate(key?: string) {
      assertKey(key)
      circuits.isolate(key)
    },
    reset(key?: string) {
      assertKey(key)
      circuits.reset(key)
    },
    snapshot: () => circuits.snapshot(),
  })
}

async function attempt(pass: Pass, next: MiddlewareNext, gate: Gate): Promise<Response> {
  const { request, ctx } = pass
  let outcome: unknown
  try {
    const response = await send(request, next, ctx, gate.isProbe(pass) ? probeNote : undefined)
    if (response.status < 400) {
      // Where the SDK says that it is none it will be read as JSON: no need to look.
      if (ctx.options?.stream !== false && isEventStream(response)) return watch(response, pass, gate)
      gate.record(pass, undefined)
      return response
    }
    outcome = response
  } catch (error) {
    outcome = error
  }
  return fail(outcome, pass, gate)
}

/** Records a failure, and passes it on. */
async function fail(outcome: unknown, pass: Pass, gate: Gate): Promise<Response> {
  const { request, ctx } = pass
  const failure = await classifyOutcome(outcome, request, ctx)
  if (!isResponse(outcome)) {
    gate.record(pass, failure)
    throw outcome
  }
  const signal = callerSignal(request, ctx)
  if (signal?.aborted === true) {
    // Nobody knows what of the failure the abort has made.
    gate.record(pass, 'neutral')
    discard(outcome)
    throw signal.reason
  }
  gate.record(pass, failure)
  return boundedResponse(outcome)
}

/** Passes a stream on, and records it at its end. */
function watch(response: Response, pass: Pass, gate: Gate): Response {
  const { request, ctx } = pass
  const watched = tapped(response)
  const tap = tapOf(watched)
  if (tap === undefined) {
    gate.record(pass, undefined)
    return watched
  }
  const record = (verdict: Verdict): void => gate.record(pass, verdict)
  tap.add({
    onEnd(end) {
      const verdict = verdictOfEnd(end, watched.headers, request, ctx)
      if (verdict instanceof Promise) void verdict.then(record)
      else record(verdict)
    },
  })
  return watched
}

function assertKey(key: unknown): void {
  assertOption(key === undefined || typeof key === 'string', 'key', 'a string', key)
}
