import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { waitOrWake, wake } from './wake.ts'

describe('waitOrWake', () => {
  beforeEach(() => void vi.useFakeTimers())
  afterEach(() => {
    expect(vi.getTimerCount()).toBe(0)
    vi.useRealTimers()
  })

  /** When a wait ends, in milliseconds. */
  function waiting(key: string, ms: number, random = 0): { endedAt?: number } {
    const seen: { endedAt?: number } = {}
    const from = performance.now()
    void waitOrWake(key, ms, { random: () => random }).then(
      () => (seen.endedAt = Math.round(performance.now() - from)),
    )
    return seen
  }

  it('ends by itself', async () => {
    const wait = waiting('a', 100)
    await vi.advanceTimersByTimeAsync(100)
    expect(wait.endedAt).toBe(100)
    wake('a')
  })

  it('ends all waits of its key within the spread, and none later than by itself', async () => {
    const waits = [waiting('a', 10_000), waiting('a', 10_000, 0.5), waiting('a', 1500, 1), waiting('b', 5000)]
    await vi.advanceTimersByTimeAsync(1000)
    wake('a')
    wake('a', 0)
    await vi.advanceTimersByTimeAsync(10_000)
    expect(waits.map(({ endedAt }) => endedAt)).toEqual([1000, 2500, 1500, 5000])
  })

  it('takes new waits of a key after a wake', async () => {
    const first = waiting('a', 1000, 1)
    wake('a', 500)
    const second = waiting('a', 1000, 1)
    await vi.advanceTimersByTimeAsync(600)
    wake('a', 100)
    await vi.advanceTimersByTimeAsync(400)
    expect([first.endedAt, second.endedAt]).toEqual([500, 700])
  })

  it('rejects with the reason of its signal, also when woken, and forgets', async () => {
    const controller = new AbortController()
    const reason = new Error('enough')
    const outcomes = [1, 2].map(() =>
      waitOrWake('a', 1000, { signal: controller.signal }).catch((thrown: unknown) => thrown),
    )
    wake('a')
    controller.abort(reason)
    expect(await Promise.all(outcomes)).toEqual([reason, reason])
    await expect(waitOrWake('a', 1000, { signal: controller.signal })).rejects.toBe(reason)
  })

  it('clamps what no timer can hold', async () => {
    const wait = waiting('a', 2 ** 40)
    await vi.advanceTimersByTimeAsync(1000)
    expect(wait.endedAt).toBeUndefined()
    wake('a', 0)
    await vi.advanceTimersByTimeAsync(0)
    expect(wait.endedAt).toBe(1000)
  })
})
