import { circuitBreaker } from '@breakwater/circuit-breaker'
import { circuitBreaker as breaker, ConsecutiveBreaker, handleAll, SamplingBreaker } from 'cockatiel'
import CircuitBreaker from 'opossum'
import { callParts, freshUpstream, type Case } from './call-parts.ts'

const halfOpenAfter = 1e9
/** opossum without what costs and is not asked for. */
export const ofOpossum: CircuitBreaker.Options = {
  timeout: false,
  volumeThreshold: 10,
  resetTimeout: halfOpenAfter,
  rollingCountTimeout: 30_000,
  rollingPercentilesEnabled: false,
  enableSnapshots: false,
}

/** A call that passes a closed circuit, with a request body of about `bytes`. */
export function closedCases(bytes: number): Case[] {
  const { request, context } = callParts(bytes)
  const ours = circuitBreaker()
  const call = (): Promise<Response> => freshUpstream(request(), context())
  const opossum = new CircuitBreaker(call, { ...ofOpossum })
  const consecutive = breaker(handleAll, { halfOpenAfter, breaker: new ConsecutiveBreaker(5) })
  const sampling = breaker(handleAll, {
    halfOpenAfter,
    breaker: new SamplingBreaker({ threshold: 0.5, duration: 30_000 }),
  })
  return [
    { name: 'bare call', call },
    { name: 'circuitBreaker', call: () => ours(request(), freshUpstream, context()) },
    { name: 'opossum', call: () => opossum.fire() },
    { name: 'cockatiel, consecutive', call: () => consecutive.execute(call) },
    { name: 'cockatiel, sampling', call: () => sampling.execute(call) },
  ]
}

/** A call that an open circuit refuses: it ends with the error. */
export async function openCases(bytes: number): Promise<Case[]> {
  const { request, context } = callParts(bytes)
  const failing = (): Promise<Response> => Promise.resolve(new Response('{}', { status: 500 }))
  const ours = circuitBreaker({ volumeThreshold: 1, resetMs: halfOpenAfter })
  await ours(request(), failing, context())
  const refused = (): Promise<never> => Promise.reject(new Error('refused'))
  const opossum = new CircuitBreaker(refused, { ...ofOpossum, volumeThreshold: 0 })
  const theirs = breaker(handleAll, { halfOpenAfter, breaker: new ConsecutiveBreaker(1) })
  await Promise.allSettled([opossum.fire(), theirs.execute(refused)])
  const errorOf = (call: Promise<unknown>): Promise<unknown> => call.catch((error: unknown) => error)
  return [
    { name: 'bare rejection', call: () => errorOf(refused()) },
    { name: 'circuitBreaker', call: () => errorOf(ours(request(), failing, context())) },
    { name: 'opossum', call: () => errorOf(opossum.fire()) },
    { name: 'cockatiel', call: () => errorOf(theirs.execute(refused)) },
  ]
}
