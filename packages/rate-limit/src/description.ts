import type { Description, Worst } from '@breakwater/core'
import type { Settings } from './options.ts'
import { rehearsalOf } from './rehearsal.ts'

/** What `rateLimit` says of itself for `describe`. */
export function descriptionOf(
  settings: Pick<Settings, 'maxWaitMs' | 'maxWaitToMoveMs' | 'rulesOf'>,
): Description {
  return {
    name: 'rateLimit',
    worst: (inside) => worstOf(settings, inside),
    rehearse: () => rehearsalOf(settings),
    warn: ({ outside }) =>
      outside.includes('rateLimit')
        ? '`rateLimit` inside another one: with a shared store it does nothing, else a call waits for both; remove one. See docs/choosing-an-order.md#a-second-copy'
        : undefined,
  }
}

/** Each turn may be waited for: one a pass, and one for each try of who sends again inside. */
function worstOf(
  { maxWaitMs: queueMs, maxWaitToMoveMs: queueToMoveMs }: Pick<Settings, 'maxWaitMs' | 'maxWaitToMoveMs'>,
  inside: Worst,
): Worst {
  const { maxRequests, maxWaitMs, maxWaitToMoveMs = maxWaitMs, turns = maxRequests } = inside
  return {
    ...inside,
    maxWaitMs: maxWaitMs + turns * queueMs,
    maxWaitToMoveMs: maxWaitToMoveMs + turns * Math.min(queueMs, queueToMoveMs),
  }
}
