import type { BreakerStateEvent, BreakwaterEvent } from '@breakwater/core'
import type { TimedEvent } from './side.ts'

/** What Breakwater holds of a model. */
export type Standing = 'in use' | 'cooling down' | 'circuit open' | 'probing'

/** A stretch of one standing, in milliseconds. */
export interface Stretch {
  readonly standing: Standing
  readonly from: number
  readonly to: number
}

/** How a model stood over time: its cooldowns by `modelFailover`, and its circuit. */
export function standings(events: readonly TimedEvent[], model: string, untilMs: number): readonly Stretch[] {
  const stretches: Stretch[] = []
  let since = 0
  let circuit = 'closed'
  let cooldown = 'ended'
  let standing: Standing = 'in use'
  const change = (at: number): void => {
    const next = standingOf(circuit, cooldown)
    if (next === standing) return
    stretches.push({ standing, from: since, to: at })
    standing = next
    since = at
  }
  for (const { at, event } of events) {
    if (isCircuitOf(event, model)) circuit = event.to
    else if (event.type === 'cooldown' && event.target === model) cooldown = event.state
    else continue
    change(at)
  }
  stretches.push({ standing, from: since, to: untilMs })
  return stretches
}

/** The state of a model's circuit now. */
export function circuitOf(events: readonly TimedEvent[], model: string): string {
  const last = events.findLast(({ event }) => isCircuitOf(event, model))?.event
  return last?.type === 'breaker_state' ? last.to.replace('_', ' ') : 'closed'
}

function isCircuitOf(event: BreakwaterEvent, model: string): event is BreakerStateEvent {
  return event.type === 'breaker_state' && event.key.endsWith(` ${model}`)
}

function standingOf(circuit: string, cooldown: string): Standing {
  if (circuit === 'open') return 'circuit open'
  if (circuit === 'half_open' || cooldown === 'probing') return 'probing'
  return cooldown === 'started' ? 'cooling down' : 'in use'
}
