import type { Classification, Trips } from '@breakwater/classify'
import type { CircuitOpenError } from './circuit-open-error.ts'
import { createWindow, type FailureWindow, type WindowSettings } from './opossum-window.ts'
import { refusal, wordsOf, type Words } from './refusal.ts'

/** The state of a circuit. */
export type CircuitState = 'closed' | 'open' | 'half_open'

/** How a circuit opens, and how it comes back. */
export interface CircuitSettings extends WindowSettings {
  /** `Infinity` for none. */
  readonly consecutiveFailures: number
  readonly resetMs: number
  readonly maxResetMs: number
  readonly probes: number
}

/** A change of state. */
export interface Change {
  readonly from: CircuitState
  readonly to: CircuitState
  readonly reason: 'failures' | 'probe' | 'elapsed'
  /** For how long it has opened. */
  readonly openMs?: number
}

/** A call that a circuit has let through. */
export interface Ticket {
  readonly circuit: Circuit
  /** That of the circuit when the call began: outcomes of an earlier one are dropped. */
  readonly epoch: number
  /** When its place among the probes is free again; `undefined` for a call through a closed circuit. */
  readonly leaseEndsAt: number | undefined
}

/** One circuit, as plain data. Times are of `performance.now()`. */
export interface Circuit {
  readonly key: string
  /** Whether it stands for all models of an origin. */
  readonly isOrg: boolean
  readonly settings: CircuitSettings
  readonly window: FailureWindow
  /** Failures since the last success, and when the last of them came. */
  row: number
  rowAt: number
  state: CircuitState
  /** Counts the changes of state. */
  epoch: number
  openUntil: number
  /** The same by `Date.now()`, which goes on while a machine sleeps or a process is frozen. */
  openUntilDate: number
  /** For how long it opens without a hint of the server. */
  resetMs: number
  /** Since when it is closed, or was before it opened. */
  closedAt: number
  /** How many outcomes it had in a second before it opened; `undefined` where it was not closed for long enough to say. */
  perSecond: number | undefined
  /** The probes on their way. */
  probes: Ticket[]
  /** The failure that opened it. */
  failure: Classification | undefined
  words: Words
  /** When it was used last, as a running number. */
  usedAt: number
}

/** The longest hint that is believed. */
export const maxHintMs = 3_600_000
/** An answer takes its time: probes that are slow must not pile up on an API that has just come back. */
const minLeaseMs = 5000
const maxLeaseMs = 30_000
/** While a probe runs: what a caller who is refused should wait at least. */
const minProbeWaitMs = 100
/** For how long a circuit has to be closed for its rate to mean anything. */
const minRateMs = 5000
/** How far the date has to be ahead to be believed: it may be set. */
const dateSlackMs = 1000

/** A closed circuit. */
export function createCircuit(key: string, settings: CircuitSettings, isOrg: boolean, now: number): Circuit {
  return {
    key,
    isOrg,
    settings,
    window: createWindow(settings, now),
    row: 0,
    rowAt: now,
    state: 'closed',
    epoch: 0,
    openUntil: 0,
    openUntilDate: 0,
    resetMs: settings.resetMs,
    closedAt: now,
    perSecond: undefined,
    probes: [],
    failure: undefined,
    words: wordsOf(key, undefined),
    usedAt: 0,
  }
}

/** The state by the clock: an open circuit becomes half open at the first look after its time. */
export function stateOf({ state, openUntil, openUntilDate }: Circuit, now: number): CircuitState {
  const isOver = state === 'open' && (now >= openUntil || Date.now() >= openUntilDate + dateSlackMs)
  return isOver ? 'half_open' : state
}

/** Why a call would be refused now; `undefined` when it would not. */
export function refusalOf(circuit: Circuit, now: number): CircuitOpenError | undefined {
  const waitMs = waitOf(circuit, now)
  if (waitMs === undefined) return undefined
  const { key, failure, words } = circuit
  return refusal(key, words, failure, stateOf(circuit, now) === 'open', waitMs)
}

/** How long a call that would be refused now should wait; `undefined` when it would not. */
export function waitOf(circuit: Circuit, now: number): number | undefined {
  const { openUntil, settings, resetMs } = circuit
  const state = stateOf(circuit, now)
  if (state === 'closed') return undefined
  if (state === 'open') return openUntil - now
  let freeAt = Infinity
  let running = 0
  for (const { leaseEndsAt = 0 } of circuit.probes) {
    if (leaseEndsAt <= now) continue
    running++
    freeAt = Math.min(freeAt, leaseEndsAt)
  }
  if (running < settings.probes) return undefined
  // When the probe fails sooner, somebody has to be there for the next one.
  return Math.max(minProbeWaitMs, Math.min(resetMs, freeAt - now))
}

