import type { Lease, Need, Refusal, TokenCount } from './store.ts'

/** A call that waits for its turn. */
export interface Waiter {
  /** Whose is lower goes first. */
  readonly rank: number
  readonly need: Need
  tokens: TokenCount
  readonly since: number
  /** When it has waited for as long as it can. */
  readonly expiresAt: number
  readonly settle: (outcome: Lease | Refusal) => void
  onAbort: (() => void) | undefined
  timer: ReturnType<typeof setTimeout> | undefined
}

/** By so much a call goes ahead of those whose priority is lower by one: after that long, nobody overtakes it any more. */
export const agingMs = 10_000

/** What a waiter is sorted by: when it came, and earlier for each step of its priority. */
export function rankOf(now: number, priority: number): number {
  return now - priority * agingMs
}

/** Puts a waiter in its place: behind those of the same rank. */
export function insert(queue: Waiter[], waiter: Waiter): void {
  queue.splice(placeOf(queue, waiter.rank), 0, waiter)
}

/** How many go ahead of one who comes now. */
export function placeOf(queue: readonly Waiter[], rank: number): number {
  let low = 0
  let high = queue.length
  // Nearly all go to the end.
  if ((queue[high - 1]?.rank ?? -Infinity) <= rank) return high
  while (low < high) {
    const middle = (low + high) >> 1
    if ((queue[middle]?.rank ?? Infinity) <= rank) low = middle + 1
    else high = middle
  }
  return low
}
