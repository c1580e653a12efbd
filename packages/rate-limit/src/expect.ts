import { gateWaitMs } from './gate.ts'
import type { LimitName } from './headers.ts'
import { amountOf } from './known-limits.ts'
import { flow, usualWaitMs } from './limit.ts'
import { paceOf, recoveryOf, slotsOf, type Limiter } from './limiter.ts'
import { expectedPaceMs } from './pace.ts'
import type { Rules, TokenCount } from './store.ts'

/** So many places must have been held before the wait for one is guessed. */
const leastHolds = 5

/** Those who go first. */
export interface Ahead {
  calls: number
  input: number
  output: number
}

/** How long a call would wait behind those, in milliseconds, by what is known now. */
export function expectedMs(
  limiter: Limiter,
  rules: Rules,
  tokens: TokenCount,
  ahead: Ahead,
  now: number,
): number {
  const { gate, limits, holds } = limiter
  const gateMs = gate.state === 'open' ? 0 : gateWaitMs(gate, now)
  const pace = paceOf(limiter, now)
  let ms = gateMs + (pace === undefined ? 0 : expectedPaceMs(pace, ahead.calls))
  const recovery = recoveryOf(limiter, now)
  if (recovery !== undefined) ms = Math.max(ms, expectedPaceMs(recovery, ahead.calls))
  for (const limit of limits) {
    flow(limit, now)
    ms = Math.max(ms, usualWaitMs(limit, amountOf(limit.name, tokens), aheadOf(limit.name, ahead)))
  }
  const slots = slotsOf(limiter, rules, now)
  const behind = limiter.inFlight + ahead.calls + 1 - slots
  if (behind > 0 && holds >= leastHolds) ms = Math.max(ms, (behind * limiter.holdMs) / slots)
  return ms
}

function aheadOf(name: LimitName, { calls, input, output }: Ahead): number {
  return name === 'requests' ? calls : amountOf(name, { input, output })
}
