import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { waitOrWake, wake, type WakeOptions } from './wake.ts'

describe('waitOrWake', () => {
  beforeEach(() => void vi.useFakeTimers())
  afterEach(() => {
    expect(vi.getTimerCount()).toBe(0)
    vi.useRealTimers()
  })

  /** When a wait ends, in milliseconds. */
  function waiting(key: string, ms: number, options: WakeOptions = {}): { endedAt?: number } {
    const seen: { endedAt?: number } = {}
    const from = performance.now()
    void waitOrWake(key, ms, options).then(() => (seen.endedAt = Math.round(performance.now() - from)))
    return seen
  }

  it('ends by itself', async () => {
    const wait = waiting('a', 100)
    await vi.advanceTimersByTimeAsync(100)
    expect(wait.endedAt).toBe(100)
    wake('a')
  })

  it('ends the waits of its key one after the other, the oldest call first', async () => {
    const waits = [3, 1, 2].map((since) => waiting('a', 10_000, { since, random: () => 0.5 }))
    const other = waiting('b', 5000)
    await vi.advanceTimersByTimeAsync(1000)
    wake('a')
    wake('a')
    await vi.advanceTimersByTimeAsync(10_000)
    expect(waits.map(({ endedAt }) => endedAt)).toEqual([1083, 1016, 1050])
    expect(other.endedAt).toBe(5000)
  })

  it('lets a crowd come as a stream: thirty in a second, and all within 30 s', async () => {
    for (const [count, perSecond] of [
      [150, 31],
      [1200, 41],
    ] as const) {
      const waits = Array.from({ length: count }, (_, since) => waiting('a', 60_000, { since }))
      wake('a')
      await vi.advanceTimersByTimeAsync(30_000)
      const seconds = new Map<number, number>()
      for (const { endedAt = Infinity } of waits) {
        const second = Math.floor(endedAt / 1000)
        seconds.set(second, (seconds.get(second) ?? 0) + 1)
      }
      expect(Math.max(...seconds.values())).toBeLessThanOrEqual(perSecond)
      expect(Math.max(...seconds.keys())).toBeLessThan(30)
    }
  })

  it('lets so many come in a second as it is told', async () => {
    const random = (): number => 1
    const waits = [1, 2, 3, 4].map((since) => waiting('a', 10_000, { since, random }))
    wake('a', 10)
    await vi.advanceTimersByTimeAsync(1000)
    expect(waits.map(({ endedAt }) => endedAt)).toEqual([100, 200, 300, 400])
  })

  it('has one line, however often it is called', async () => {
    const random = (): number => 1
    const first = [1, 3].map((since) => waiting('a', 60_000, { since, random }))
    wake('a', 1)
    await vi.advanceTimersByTimeAsync(500)
    // Those who have come since stand in the same line, by their age.
    const second = [0, 2].map((since) => waiting('a', 60_000, { since, random }))
    wake('a', 1)
    await vi.advanceTimersByTimeAsync(10_000)
    expect(first.map(({ endedAt }) => endedAt)).toEqual([2500, 4500])
    expect(second.map(({ endedAt }) => endedAt)).toEqual([1000, 3000])
  })

  it('keeps to the wait itself, or to what it may become', async () => {
    const random = (): number => 0
    const long = Array.from({ length: 100 }, (_, since) => waiting('a', 60_000, { since, random }))
    const [short, patient] = [
      waiting('a', 500, { since: 200, random }),
      waiting('a', 500, { since: 201, random, maxMs: 3000 }),
    ]
    wake('a')
    await vi.advanceTimersByTimeAsync(10_000)
    expect(long.at(-1)?.endedAt).toBe(3300)
    expect(short.endedAt).toBe(500)
    expect(patient.endedAt).toBe(3000)
  })

  it('takes new waits of a key after a wake', async () => {
    const first = waiting('a', 1000, { random: () => 1 })
    wake('a')
    const second = waiting('a', 1000, { random: () => 1 })
    await vi.advanceTimersByTimeAsync(600)
    wake('a')
    await vi.advanceTimersByTimeAsync(400)
    expect([first.endedAt, second.endedAt]).toEqual([33, 633])
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
    const wait = waiting('a', 2 ** 40, { random: () => 0 })
    await vi.advanceTimersByTimeAsync(1000)
    expect(wait.endedAt).toBeUndefined()
    wake('a')
    await vi.advanceTimersByTimeAsync(0)
    expect(wait.endedAt).toBe(1000)
  })
})
