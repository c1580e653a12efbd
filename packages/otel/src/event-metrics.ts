import type { BreakerStateEvent, BreakwaterEvent, CooldownEvent } from '@breakwater/core'
import type { Attributes } from '@opentelemetry/api'
import { recordQueue } from './queue-metrics.ts'
import { modelLabel } from './call-request.ts'
import type { Instruments } from './instruments.ts'
import { attribute } from './names.ts'
import type { Shared } from './shared.ts'

/** Counts an event, whichever call it came of. */
export function recordEvent(
  event: BreakwaterEvent,
  own: Instruments['own'],
  shared: Shared,
  nameOf: (model: string) => string,
): void {
  switch (event.type) {
    case 'retry':
      own.retryWait.record(event.waitMs / 1000, {
        ...modelLabel(event.model && nameOf(event.model)),
        [attribute.waitSource]: event.reason,
        [attribute.category]: event.category,
      })
      break
    case 'retry_exhausted':
      own.retryExhausted.add(1, { [attribute.reason]: event.reason })
      break
    case 'timeout':
      own.timeouts.add(1, { [attribute.limit]: event.limit })
      break
    case 'breaker_state':
      recordTransition(event, own, shared)
      break
    case 'breaker_rejected':
      own.breakerRejections.add(1, { [attribute.breakerName]: shared.circuitName(event.key) })
      break
    case 'failover':
      own.failoverSwitches.add(1, {
        [attribute.failoverFrom]: shared.targetName(event.from),
        [attribute.failoverTo]: shared.targetName(event.to),
        [attribute.category]: event.category,
      })
      break
    case 'failover_exhausted':
      own.failoverExhausted.add(1)
      break
    case 'cooldown':
      recordCooldown(event, own, shared)
      break
    case 'stream_committed':
      own.streamHold.record(event.heldMs / 1000, {
        ...modelLabel(event.model && nameOf(event.model)),
        [attribute.reason]: event.reason,
      })
      break
    case 'stream_interrupted':
      own.streamInterruptions.add(1, {
        [attribute.reason]: event.reason,
        [attribute.committed]: event.committed,
      })
      break
    case 'queued':
    case 'admitted':
    case 'queue_left':
    case 'queue_rejected':
    case 'gate':
      recordQueue(event, own, shared)
      break
    default:
    // A failure of an attempt is in its own metric, and limits are in those of the headroom.
  }
}

function recordTransition(event: BreakerStateEvent, own: Instruments['own'], shared: Shared): void {
  const { from, to, reason } = event
  const name = shared.circuitName(event.key)
  const breaker: Attributes = { [attribute.breakerName]: name }
  // A circuit that is forgotten while it is open comes back closed: what counts is what was said of it last.
  const last = shared.circuits.get(name)
  if (last === undefined) own.breakerRejections.add(0, breaker)
  if (last !== to) {
    if (last !== undefined) own.breakerState.add(-1, { ...breaker, [attribute.breakerState]: last })
    own.breakerState.add(1, { ...breaker, [attribute.breakerState]: to })
    shared.circuits.set(name, to)
  }
  own.breakerTransitions.add(1, {
    ...breaker,
    [attribute.breakerFrom]: from,
    [attribute.breakerState]: to,
    [attribute.reason]: reason,
  })
}

function recordCooldown(event: CooldownEvent, own: Instruments['own'], shared: Shared): void {
  const { state, category, cooldownMs } = event
  const name = shared.targetName(event.target)
  const target: Attributes = { [attribute.cooldownTarget]: name }
  if (state === 'started') {
    if (cooldownMs !== undefined)
      own.cooldownDuration.record(cooldownMs / 1000, {
        ...target,
        ...(category !== undefined && { [attribute.category]: category }),
      })
    if (!shared.cooling.has(name)) own.cooldownActive.add(1, target)
    shared.cooling.add(name)
  } else if (state === 'ended' && shared.cooling.delete(name)) {
    own.cooldownActive.add(-1, target)
  }
}
