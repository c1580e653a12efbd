import { emit, wake, type BreakerStateEvent, type Call } from '@breakwater/core'
import { close, createCircuit, stateOf, type Circuit, type CircuitSettings } from './circuit.ts'
import { circuitOf, snapshotOf, type CircuitBreakerSnapshot } from './snapshot.ts'

/** All circuits of one breaker. */
export interface Circuits {
  /** The circuit of a key, made on first use; the least recently used one makes room for it. */
  of(key: string, isOrg: boolean): Circuit
  /** Whether somebody has isolated a circuit. */
  isIsolated(circuit: Circuit): boolean
  /** Isolates one circuit, or all, also those to come. */
  isolate(key: string | undefined): void
  /** Closes one circuit, or all, and forgets what it has seen. */
  reset(key: string | undefined): void
  /** All circuits as data. */
  snapshot(): CircuitBreakerSnapshot
}

/** What the circuits of a breaker have in common. */
export interface CircuitsSettings {
  readonly circuit: CircuitSettings
  readonly maxCircuits: number
  readonly restore: CircuitBreakerSnapshot | undefined
  readonly onStateChange: ((event: BreakerStateEvent) => void) | undefined
}

/** Tells everybody of a change of state. */
export function tell(
  call: Call | undefined,
  { key, failure }: Circuit,
  { from, to, reason, openMs }: Omit<BreakerStateEvent, 'type' | 'key' | 'category'>,
  onStateChange: CircuitsSettings['onStateChange'],
): void {
  const category = to === 'open' ? failure?.category : undefined
  emit(call, { type: 'breaker_state', key, from, to, reason, category, openMs }, onStateChange)
}

/**
 * Lets the calls that wait for a circuit come back: sooner than others arrive, as those who would stand in line for longer than
 * their callers wait would come in vain, but not by much.
 */
export function wakeAll({ key, perSecond }: Circuit): void {
  if (perSecond === undefined) wake(key)
  else wake(key, Math.max(leastPerSecond, perSecond * overRate))
}

const overRate = 1.75
/** Of a quiet service nobody has to wait for a turn. */
const leastPerSecond = 10

/** Circuits in bounded maps. */
export function createCircuits({
  circuit: settings,
  maxCircuits,
  restore,
  onStateChange,
}: CircuitsSettings): Circuits {
  const models = new Map<string, Circuit>()
  const orgs = new Map<string, Circuit>()
  let isAllIsolated = restore?.isolated ?? false
  /** Keys for which that is the other way round. Apart from the circuits: nothing may push out what somebody has said. */
  const exceptions = new Set(restore?.exceptions)
  let uses = 0
  // One failure is enough to open it: whatever is wrong is wrong for every call.
  const orgSettings = { ...settings, volumeThreshold: 0, errorThresholdPercentage: 0 }

  function add(circuit: Circuit): Circuit {
    const circuits = circuit.isOrg ? orgs : models
    if (circuits.size >= maxCircuits) drop(circuits)
    circuits.set(circuit.key, circuit)
    circuit.usedAt = ++uses
    return circuit
  }

  function isIsolated({ key, isOrg }: Circuit): boolean {
    if (exceptions.size === 0 && !isAllIsolated) return false
    // That all are isolated is said by the circuits of the models.
    return isOrg ? !isAllIsolated && exceptions.has(key) : isAllIsolated !== exceptions.has(key)
  }

  function all(): Circuit[] {
    return [...orgs.values(), ...models.values()]
  }

  function stateFor(circuit: Circuit, now: number): BreakerStateEvent['from'] {
    return isIsolated(circuit) ? 'isolated' : stateOf(circuit, now)
  }

  /** Closes circuits by hand, or isolates them, as `decide` writes down. */
  function move(key: string | undefined, decide: () => void): Circuit[] {
    const now = performance.now()
    const chosen = all().filter((circuit) => key === undefined || circuit.key === key)
    const before = chosen.map((circuit) => stateFor(circuit, now))
    decide()
    for (const circuit of chosen) close(circuit, now)
    for (const [index, circuit] of chosen.entries()) {
      const [from, to] = [before[index] ?? 'closed', stateFor(circuit, now)]
      if (from !== to) tell(undefined, circuit, { from, to, reason: 'manual' }, onStateChange)
    }
    return chosen
  }

  for (const snapshot of restore?.circuits ?? []) {
    add(circuitOf(snapshot, snapshot.isOrg ? orgSettings : settings, performance.now()))
  }

  return {
    of(key, isOrg) {
      const known = (isOrg ? orgs : models).get(key)
      if (known === undefined)
        return add(createCircuit(key, isOrg ? orgSettings : settings, isOrg, performance.now()))
      known.usedAt = ++uses
      return known
    },
    isIsolated,
    isolate(key) {
      move(key, () => {
        if (key === undefined) {
          isAllIsolated = true
          exceptions.clear()
        } else if (isAllIsolated) exceptions.delete(key)
        else exceptions.add(key)
      })
    },
    reset(key) {
      const closed = move(key, () => {
        if (key === undefined) {
          isAllIsolated = false
          exceptions.clear()
        } else if (isAllIsolated) exceptions.add(key)
        else exceptions.delete(key)
      })
      for (const circuit of closed) wakeAll(circuit)
    },
    snapshot() {
      const now = performance.now()
      const used = all().toSorted((one, other) => one.usedAt - other.usedAt)
      return {
        version: 1,
        isolated: isAllIsolated,
        exceptions: [...exceptions],
        circuits: used.map((circuit) => snapshotOf(circuit, isIsolated(circuit), now)),
      }
    },
  }
}

/** Makes room: the circuit goes that was used longest ago. What its calls come to is of no interest any more. */
function drop(circuits: Map<string, Circuit>): void {
  let oldest: Circuit | undefined
  for (const circuit of circuits.values()) {
    if (oldest === undefined || circuit.usedAt < oldest.usedAt) oldest = circuit
  }
  if (oldest === undefined) return
  circuits.delete(oldest.key)
  oldest.epoch++
  oldest.window.shutdown()
}
