import type { BodyTap } from '@breakwater/core'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { hold } from './hold.ts'

/** A body that brings 10 bytes each 100 ms. */
function slowTap(): { tap: BodyTap; peeks: () => number } {
  let peeks = 0
  const tap = {
    heldBytes: 0,
    add() {},
    fail() {},
    async peek() {
      peeks++
      await new Promise((resolve) => setTimeout(resolve, 100))
      tap.heldBytes += 10
      return true
    },
  }
  return { tap, peeks: () => peeks }
}

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

it.each([
  ['max_time', { maxMs: 250, maxBytes: Infinity }, 3],
  ['max_bytes', { maxMs: Infinity, maxBytes: 20 }, 3],
  ['max_bytes', { maxMs: Infinity, maxBytes: 19 }, 2],
])('ends by %s, and reads no further', async (reason, limits, count) => {
  const { tap, peeks } = slowTap()
  const end = hold(tap, limits, () => false)
  await vi.advanceTimersByTimeAsync(5_000)
  expect(await end).toBe(reason)
  expect(peeks()).toBe(count)
  expect(vi.getTimerCount()).toBe(0)
})

it('reads nothing where enough was seen before', async () => {
  const { tap, peeks } = slowTap()
  expect(await hold(tap, { maxMs: 250, maxBytes: 0 }, () => true)).toBe('decided')
  expect(peeks()).toBe(0)
  expect(vi.getTimerCount()).toBe(0)
})
