import type {
  AdmittedEvent,
  GateEvent,
  QueuedEvent,
  QueueLeftEvent,
  QueueRejectedEvent,
} from '@breakwater/core'
import type { Attributes } from '@opentelemetry/api'
import type { Instruments } from './instruments.ts'
import { attribute } from './names.ts'
import type { Shared } from './shared.ts'

type QueueEvent = QueuedEvent | AdmittedEvent | QueueLeftEvent | QueueRejectedEvent | GateEvent

/** Counts what happens in front of a rate limit. */
export function recordQueue(event: QueueEvent, own: Instruments['own'], shared: Shared): void {
  const name = shared.queueName(event.key)
  const queue: Attributes = { [attribute.queueName]: name }
  if (!shared.queues.has(name)) {
    shared.queues.add(name)
    startAtZero(queue, own)
  }
  if (event.type === 'gate') {
    const isClosed = event.state === 'closed'
    if (isClosed) {
      own.gateClosures.add(1, {
        ...queue,
        ...(event.category !== undefined && { [attribute.category]: event.category }),
      })
    }
    if (isClosed === shared.gates.has(name)) return
    if (isClosed) shared.gates.add(name)
    else shared.gates.delete(name)
    own.gateClosed.add(isClosed ? 1 : -1, queue)
    return
  }
  if (event.type === 'queued') {
    own.queueLength.add(1, queue)
    return
  }
  if (event.type === 'queue_rejected') {
    own.queueRejections.add(1, { ...queue, [attribute.reason]: event.reason })
  }
  // A call that was refused at the door has not stood in the queue.
  if (event.waitMs === undefined) return
  own.queueLength.add(-1, queue)
  own.queueWait.record(event.waitMs / 1000, { ...queue, [attribute.queueEnd]: ends[event.type] })
}

/** A counter that is born at its first error has no rate. */
function startAtZero(queue: Attributes, own: Instruments['own']): void {
  for (const reason of reasons) own.queueRejections.add(0, { ...queue, [attribute.reason]: reason })
  for (const category of causes) own.gateClosures.add(0, { ...queue, [attribute.category]: category })
}

const reasons = ['queue_full', 'max_wait', 'deadline'] as const satisfies QueueRejectedEvent['reason'][]
const causes = ['rate_limit', 'overloaded'] as const
const ends = { admitted: 'admitted', queue_left: 'aborted', queue_rejected: 'rejected' } as const