/** Makes an open circuit half open when its time is over. */
export function advance(circuit: Circuit, now: number): Change | undefined {
  if (circuit.state !== 'open' || stateOf(circuit, now) === 'open') return undefined
  change(circuit, 'half_open')
  return { from: 'open', to: 'half_open', reason: 'elapsed' }
}

/** Lets a call through that is not refused. */
export function enter(circuit: Circuit, now: number): Ticket {
  const { epoch, state, resetMs } = circuit
  if (state === 'closed') return { circuit, epoch, leaseEndsAt: undefined }
  const ticket = { circuit, epoch, leaseEndsAt: now + Math.min(Math.max(resetMs, minLeaseMs), maxLeaseMs) }
  // Of one whose lease is over only the place is free again: its outcome still counts.
  circuit.probes = circuit.probes.filter(({ leaseEndsAt = 0 }) => leaseEndsAt > now)
  circuit.probes.push(ticket)
  return ticket
}

/** Records what a call came to. */
export function settle(
  ticket: Ticket,
  trips: Trips,
  failure: Classification | undefined,
  now: number,
): Change | undefined {
  const { circuit, epoch } = ticket
  if (epoch !== circuit.epoch) return undefined
  if (circuit.state === 'closed') {
    if (trips === 'success') {
      circuit.row = 0
      circuit.window.succeed(now)
    }
    if (trips !== 'failure' || !hasFailed(circuit, now)) return undefined
    circuit.perSecond = rateOf(circuit, now) ?? circuit.perSecond
    return open(circuit, 'failures', failure, now)
  }
  circuit.probes = circuit.probes.filter((probe) => probe !== ticket)
  if (trips === 'neutral') return undefined
  if (trips === 'success') {
    close(circuit, now)
    return { from: 'half_open', to: 'closed', reason: 'probe' }
  }
  circuit.resetMs = Math.min(circuit.resetMs * 2, circuit.settings.maxResetMs)
  return open(circuit, 'probe', failure, now)
}

/** Closes a circuit and forgets what it has seen. */
export function close(circuit: Circuit, now: number): void {
  change(circuit, 'closed')
  circuit.resetMs = circuit.settings.resetMs
  circuit.closedAt = now
  circuit.failure = undefined
  circuit.row = 0
  circuit.window.clear(now)
}

/**
 * Counts a failure; whether that is enough. In a busy window the successes from before an outage outweigh it for long:
 * a row without one success says it sooner.
 */
function hasFailed(circuit: Circuit, now: number): boolean {
  const { window, settings, rowAt } = circuit
  circuit.row = now - rowAt < settings.windowMs ? circuit.row + 1 : 1
  circuit.rowAt = now
  return window.fail(now) || circuit.row >= settings.consecutiveFailures
}

/** How many outcomes a second its window has seen; `undefined` where that is too short to say. */
function rateOf({ window, settings, closedAt }: Circuit, now: number): number | undefined {
  const ms = Math.min(now - closedAt, settings.windowMs)
  if (ms < minRateMs) return undefined
  const outcomes = window.slices(now).reduce((sum, [successes, failures]) => sum + successes + failures, 0)
  return (outcomes * 1000) / ms
}

/** Opens a circuit for `openMs`. */
export function openFor(
  circuit: Circuit,
  failure: Classification | undefined,
  openMs: number,
  now: number,
): void {
  change(circuit, 'open')
  circuit.failure = failure
  circuit.words = wordsOf(circuit.key, failure)
  circuit.openUntil = now + openMs
  circuit.openUntilDate = Date.now() + openMs
}

function open(
  circuit: Circuit,
  reason: 'failures' | 'probe',
  failure: Classification | undefined,
  now: number,
): Change {
  const from = circuit.state
  const hintMs = failure?.retryAfterMs
  const openMs = hintMs === undefined ? circuit.resetMs : Math.min(hintMs, maxHintMs)
  openFor(circuit, failure, openMs, now)
  return { from, to: 'open', reason, openMs }
}

function change(circuit: Circuit, state: CircuitState): void {
  circuit.state = state
  circuit.epoch++
  circuit.probes = []
}
