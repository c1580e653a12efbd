import { createCallKey, type CallKey } from './call.ts'
import { maxTimerMs } from './sleep.ts'

/** The key of the circuit that the call's last attempt met: a breaker sets it, and calls {@link wake} with it on closing. */
export const circuitKey: CallKey<string> = createCallKey('circuit-breaker.key')

/** Told that the circuit has closed, and over how long to spread. */
type Waiter = (spreadMs: number) => void

// On the global object, so that two installed copies meet.
const name: unique symbol = Symbol.for('breakwater.wake/1')
const globals = globalThis as { [name]?: Map<string, Set<Waiter>> }
const waiting: Map<string, Set<Waiter>> = (globals[name] ??= new Map())

/** How a wait may end before its time. */
export interface WakeOptions {
  readonly signal?: AbortSignal | null | undefined
  /** Draws this waiter's part of the spread. @default Math.random */
  readonly random?: (() => number) | undefined
}

/**
 * Waits for `ms` milliseconds, at most 24.8 days, or until {@link wake} is called with the same `key`.
 *
 * Rejects at once with the signal's reason when it aborts; timer and listener are gone when it settles.
 */
export function waitOrWake(
  key: string,
  ms: number,
  { signal, random = Math.random }: WakeOptions = {},
): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted === true) {
      reject(signal.reason)
      return
    }
    const endsAt = performance.now() + ms
    const end = (): void => {
      leave()
      resolve()
    }
    const onAbort = (): void => {
      leave()
      reject(signal?.reason)
    }
    const onWake: Waiter = (spreadMs) => {
      waiters.delete(onWake)
      clearTimeout(timer)
      timer = setTimeout(end, Math.max(0, Math.min(endsAt - performance.now(), random() * spreadMs)))
    }
    const leave = (): void => {
      clearTimeout(timer)
      signal?.removeEventListener('abort', onAbort)
      waiters.delete(onWake)
      if (waiters.size === 0 && waiting.get(key) === waiters) waiting.delete(key)
    }
    const waiters = waiting.get(key) ?? new Set()
    waiting.set(key, waiters.add(onWake))
    let timer = setTimeout(end, Math.min(ms, maxTimerMs))
    signal?.addEventListener('abort', onAbort, { once: true })
  })
}

/** Ends all waits for `key`, spread over `spreadMs` milliseconds so that they do not come back at once. */
export function wake(key: string, spreadMs = 3000): void {
  for (const waiter of waiting.get(key) ?? []) waiter(spreadMs)
}
