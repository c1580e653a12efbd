import { boundedResponse, carryClassification } from '@breakwater/classify'
import { isResponse, markLocal } from '@breakwater/core'

interface Shared {
  /** Failures that were made final so far. */
  count: number
  /** What the count was when an object was made final the last time. */
  readonly order: WeakMap<object, number>
}

// On the global object, so that two installed copies do not multiply.
const name: unique symbol = Symbol.for('breakwater.jitter-retry/1')
const globals = globalThis as { [name]?: Shared }
const finals: Shared = (globals[name] ??= { count: 0, order: new WeakMap() })

/** How many failures were made final so far: what {@link isFinal} asks for. */
export function finalsSoFar(): number {
  return finals.count
}

/**
 * Whether a `jitterRetry` inside has given up on this response or error during a try, before which `finalsBefore` were
 * final. An error object may come again, in another call: then it is not.
 */
export function isFinal(outcome: unknown, finalsBefore: number): boolean {
  return isObject(outcome) && (finals.order.get(outcome) ?? 0) > finalsBefore
}

/** Gives a failure to the caller; `isRepeated` where no upstream request has made it. */
export type Final = (isRepeated?: boolean) => Promise<Response>

/** Passes a failure on as it is. */
export async function pass(outcome: unknown): Promise<Response> {
  if (isResponse(outcome)) return boundedResponse(outcome)
  throw outcome
}

/**
 * Makes a failure final: the very error, or a copy of the response whose `x-should-retry: false` keeps the SDK from
 * retrying.
 */
export async function finalOf(outcome: unknown): Promise<Final> {
  const make = isResponse(outcome) ? await stamped(boundedResponse(outcome)) : undefined
  return async (isRepeated = false) => {
    const final = make === undefined ? outcome : make()
    if (isObject(final)) {
      finals.order.set(final, ++finals.count)
      if (isRepeated) markLocal(final)
    }
    return pass(final)
  }
}

async function stamped(response: Response): Promise<() => Response> {
  // Somebody inside has read it, and whoever reads it next says so.
  if (response.bodyUsed || response.body?.locked === true) return () => response
  const { status, statusText } = response
  const headers = new Headers(response.headers)
  headers.set('x-should-retry', 'false')
  const body = response.body === null ? null : await response.arrayBuffer()
  return () =>
    carryClassification(response, new Response(body, { status, statusText, headers }), { retry: 'never' })
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null
}
