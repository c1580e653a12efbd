import { createCallKey, type CallKey } from './call.ts'
import { maxTimerMs } from './sleep.ts'

/** The key of the circuit that the call's last attempt met: a breaker sets it, and calls {@link wake} with it on closing. */
export const circuitKey: CallKey<string> = createCallKey('circuit-breaker.key')

/** A circuit that a failing try has met, or left, open. */
export interface OpenCircuit {
  /** When it lets a call through, in milliseconds of `performance.now()`. */
  readonly until: number
  /** How many attempts the call's ledger had then: of a later try it says nothing. */
  readonly attempts: number
}

/**
 * The circuit of a try that has failed upstream, where it is open after that: a breaker sets it beside {@link circuitKey}. Another
 * try before its time would be refused.
 */
export const openCircuit: CallKey<OpenCircuit> = createCallKey('circuit-breaker.open')

/** Somebody who waits for a circuit. */
interface Waiter {
  /** Since when its call has been under way: the oldest goes first. */
  readonly since: number
  readonly random: () => number
  /** Ends the wait after this many milliseconds from now. */
  readonly endIn: (ms: number) => void
}

// On the global object, so that two installed copies meet.
const name: unique symbol = Symbol.for('breakwater.wake/1')
const globals = globalThis as { [name]?: Map<string, Set<Waiter>> }
const waiting: Map<string, Set<Waiter>> = (globals[name] ??= new Map())

/** How a wait may end otherwise than by itself. */
export interface WakeOptions {
  readonly signal?: AbortSignal | null | undefined
  /** When the call began, in milliseconds of `performance.now()`: the oldest is woken first. @default now */
  readonly since?: number | undefined
  /** How long the wait may become by standing in line with others that were woken, in milliseconds. @default `ms` */
  readonly maxMs?: number | undefined
  /** Draws this waiter's place within its turn. @default Math.random */
  readonly random?: (() => number) | undefined
}

/**
 * Waits for `ms` milliseconds, at most 24.8 days, or until its turn comes after {@link wake} with the same `key`.
 *
 * Rejects at once with the signal's reason when it aborts; timer and listener are gone when it settles.
 */
export function waitOrWake(
  key: string,
  ms: number,
  { signal, since = performance.now(), maxMs = ms, random = Math.random }: WakeOptions = {},
): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted === true) {
      reject(signal.reason)
      return
    }
    const lastAt = performance.now() + maxMs
    const end = (): void => {
      leave()
      resolve()
    }
    const onAbort = (): void => {
      leave()
      reject(signal?.reason)
    }
    const endIn = (turnMs: number): void => {
      clearTimeout(timer)
      timer = setTimeout(end, Math.min(Math.max(0, lastAt - performance.now()), turnMs))
    }
    const leave = (): void => {
      clearTimeout(timer)
      signal?.removeEventListener('abort', onAbort)
      waiters.delete(waiter)
      if (waiters.size === 0 && waiting.get(key) === waiters) waiting.delete(key)
    }
    const waiter: Waiter = { since, random, endIn }
    const waiters = waiting.get(key) ?? new Set()
    waiting.set(key, waiters.add(waiter))
    let timer = setTimeout(end, Math.min(ms, maxTimerMs))
    signal?.addEventListener('abort', onAbort, { once: true })
  })
}

/** How many are woken in a second unless somebody knows better, for an API that has just recovered. */
const usualPerSecond = 30
/** However many wait, all have had their turn after this long. */
const maxSpreadMs = 30_000

/**
 * Ends all waits for `key`, one after the other, those of the oldest calls first: `perSecond` of them, or more where they would not
 * all have had their turn after 30 s. A crowd that has gathered in an outage comes back as a stream, and not at once. Who still
 * stands in line from an earlier time lines up with the others.
 */
export function wake(key: string, perSecond: number = usualPerSecond): void {
  const line = [...(waiting.get(key) ?? [])].toSorted((one, other) => one.since - other.since)
  const eachMs = Math.min(1000 / perSecond, maxSpreadMs / line.length)
  for (const [index, { random, endIn }] of line.entries()) endIn((index + random()) * eachMs)
}
