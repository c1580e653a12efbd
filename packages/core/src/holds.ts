import { createCallKey, type Call } from './call.ts'
import type { MiddlewareRequest } from './middleware.ts'

/**
 * What a call holds of somebody outside of whoever sends again: a slot of `rate-limit`. It is given back when a try has
 * failed, so that nobody holds it while waiting, and taken again before the next one.
 */
export interface Hold {
  /** The try is over and came to `outcome`, a failing response or an error. Without effect while nothing is held. */
  release(outcome: unknown): Promise<void>
  /**
   * Waits for a turn to send `request`; at once where it holds one for it. Rejects with the error of whoever limits the
   * call, or on an abort with the signal's reason.
   */
  renew(request: MiddlewareRequest): Promise<void>
}

const held = createCallKey<Hold[]>('core.holds')

/** Tells whoever sends again inside that the call holds something; `removeHold` when `next` has settled. */
export function addHold(call: Call, hold: Hold): void {
  const holds = held.get(call)
  if (holds === undefined) held.set(call, [hold])
  else holds.push(hold)
}

/** Ends what {@link addHold} began. */
export function removeHold(call: Call, hold: Hold): void {
  const holds = held.get(call)
  const index = holds?.lastIndexOf(hold) ?? -1
  if (index >= 0) holds?.splice(index, 1)
}

/** Gives back all that the call holds, after a try that came to `outcome` and before another one. */
export async function releaseHolds(call: Call, outcome: unknown): Promise<void> {
  for (const hold of [...(held.get(call) ?? [])].toReversed()) await hold.release(outcome)
}

/**
 * Takes a turn for `request` with everybody outside who limits the call.
 *
 * @returns the wait in milliseconds; `undefined`, and no promise, where nobody does.
 */
export function renewHolds(call: Call, request: MiddlewareRequest): Promise<number> | undefined {
  const holds = held.get(call)
  return holds === undefined || holds.length === 0 ? undefined : renewAll([...holds], request)
}

async function renewAll(holds: readonly Hold[], request: MiddlewareRequest): Promise<number> {
  const from = performance.now()
  for (const hold of holds) await hold.renew(request)
  return performance.now() - from
}
