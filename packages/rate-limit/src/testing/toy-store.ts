import { sleep } from '@breakwater/core'
import type { Facts, Lease, Need, RateLimitStore, Refusal } from '../store.ts'

interface ToyLease extends Lease {
  readonly key: string
}

/**
 * A store as one over the network would be: every answer takes `roundTripMs`, nothing is shared but plain data, and there is no queue: who has
 * to wait asks again. It counts what is under way, and obeys hints.
 */
export function toyStore(roundTripMs: number): RateLimitStore & { readonly log: string[] } {
  const inFlight = new Map<string, number>()
  const closedUntil = new Map<string, number>()
  const log: string[] = []

  function tryOnce(key: string, { rules }: Need): { waitMs: number } | undefined {
    const waitMs = (closedUntil.get(key) ?? 0) - performance.now()
    if (waitMs > 0) return { waitMs }
    const count = inFlight.get(key) ?? 0
    if (count >= rules.concurrency) return { waitMs: 50 }
    inFlight.set(key, count + 1)
    return undefined
  }

  async function acquire(key: string, need: Need): Promise<Lease | Refusal> {
    const from = performance.now()
    const refusal = { granted: false, queueLength: 0 } as const
    for (let round = 0; ; round++) {
      try {
        await sleep(roundTripMs, need.signal)
        const blocked = tryOnce(key, need)
        if (blocked === undefined) break
        const { waitMs } = blocked
        if (performance.now() - from + waitMs > need.maxWaitMs) {
          return { ...refusal, reason: 'wait', expectedWaitMs: waitMs }
        }
        if (round === 0) need.onQueue({ reason: 'concurrency', queueLength: 1, expectedWaitMs: waitMs })
        await sleep(waitMs, need.signal)
      } catch {
        return { ...refusal, reason: 'aborted', expectedWaitMs: undefined }
      }
    }
    const lease: ToyLease = { granted: true, queueLength: 0, isFirst: false, countsTokens: true, key }
    return lease
  }

  return {
    log,
    acquire,
    async settle(lease, { outcome, tokens, isOver }: Facts) {
      await sleep(roundTripMs)
      log.push(
        `${outcome ?? '-'} ${tokens === undefined ? '-' : `${tokens.input}/${tokens.output}`} ${isOver}`,
      )
      const { key } = lease as ToyLease
      if (isOver && outcome !== undefined) inFlight.set(key, (inFlight.get(key) ?? 0) - 1)
      return outcome === 'accepted' ? { limits: [{ limit: 'concurrency', value: 1 }] } : undefined
    },
    async penalise(lease, { category, retryAfterMs = 0 }) {
      await sleep(roundTripMs)
      log.push(`${category} ${retryAfterMs}`)
      closedUntil.set((lease as ToyLease).key, performance.now() + retryAfterMs)
      return { gate: 'closed', closedMs: retryAfterMs }
    },
  }
}
