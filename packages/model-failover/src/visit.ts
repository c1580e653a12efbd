import { createCallKey, type Call } from '@breakwater/core'

type Json = Readonly<Record<string, unknown>>

/** How one call stands with one `modelFailover`: what outlives a retry outside, and the SDK's own. */
export interface Visit {
  /** The target that was tried last; 0 is the primary. */
  at: number
  /** Whether a closed keep-alive connection has been retried. */
  isResent: boolean
  /** Whether somebody was told that the primary is cooling down. */
  isTold: boolean
  /** A body that was parsed, and what it is; `undefined` where it is no JSON object. */
  parsed: { readonly body: unknown; readonly json: Json | undefined } | undefined
}

/** By instance, and by what was asked of it: an inner one may be visited for several targets of an outer one. */
const kept = createCallKey<Map<object, Map<string, Visit>>>('model-failover.visits')

/** Whether the call has been moved, or may have been, by this instance. */
export function hasVisited(call: Call, instance: object): boolean {
  return kept.get(call)?.has(instance) === true
}

/** The visit of a call, made on first use. */
export function visitOf(call: Call, instance: object, key: string): Visit {
  const instances = kept.get(call) ?? new Map<object, Map<string, Visit>>()
  const visits = instances.get(instance) ?? new Map<string, Visit>()
  const visit = visits.get(key) ?? { at: 0, isResent: false, isTold: false, parsed: undefined }
  kept.set(call, instances.set(instance, visits.set(key, visit)))
  return visit
}

/** The JSON of a body, parsed once per call; `undefined` where it is no JSON object. */
export function jsonOf(body: unknown, visit: Visit): Json | undefined {
  if (visit.parsed?.body !== body) visit.parsed = { body, json: parse(body) }
  return visit.parsed?.json
}

function parse(body: unknown): Json | undefined {
  try {
    const text = body instanceof Uint8Array ? new TextDecoder().decode(body) : String(body)
    const json: unknown = JSON.parse(text)
    return typeof json === 'object' && json !== null && !Array.isArray(json) ? { ...json } : undefined
  } catch {
    return undefined
  }
}
