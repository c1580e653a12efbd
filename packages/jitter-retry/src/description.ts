import type { Description } from '@breakwater/core'
import { maxSpreadMs } from './backoff.ts'
import type { Settings } from './decide.ts'
import { longestWaitMs } from './policy.ts'

/** What `jitterRetry` says of itself for `describe`. */
export function descriptionOf({ policy, mostRetries: retries, maxRetryAfterMs }: Settings): Description {
  const { circuit_open: circuit, ...rows } = policy
  const circuitWaits = circuit?.retries ?? 0
  const hintMs = maxRetryAfterMs + Math.min(maxRetryAfterMs / 10, maxSpreadMs)
  const retryMs = Math.max(hintMs, ...Object.values(rows).map(longestWaitMs))
  const circuitMs = Math.max(hintMs, circuit === undefined ? 0 : longestWaitMs(circuit))
  return {
    name: 'jitterRetry',
    worst: ({ maxRequests, maxWaitMs }) => ({
      maxRequests: maxRequests * (1 + retries),
      // A try that meets an open circuit sends nothing, and may have waited for that inside.
      maxWaitMs: maxWaitMs * (1 + retries + circuitWaits) + retries * retryMs + circuitWaits * circuitMs,
    }),
    warn: ({ outside }) =>
      outside.includes('jitterRetry')
        ? '`jitterRetry` inside another one: when the inner one gives up, the outer one does not try again; remove one.'
        : undefined,
  }
}
