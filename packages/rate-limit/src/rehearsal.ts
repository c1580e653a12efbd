import { classifyRehearsed } from '@breakwater/classify'
import type { Rehearsal, Rehearsed, RehearsedHold, RehearsedMiddleware } from '@breakwater/core'
import { expectedMs } from './expect.ts'
import { headWatchMs } from './line.ts'
import { admit, blockedMs, createLimiter, type Limiter, type MemoryLease } from './limiter.ts'
import type { Settings } from './options.ts'
import { penaliseLease, settleLease } from './settle.ts'
import type { Rules } from './store.ts'

/** `rateLimit` in miniature: one call, which has the limits of a fresh memory for itself. */
export function rehearsalOf({
  maxWaitMs,
  maxWaitToMoveMs,
  rulesOf,
}: Pick<Settings, 'maxWaitMs' | 'maxWaitToMoveMs' | 'rulesOf'>): RehearsedMiddleware {
  const limiters = new Map<string, Limiter>()

  return (rehearsal, next) => {
    const longestMs = (): number =>
      Math.min(maxWaitMs, rehearsal.targetsLeft > 0 ? maxWaitToMoveMs : Infinity)
    const turn = turnOf(rehearsal, longestMs, (key, model) => {
      const rules = rulesOf(model)
      const limiter = limiters.get(key) ?? createLimiter(key, rules, rehearsal.nowMs)
      limiters.set(key, limiter)
      return { limiter, rules }
    })
    const refusal = turn.renew()
    if (refusal !== undefined) return refusal
    const result = rehearsal.hold(turn, next)
    turn.release(result)
    return result
  }
}

/** Nobody knows how many tokens a call will use. */
const noTokens = { input: 0, output: 0 }
const nobody = { calls: 0, input: 0, output: 0 }

/** The lease of a call, given back and taken anew. */
function turnOf(
  rehearsal: Rehearsal,
  longestMs: () => number,
  find: (key: string, model: string) => { limiter: Limiter; rules: Rules },
): RehearsedHold {
  let lease: MemoryLease | undefined
  let requests = rehearsal.requests

  return {
    release(result) {
      if (lease === undefined) return
      const now = rehearsal.nowMs
      const failure = classifyRehearsed(result)
      const category = failure?.category
      if (category === 'overloaded' || (category === 'rate_limit' && failure?.status === 429)) {
        const retryAfterMs = category === 'rate_limit' ? failure?.retryAfterMs : undefined
        penaliseLease(lease, { category, retryAfterMs }, now)
      }
      const isUnsent = rehearsal.requests === requests
      const outcome = failure === undefined ? 'accepted' : isUnsent ? 'unsent' : 'failed'
      settleLease(lease, { outcome, isOver: true }, now)
      lease = undefined
    },
    renew() {
      const { origin, model } = rehearsal.target
      const key = `${origin} ${model}`
      if (lease?.limiter.key === key) return undefined
      if (lease !== undefined) settleLease(lease, { outcome: 'unsent', isOver: true }, rehearsal.nowMs)
      lease = undefined
      requests = rehearsal.requests
      const { limiter, rules } = find(key, model)
      const waitUntil = rehearsal.nowMs + Math.min(longestMs(), rehearsal.deadlineMs - rehearsal.nowMs)
      for (;;) {
        const now = rehearsal.nowMs
        const ms = blockedMs(limiter, rules, noTokens, now)
        if (ms <= 0) break
        const expected = expectedMs(limiter, rules, noTokens, nobody, now)
        if (now + expected > waitUntil) return refused
        // A pace that grows meanwhile lets it go sooner than it looks.
        rehearsal.wait(Math.ceil(Math.min(ms, Math.max(expected, headWatchMs))))
      }
      lease = admit(limiter, rules, noTokens, rehearsal.nowMs)
      return undefined
    },
  }
}

/** Nobody sends again for it: the queue will be as long. */
const refused: Rehearsed = { kind: 'failure', category: 'rate_limit', isFinal: true }
