import type { Category, Classification } from '@breakwater/classify'
import type { RetryEvent, RetryExhaustedEvent } from '@breakwater/core'
import { aboveFloorMs, backoffMs, type Jitter } from './backoff.ts'
import { isOnce, type RetryPolicy } from './policy.ts'
import type { RetryBudget } from './retry-budget.ts'

/** The checked options that decide. */
export interface Settings {
  readonly policy: RetryPolicy
  /** The most retries of one call that go upstream. */
  readonly mostRetries: number
  readonly budget: RetryBudget | undefined
  readonly maxRetryAfterMs: number
  readonly jitter: Jitter
  readonly random: () => number
}

/** What one call has used up. */
export interface Tally {
  /** Retries by category; for an open circuit the waits. */
  readonly made: Map<Category, number>
  /** Categories whose one retry of a narrower verdict has been made. */
  readonly once: Set<Category>
  /** The last wait of each category in milliseconds. */
  readonly lastMs: Map<Category, number>
  /** Retries so far, waits for a circuit included. */
  retries: number
  /** Tries that went upstream, the first included. */
  sent: number
  /** The largest allowance met: no more retries than that go upstream. */
  cap: number
  /** Whether a closed keep-alive connection has been retried, and so `cap` counts one more. */
  freed: boolean
  /** Whether the last retry was paid for from the budget. */
  charged: boolean
  /** What it has waited between its tries, in milliseconds. */
  waitedMs: number
  /** How often the SDK has retried the call, and so counts one of the tries itself. */
  resumed: number
}

/** What else bears on a decision. */
export interface Circumstances {
  readonly isReplayable: boolean
  /** Whether the failure is a closed keep-alive connection. */
  readonly isStale: boolean
  /** Whether a failover outside of us still has a target. */
  readonly hasTarget: boolean
  /** Time to the deadline in milliseconds. */
  readonly remainingMs: number
  /** Time for which the circuit of the try is open after its failure, in milliseconds; `undefined` where it is not. */
  readonly openMs: number | undefined
}

/** To wait and send again; or to stop, for no reason to tell where a failover goes on. */
export type Decision =
  | { readonly retry: true; readonly waitMs: number; readonly reason: RetryEvent['reason'] }
  | { readonly retry: false; readonly reason: RetryExhaustedEvent['reason'] | undefined }

/** Nothing used up. */
export function newTally(): Tally {
  return {
    made: new Map(),
    once: new Set(),
    lastMs: new Map(),
    retries: 0,
    sent: 0,
    cap: 0,
    freed: false,
    charged: false,
    waitedMs: 0,
    resumed: 0,
  }
}

/** Decides on a failure that may be retried, and enters a retry in the tally and the budget. */
export function decide(
  failure: Classification,
  circumstances: Circumstances,
  tally: Tally,
  settings: Settings,
): Decision {
  const { isReplayable, isStale, hasTarget, remainingMs } = circumstances
  const { retry, fault, failover } = failure
  const { policy, mostRetries, budget, maxRetryAfterMs, jitter, random } = settings
  const openMs = waitsForCircuit(failure, circumstances, policy) ? circumstances.openMs : undefined
  const category = openMs === undefined ? failure.category : 'circuit_open'
  const floorMs = openMs === undefined ? failure.retryAfterMs : Math.max(openMs, failure.retryAfterMs ?? 0)
  const isCircuit = category === 'circuit_open'
  const row = policy[category]
  if (row === undefined) return stop('attempts')
  const once = isOnce(failure)
  const allowed = once ? Math.min(1, row.retries) : row.retries
  const made = tally.made.get(category) ?? 0
  const isSpent = made >= row.retries || (once && tally.once.has(category))
  if (openMs !== undefined) tally.cap = mostRetries
  else if (!isCircuit) tally.cap = Math.max(tally.cap, allowed)
  // Nothing is sent while a circuit is open: its waits end with their own number.
  const cap = isCircuit ? mostRetries : Math.min(mostRetries, tally.cap + (tally.freed ? 1 : 0))
  const isFree = isStale && !tally.freed && allowed > 0 && tally.sent <= mostRetries

  if (!isFree && (isSpent || tally.sent > cap)) return stop('attempts')
  if (!isReplayable) return stop('not_replayable')
  if (isFree && remainingMs > 0) {
    tally.freed = true
    tally.charged = false
    tally.retries++
    return { retry: true, waitMs: 0, reason: 'stale_socket' }
  }
  // Either back off long or go elsewhere, never both in a row.
  if (hasTarget && failover && (isCircuit || retry === 'patient')) return stop(undefined)
  if (floorMs !== undefined && floorMs > maxRetryAfterMs) return stop('hint_too_long')

  const previousMs = tally.lastMs.get(failure.category) ?? 0
  // Who probes a circuit alone, time and again, has to last as long as its own row would.
  const own = openMs === undefined ? row : (policy[failure.category] ?? row)
  const index = openMs === undefined ? made : tally.sent - 1
  const isTold = failure.category === 'circuit_open' && floorMs !== undefined
  const ownMs = isTold ? 0 : backoffMs({ row: own, index, previousMs, jitter, random })
  const hintMs = floorMs === undefined ? 0 : aboveFloorMs(floorMs, random)
  const waitMs = Math.max(ownMs, hintMs)
  if (waitMs >= remainingMs) return stop('deadline')

  const isCharged = budget !== undefined && !isCircuit && (fault === 'provider' || fault === 'network')
  if (isCharged && !budget.take()) return stop('budget')
  tally.charged = isCharged
  tally.retries++
  tally.made.set(category, made + 1)
  if (once) tally.once.add(category)
  tally.lastMs.set(failure.category, ownMs)
  return { retry: true, waitMs, reason: reasonOf(isCircuit, hintMs > ownMs) }
}

/**
 * Whether a failure that has left its circuit open waits for it, as a refusal would: the breaker limits what goes upstream then,
 * and no row or budget of the category needs to. What may have been billed, or is retried once at most, keeps to its own row.
 */
function waitsForCircuit(
  failure: Classification,
  { openMs, isStale, hasTarget }: Circumstances,
  policy: RetryPolicy,
): boolean {
  if (openMs === undefined || isStale || failure.replay !== 'safe' || isOnce(failure)) return false
  if (hasTarget && !failure.failover) return false
  const { circuit_open: circuit, [failure.category]: own } = policy
  return (own?.retries ?? 0) > 0 && (circuit?.retries ?? 0) > 0
}

function reasonOf(isCircuit: boolean, isHinted: boolean): RetryEvent['reason'] {
  if (isCircuit) return 'circuit'
  return isHinted ? 'server_hint' : 'backoff'
}

function stop(reason: RetryExhaustedEvent['reason'] | undefined): Decision {
  return { retry: false, reason }
}
