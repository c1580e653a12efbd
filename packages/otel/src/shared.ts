import type { BreakwaterEvent } from '@breakwater/core'
import type { MeterProvider } from '@opentelemetry/api'
import { bounded } from './bounded.ts'

/** What all that write to one meter provider have to agree on, of all installed copies: an event is counted once. */
export interface Shared {
  readonly told: WeakSet<BreakwaterEvent>
  /** The state that each circuit was last seen in, by its label. */
  readonly circuits: Map<string, string>
  /** Targets that are left alone, by label. */
  readonly cooling: Set<string>
  /** Queues that were heard of, by label. */
  readonly queues: Set<string>
  /** Queues whose gate is closed, by label. */
  readonly gates: Set<string>
  readonly queueName: (key: string) => string
  readonly circuitName: (key: string) => string
  readonly targetName: (target: string) => string
}

/** How many circuits, queues and targets are told apart. */
const maxCircuits = 200
const maxQueues = 200
const maxTargets = 50

const key: unique symbol = Symbol.for('breakwater.otel/1')
const globals = globalThis as { [key]?: WeakMap<MeterProvider, Shared> }
const byProvider: WeakMap<MeterProvider, Shared> = (globals[key] ??= new WeakMap())

/** What is shared by all that write to this meter provider. */
export function sharedOf(provider: MeterProvider): Shared {
  const known = byProvider.get(provider)
  if (known !== undefined) return known
  const shared: Shared = {
    told: new WeakSet(),
    circuits: new Map(),
    cooling: new Set(),
    queues: new Set(),
    gates: new Set(),
    queueName: bounded(maxQueues),
    circuitName: bounded(maxCircuits),
    targetName: bounded(maxTargets),
  }
  byProvider.set(provider, shared)
  return shared
}
