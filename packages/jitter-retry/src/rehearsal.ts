import { classifyRehearsed } from '@breakwater/classify'
import type { Rehearsal, RehearsedMiddleware } from '@breakwater/core'
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
      const openMs = openMsOf(rehearsal, before)
      const decision = decide(
        failure,
        { isReplayable: true, isStale: false, hasTarget, remainingMs, openMs },
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

/** For how long the circuit of a try that has failed is open after that. */
function openMsOf({ fault, openCircuit, requests, nowMs }: Rehearsal, before: number): number | undefined {
  // What a guard makes of a stream that breaks may have been billed: it waits for no circuit.
  if (fault === 'stream_cut_early' || openCircuit === undefined) return undefined
  const isOfThisTry = openCircuit.requests === requests && requests === before + 1
  return isOfThisTry && openCircuit.untilMs > nowMs ? openCircuit.untilMs - nowMs : undefined
}
