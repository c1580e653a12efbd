import { categories, classification, type Category, type Classification } from '@breakwater/classify'
import { assertOption } from '@breakwater/core'
import { createCircuit, maxHintMs, openFor, stateOf, type Circuit, type CircuitSettings } from './circuit.ts'
import { sliceCount, type Slice } from './opossum-window.ts'

/** One circuit of a {@link CircuitBreakerSnapshot}. Dates are in milliseconds of `Date.now()`. */
export interface CircuitSnapshot {
  /** Its key. */
  readonly key: string
  /** Whether it stands for all models of an origin (`orgCategories`). */
  readonly isOrg: boolean
  /** Its state; `isolated` when somebody has isolated it. */
  readonly state: 'closed' | 'open' | 'half_open' | 'isolated'
  /** When an open circuit lets a call through. */
  readonly openUntil?: number
  /** For how long it opens next, without a hint of the server. */
  readonly resetMs: number
  /** When the newest tenth of the window began. */
  readonly windowAt: number
  /** Successes and failures by tenth of the window, the newest first, to the last that has any. */
  readonly window: readonly Slice[]
  /** The category of the last failure of a circuit that is not closed. */
  readonly category?: Category
  /** Its status. */
  readonly status?: number
}

/** All circuits of a breaker as plain JSON: no texts, nothing of a request but what its key is made of. */
export interface CircuitBreakerSnapshot {
  readonly version: 1
  /** Whether circuits to come are isolated. */
  readonly isolated: boolean
  /** The keys that are isolated; where all are, those that are not. */
  readonly exceptions: readonly string[]
  /** The circuits, the least recently used first. */
  readonly circuits: readonly CircuitSnapshot[]
}

/** One circuit as data. */
export function snapshotOf(circuit: Circuit, isIsolated: boolean, now: number): CircuitSnapshot {
  const { key, isOrg, resetMs, openUntil, failure } = circuit
  const state = stateOf(circuit, now)
  const slices = circuit.window.slices(now)
  const used = slices.findLastIndex(([successes, failures]) => successes + failures > 0)
  return {
    key,
    isOrg,
    state: isIsolated ? 'isolated' : state,
    ...(state === 'open' && !isIsolated && { openUntil: Math.round(Date.now() + openUntil - now) }),
    resetMs,
    windowAt: Math.round(Date.now() + circuit.window.startedAt(now) - now),
    window: slices.slice(0, used + 1),
    ...(failure !== undefined && { category: failure.category }),
    ...(failure?.status !== undefined && { status: failure.status }),
  }
}

/** A circuit that goes on where its snapshot was taken, with the time that is left. */
export function circuitOf(snapshot: CircuitSnapshot, settings: CircuitSettings, now: number): Circuit {
  const { key, isOrg, state, openUntil = 0, resetMs, windowAt, window } = snapshot
  const circuit = createCircuit(key, settings, isOrg, now)
  if (state === 'isolated') return circuit
  circuit.resetMs = Math.min(Math.max(resetMs, settings.resetMs), settings.maxResetMs)
  // A clock that was set must not keep it open for days.
  const longestMs = Math.max(maxHintMs, settings.maxResetMs)
  const leftMs = state === 'open' ? Math.min(openUntil - Date.now(), longestMs) : 0
  if (state !== 'closed') openFor(circuit, failureOf(snapshot), Math.max(0, leftMs), now)
  else circuit.window.load(window, now - Math.max(0, Date.now() - windowAt))
  return circuit
}

function failureOf({ category, status }: CircuitSnapshot): Classification | undefined {
  return category === undefined ? undefined : classification(category, { status })
}

const states: ReadonlySet<unknown> = new Set(['closed', 'open', 'half_open', 'isolated'])

/**
 * Checks what is to be restored: it comes from a file or a store.
 *
 * @throws {TypeError} naming what is wrong.
 */
export function assertSnapshot(snapshot: unknown): asserts snapshot is CircuitBreakerSnapshot {
  assertOption(isRecord(snapshot), 'restore', 'a snapshot of a circuit breaker', snapshot)
  const { version, isolated, exceptions, circuits } = snapshot
  assertOption(version === 1, 'restore.version', '1', version)
  assertOption(typeof isolated === 'boolean', 'restore.isolated', 'a boolean', isolated)
  const areKeys = Array.isArray(exceptions) && exceptions.every((key) => typeof key === 'string')
  assertOption(areKeys, 'restore.exceptions', 'an array of strings', exceptions)
  assertOption(Array.isArray(circuits), 'restore.circuits', 'an array', circuits)
  for (const [index, circuit] of circuits.entries()) assertCircuit(circuit, `restore.circuits[${index}]`)
}

function assertCircuit(circuit: unknown, name: string): void {
  assertOption(isRecord(circuit), name, 'a circuit', circuit)
  const { key, isOrg, state, openUntil, resetMs, windowAt, window, category, status } = circuit
  assertOption(typeof key === 'string', `${name}.key`, 'a string', key)
  assertOption(typeof isOrg === 'boolean', `${name}.isOrg`, 'a boolean', isOrg)
  assertOption(states.has(state), `${name}.state`, 'a state', state)
  const needsDate = state === 'open'
  assertOption(isNumber(openUntil) || !needsDate, `${name}.openUntil`, 'a date in milliseconds', openUntil)
  assertOption(isNumber(resetMs) && resetMs >= 0, `${name}.resetMs`, 'a number of milliseconds', resetMs)
  assertOption(isNumber(windowAt), `${name}.windowAt`, 'a date in milliseconds', windowAt)
  const isWindow = Array.isArray(window) && window.length <= sliceCount && window.every(isSlice)
  assertOption(isWindow, `${name}.window`, `at most ${sliceCount} pairs of counts`, window)
  const isKnown = category === undefined || Object.hasOwn(categories, String(category))
  assertOption(isKnown, `${name}.category`, 'a category', category)
  assertOption(status === undefined || isNumber(status), `${name}.status`, 'a number', status)
}

function isSlice(slice: unknown): boolean {
  const isCount = (count: unknown): boolean => Number.isSafeInteger(count) && Number(count) >= 0
  return Array.isArray(slice) && slice.length === 2 && slice.every(isCount)
}

function isNumber(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value)
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null
}
