import { categories } from '@breakwater/classify'
import type { Description, Place } from '@breakwater/core'
import { backoffMs, maxSpreadMs } from './backoff.ts'
import type { Settings } from './decide.ts'
import type { RetryRow } from './policy.ts'
import { rehearsalOf } from './rehearsal.ts'

/** What `jitterRetry` says of itself for `describe`. */
export function descriptionOf(settings: Settings): Description {
  return {
    name: 'jitterRetry',
    worst(inside, place) {
      const { maxRequests, maxWaitMs, maxWaitToMoveMs = maxWaitMs } = inside
      const { sentOnce = 0, turns = maxRequests } = inside
      const { retries, waitMs, waitToMoveMs, circuitWaits, circuitMs, probeMs } = mostOf(settings)
      const isOuter = givesUpInside(place)
      // Only a breaker inside refuses its tries. Then nothing is sent, and something may have been waited for all the same.
      const refusals = !isOuter && place.inside.includes('circuitBreaker') ? circuitWaits : 0
      const tries = isOuter ? 1 : 1 + retries
      // A failing probe waits as its own row says, where that is longer.
      const longerMs = refusals > 0 ? retries * Math.max(0, probeMs - circuitMs) : 0
      return {
        maxRequests: (maxRequests - sentOnce) * tries + sentOnce + resent(settings, place),
        maxWaitMs: maxWaitMs * (tries + refusals) + (isOuter ? 0 : waitMs) + refusals * circuitMs + longerMs,
        // It waits for no circuit then, and not patiently.
        maxWaitToMoveMs: maxWaitToMoveMs * tries + (isOuter ? 0 : waitToMoveMs),
        sentOnce,
        turns: turns * (tries + refusals),
      }
    },
    rehearse: () => rehearsalOf(settings),
    warn: ({ outside }) =>
      outside.includes('jitterRetry')
        ? '`jitterRetry` inside another one: when the inner one gives up, the outer one does not try again; remove one. See docs/choosing-an-order.md#a-second-copy'
        : undefined,
  }
}

const patient: ReadonlySet<string> = new Set(
  Object.entries(categories).flatMap(([category, { retry }]) => (retry === 'patient' ? category : [])),
)

/** The most that the policy can come to. */
function mostOf({ policy, mostRetries: retries, maxRetryAfterMs, jitter }: Settings): {
  retries: number
  waitMs: number
  waitToMoveMs: number
  circuitWaits: number
  circuitMs: number
  probeMs: number
} {
  const hintMs = maxRetryAfterMs + Math.ceil(Math.min(maxRetryAfterMs / 10, maxSpreadMs))
  /** Its waits in their order, each as long as it can be. */
  function waitsOf(row: RetryRow): number[] {
    let previousMs = 0
    return Array.from({ length: row.retries }, (_, index) => {
      previousMs = backoffMs({ row, index, previousMs, jitter, random: () => 1 })
      return Math.max(previousMs, hintMs)
    })
  }
  const { circuit_open: circuit, ...others } = policy
  const rows = Object.entries(others).map(([category, row]) => {
    return { isPatient: patient.has(category), waits: waitsOf(row) }
  })
  return {
    retries,
    waitMs: longestOf(
      rows.map(({ waits }) => waits),
      retries,
    ),
    waitToMoveMs: longestOf(
      rows.filter(({ isPatient }) => !isPatient).map(({ waits }) => waits),
      retries,
    ),
    circuitWaits: circuit?.retries ?? 0,
    circuitMs: circuit === undefined ? 0 : Math.max(hintMs, ...waitsOf(circuit)),
    probeMs: Math.max(
      0,
      ...Object.values(others).flatMap((row) => (row.retries > 0 ? waitsOf({ ...row, retries }) : [])),
    ),
  }
}

/** The longest sum of at most `most` waits, where of each row the first ones come first. */
export function longestOf(rows: readonly (readonly number[])[], most: number): number {
  let best = Array.from({ length: most + 1 }, () => 0)
  for (const row of rows) {
    const before = best
    best = before.map((alone, count) => {
      let longest = alone
      let sum = 0
      for (const [index, waitMs] of row.slice(0, count).entries()) {
        sum += waitMs
        longest = Math.max(longest, sum + (before[count - index - 1] ?? 0))
      }
      return longest
    })
  }
  return best[most] ?? 0
}

/** Whether what comes from inside is always given up on, or good: another `jitterRetry`, and nobody between who changes that. */
function givesUpInside({ inside }: Place): boolean {
  return inside.find((name) => name !== 'classify' && name !== 'otel') === 'jitterRetry'
}

/** A closed connection that is not sent again here is sent again by a failover outside. */
function resent({ policy, mostRetries }: Settings, { outside }: Place): number {
  const isSentHere = mostRetries > 0 && (policy.connection?.retries ?? 0) > 0
  return !isSentHere && outside.includes('modelFailover') ? 1 : 0
}
