import { circuitBreaker } from '@breakwater/circuit-breaker'
import { classify } from '@breakwater/classify'
import type { Middleware } from '@breakwater/core'
import { jitterRetry } from '@breakwater/jitter-retry'
import { modelFailover } from '@breakwater/model-failover'
import { rateLimit } from '@breakwater/rate-limit'
import { streamGuard } from '@breakwater/stream-guard'
import { timeout } from '@breakwater/timeout'
import { fallback } from '../orders/fault.ts'
import { observer, type Part } from '../orders/stack.ts'
import type { Dice } from './dice.ts'

/** After this a call with a `timeout` in its stack is over. */
export const totalMs = 300_000

/** Any of the packages, in any order, some of them twice, with one option or another. */
export function anyStack(dice: Dice): {
  readonly order: readonly Part[]
  readonly stack: readonly Middleware[]
} {
  const make: Record<Part, () => Middleware> = {
    classify: () => classify(),
    retry: () => jitterRetry({ random: dice.next, maxRetryAfterMs: dice.pick([0, 60_000, 600_000]) }),
    breaker: () => circuitBreaker({ volumeThreshold: dice.pick([1, 3, 10]), probes: dice.pick([1, 2]) }),
    failover: () => modelFailover({ to: [fallback], cooldownMs: dice.pick([0, 1000, 30_000]) }),
    otel: () => observer,
    guard: () =>
      streamGuard({
        commit: dice.pick(['content', 'message_start', 'headers']),
        maxPreambleMs: dice.pick([0, 5000, 30_000]),
      }),
    timeout: () => timeout({ attemptMs: 20_000, firstTokenMs: 30_000, idleMs: 10_000, totalMs }),
    rateLimit: () => rateLimit({ concurrency: dice.pick([1, 2, 50]), maxQueue: dice.pick([0, 2, 1000]) }),
  }
  const order: Part[] = []
  for (const part of Object.keys(make) as Part[]) {
    for (let copies = dice.below(8); copies > 2; copies -= 4)
      order.splice(dice.below(order.length + 1), 0, part)
  }
  return { order, stack: order.map((part) => make[part]()) }
}
