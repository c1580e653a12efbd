import type { RetryRow } from './policy.ts'

/** How a wait is drawn from its range: all of it, its upper half, or up to three times the wait before. */
export type Jitter = 'full' | 'equal' | 'decorrelated'

/** Which wait is asked for. */
export interface WaitParts {
  readonly row: RetryRow
  /** Waits of this category that came before it. */
  readonly index: number
  /** The last of them in milliseconds. */
  readonly previousMs: number
  readonly jitter: Jitter
  /** A number from 0 to 1. */
  readonly random: () => number
}

/** A jittered wait in whole milliseconds, never above the row's cap or step. */
export function backoffMs({ row, index, previousMs, jitter, random }: WaitParts): number {
  if ('stepsMs' in row) return equal(row.stepsMs[Math.min(index, row.stepsMs.length - 1)] ?? 0, random())
  const { baseMs, capMs } = row
  if (jitter === 'decorrelated') {
    const highMs = 3 * Math.max(baseMs, previousMs)
    return Math.floor(Math.min(capMs, baseMs + random() * (highMs - baseMs)))
  }
  const rangeMs = Math.min(capMs, baseMs * 2 ** index)
  return jitter === 'equal' ? equal(rangeMs, random()) : Math.floor(random() * rangeMs)
}

/** The most that {@link aboveFloorMs} adds, in milliseconds. */
export const maxSpreadMs = 3000

/** The server's floor and up to a tenth on top (at most 3 s), so that those who were told the same do not come at once. */
export function aboveFloorMs(floorMs: number, random: () => number): number {
  return Math.ceil(floorMs + random() * Math.min(floorMs / 10, maxSpreadMs))
}

function equal(rangeMs: number, random: number): number {
  return Math.floor(rangeMs / 2 + (random * rangeMs) / 2)
}
