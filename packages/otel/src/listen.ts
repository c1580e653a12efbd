import { onEvent, type BreakwaterEvent, type Call, type EventListener } from '@breakwater/core'
import { stateOf, type Owner } from './call-state.ts'
import { recordEvent } from './event-metrics.ts'
import { recordLedger } from './ledger.ts'
import { sharedOf } from './shared.ts'
import type { Telemetry } from './telemetry.ts'

const statesOfAll: ReadonlySet<BreakwaterEvent['type']> = new Set(['breaker_state', 'cooldown', 'gate'])

/** Ends the listening for instances that were collected before another event came. */
const gone = new FinalizationRegistry<() => void>((stop) => stop())

/** Counts events with the telemetry of one instance; `self` is what keeps its calls. */
export function createHearing(telemetry: Telemetry, self: () => Owner): EventListener {
  const { settings, instruments, provider, guard } = telemetry
  return (event, call) =>
    guard(call?.ctx, () => {
      const state = call && stateOf(call)
      // By now whoever tells of a failure has found out what it is.
      if (call !== undefined && state?.owner === self()) recordLedger(telemetry, call, state)
      const made = instruments()
      if (made === undefined || isOfOthers(event, state?.owner)) return
      const shared = sharedOf(provider())
      if (shared.told.has(event)) return
      shared.told.add(event)
      recordEvent(event, made.own, shared, settings.nameOf)
    })

  /** Of a call that somebody else writes down elsewhere. The state of a circuit, a target or a gate concerns all. */
  function isOfOthers({ type }: BreakwaterEvent, other: Owner | undefined): boolean {
    if (other === undefined || statesOfAll.has(type)) return false
    return other.provider() !== provider()
  }
}

/** Lets an instance hear all events for as long as it lives: what is registered does not keep it. */
export function listen(owner: Owner): void {
  const ref = new WeakRef(owner)
  const stop = onEvent((event, call) => tell(ref, event, call))
  gone.register(owner, stop)
}

function tell(ref: WeakRef<Owner>, event: BreakwaterEvent, call: Call | undefined): void {
  ref.deref()?.hear(event, call)
}
