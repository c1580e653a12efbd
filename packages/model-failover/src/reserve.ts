import type { Call } from '@breakwater/core'

/** How much of the time that is left an earlier target may use: what is not kept for the next, which is at most half. */
export function shareMs(leftMs: number, reserveMs: number): number {
  return leftMs - Math.min(reserveMs, leftMs / 2)
}

/**
 * Lowers the deadline of a call to that share, so that a retry inside plans with it. Returns how to take that back;
 * `undefined` where no deadline lies ahead.
 */
export function lowerDeadline(call: Call, reserveMs: number): (() => void) | undefined {
  const { deadline } = call
  const now = performance.now()
  if (deadline === undefined || deadline <= now) return undefined
  const lowered = now + shareMs(deadline - now, reserveMs)
  call.deadline = lowered
  return () => {
    // A `timeout` inside may have found an earlier one.
    if (call.deadline === lowered) call.deadline = deadline
  }
}
