import { getEventListeners } from 'node:events'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { waitOrWake, wake } from './wake.ts'

/** What two copies of this package agree on. */
const waiting = (globalThis as unknown as Record<symbol, Map<string, Set<unknown>>>)[
  Symbol.for('breakwater.wake/1')
]

beforeEach(() => void vi.useFakeTimers())
afterEach(() => {
  vi.useRealTimers()
  waiting?.clear()
})

it('a wait leaves nothing on its signal and nothing in the registry, however it ends', async () => {
  const controller = new AbortController()
  const { signal } = controller
  const left = (): (number | undefined)[] => [
    getEventListeners(signal, 'abort').length,
    waiting?.size,
    waiting?.get('a')?.size,
  ]
  const waits = [waitOrWake('a', 10, { signal }), waitOrWake('a', 20, { signal }), waitOrWake('b', 20)]
  expect(left()).toEqual([2, 2, 2])
  await vi.advanceTimersByTimeAsync(10)
  expect(left()).toEqual([1, 2, 1])
  await vi.advanceTimersByTimeAsync(10)
  await Promise.all(waits)
  expect(left()).toEqual([0, 0, undefined])

  const woken = waitOrWake('a', 60_000, { signal })
  wake('a')
  await vi.advanceTimersByTimeAsync(1_000)
  await woken
  expect(left()).toEqual([0, 0, undefined])

  const aborted = waitOrWake('a', 60_000, { signal })
  controller.abort('gone')
  await expect(aborted).rejects.toBe('gone')
  expect(left()).toEqual([0, 0, undefined])
  expect(vi.getTimerCount()).toBe(0)
})

it('a wait of an emptied key does not take the newer waits of it along', async () => {
  const controller = new AbortController()
  const first = waitOrWake('a', 60_000, { signal: controller.signal, random: () => 1 })
  // It has left the line, and waits for its turn; somebody else has made a new one.
  wake('a')
  const second = waitOrWake('a', 60_000, { random: () => 0 })
  controller.abort('gone')
  await expect(first).rejects.toBe('gone')
  wake('a')
  await vi.advanceTimersByTimeAsync(0)
  await second
  expect([waiting?.size, vi.getTimerCount()]).toEqual([0, 0])
})
