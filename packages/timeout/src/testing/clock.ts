import { vi } from 'vitest'

/** Moves the clock on without the timers, as it is when a machine wakes up. Needs fake timers, which undo it. */
export function jumpClock(ms: number): void {
  const now = performance.now.bind(performance)
  performance.now = () => now() + ms
  vi.setSystemTime(Date.now() + ms)
}
