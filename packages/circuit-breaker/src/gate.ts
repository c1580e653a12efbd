import type { Classification, Trips } from '@breakwater/classify'
import {
  callOf,
  circuitKey,
  emit,
  modelOf,
  openCircuit,
  type MiddlewareContext,
  type MiddlewareRequest,
} from '@breakwater/core'
import {
  advance,
  enter,
  refusalOf,
  settle,
  waitOf,
  type Change,
  type Circuit,
  type Ticket,
} from './circuit.ts'
import { orgKeyOf } from './circuit-key.ts'
import type { CircuitOpenError } from './circuit-open-error.ts'
import { tell, wakeAll, type Circuits } from './circuits.ts'
import type { Settings } from './options.ts'
import { isolationRefusal } from './refusal.ts'
import type { Verdict } from './stream-outcome.ts'

/** A call on its way: through the circuit of its key and, where there are such, that of its origin. */
export interface Pass {
  readonly request: MiddlewareRequest
  readonly ctx: MiddlewareContext
  readonly ticket: Ticket
  readonly org: Ticket | undefined
}

/** Lets calls through, and records what they came to. */
export interface Gate {
  /** The error, not thrown, when a circuit of the call is open. */
  enter(request: MiddlewareRequest, ctx: MiddlewareContext): Pass | CircuitOpenError
  /** Whether the answer decides on an open circuit. */
  isProbe(pass: Pass): boolean
  record(pass: Pass, verdict: Verdict): void
}

/** The gate in front of the circuits of one breaker. */
export function createGate(
  { key, orgCategories, onStateChange, onReject }: Settings,
  circuits: Circuits,
): Gate {
  function check(circuit: Circuit, now: number): CircuitOpenError | undefined {
    return circuits.isIsolated(circuit) ? isolationRefusal(circuit.key) : refusalOf(circuit, now)
  }

  function told(request: MiddlewareRequest, ctx: MiddlewareContext, circuit: Circuit, change?: Change): void {
    if (change === undefined) return
    if (change.to === 'closed') wakeAll(circuit)
    tell(callOf(request, ctx), circuit, change, onStateChange)
  }

  /** Tells whoever sends the call again which circuit its failure has met, and whether that one is open now. */
  function meet(request: MiddlewareRequest, ctx: MiddlewareContext, circuit: Circuit, now: number): void {
    const call = callOf(request, ctx)
    circuitKey.set(call, circuit.key)
    const waitMs = waitOf(circuit, now)
    if (waitMs !== undefined) openCircuit.set(call, { until: now + waitMs, attempts: call.attempts.length })
  }

  function refuse(
    error: CircuitOpenError,
    request: MiddlewareRequest,
    ctx: MiddlewareContext,
  ): CircuitOpenError {
    const call = callOf(request, ctx)
    const { key, retryAfterMs, failure } = error
    circuitKey.set(call, key)
    const model = modelOf(request, ctx)
    emit(call, { type: 'breaker_rejected', key, category: failure?.category, retryAfterMs, model }, onReject)
    return error
  }

  /** What the circuit of the origin makes of it: it knows its own categories, and all others as a proof of life. */
  function tripsOrg(verdict: Verdict): Trips {
    if (verdict === undefined) return 'success'
    if (verdict === 'neutral') return 'neutral'
    if (orgCategories?.has(verdict.category) === true) return 'failure'
    return verdict.fault === 'caller' || verdict.category === 'circuit_open' ? 'neutral' : 'success'
  }

  return {
    enter(request, ctx) {
      const circuit = circuits.of(key(request, ctx), false)
      const org = orgCategories === undefined ? undefined : circuits.of(orgKeyOf(request), true)
      // What nearly every call finds; it needs no clock.
      if (circuit.state === 'closed' && org === undefined && !circuits.isIsolated(circuit))
        return { request, ctx, ticket: enter(circuit, 0), org }
      const now = performance.now()
      const error = check(circuit, now) ?? (org === undefined ? undefined : check(org, now))
      if (error !== undefined) return refuse(error, request, ctx)
      told(request, ctx, circuit, advance(circuit, now))
      const ticket = enter(circuit, now)
      if (org === undefined) return { request, ctx, ticket, org: undefined }
      told(request, ctx, org, advance(org, now))
      return { request, ctx, ticket, org: enter(org, now) }
    },
    isProbe: ({ ticket, org }) => ticket.leaseEndsAt !== undefined || org?.leaseEndsAt !== undefined,
    record({ request, ctx, ticket, org }, verdict) {
      const now = performance.now()
      const failure: Classification | undefined = verdict === 'neutral' ? undefined : verdict
      const trips = verdict === undefined ? 'success' : verdict === 'neutral' ? 'neutral' : verdict.trips
      told(request, ctx, ticket.circuit, settle(ticket, trips, failure, now))
      if (trips === 'failure') meet(request, ctx, ticket.circuit, now)
      if (org === undefined) return
      const orgTrips = tripsOrg(verdict)
      // A success has something to say to it only when it is not closed.
      if (orgTrips !== 'success' || org.leaseEndsAt !== undefined)
        told(request, ctx, org.circuit, settle(org, orgTrips, failure, now))
      if (orgTrips === 'failure') meet(request, ctx, org.circuit, now)
    },
  }
}
