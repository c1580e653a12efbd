import { classifyRehearsed } from '@breakwater/classify'
import type { RehearsedMiddleware } from '@breakwater/core'
import { decide, newTally, type Settings } from './decide.ts'

/** `jitterRetry` in miniature: it decides as the real one does, with a full budget, and draws the longest waits. */
export function rehearsalOf(settings: Settings): RehearsedMiddleware {
  const longest: Settings = { ...settings, budget: undefined, random: () => 1 }
  return (rehearsal, next) => {
    const hasTarget = rehearsal.targetsLeft > 0
    const tally = newTally()
    let before = rehearsal.requests
    let result = next()
    for (;;) {
      const failure = classifyRehearsed(result)
      if (failure === undefined || result.kind !== 'failure' || result.isFinal === true) return result
      if (failure.category !== 'circuit_open' || rehearsal.requests > before) tally.sent++
      if (failure.retry === 'never') return { ...result, isFinal: true }
      const remainingMs = rehearsal.deadlineMs - rehearsal.nowMs
      const decision = decide(
        failure,
        { isReplayable: true, isStale: false, hasTarget, remainingMs },
        tally,
        longest,
      )
      if (!decision.retry) return { ...result, isFinal: true }
      rehearsal.release(result)
      rehearsal.wait(decision.waitMs)
      before = rehearsal.requests
      result = rehearsal.renew() ?? next()
    }
  }
}
