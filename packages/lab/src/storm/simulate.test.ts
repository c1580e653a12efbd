import { describe, expect, test } from 'vitest'
import { simulate } from './simulate.ts'

const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

describe('time', () => {
  test('passes in no time, for all clocks alike', async () => {
    const from = process.hrtime.bigint()
    const seen = await simulate(
      async () => {
        const [startedAt, performedAt] = [Date.now(), performance.now()]
        await sleep(3_600_000)
        return [Date.now() - startedAt, performance.now() - performedAt, new Date().toISOString()]
      },
      { startsAt: Date.UTC(2026, 0, 1) },
    )
    expect(seen).toEqual([3_600_000, 3_600_000, '2026-01-01T01:00:00.000Z'])
    expect(Number(process.hrtime.bigint() - from) / 1e6).toBeLessThan(60_000)
  })

  test('timers fire in the order of their times, and all that follows from one is done before the next', async () => {
    const seen: string[] = []
    await simulate(async () => {
      const follow = async (name: string): Promise<void> => {
        for (let step = 0; step < 20; step++) await Promise.resolve()
        await new Promise<void>((resolve) => process.nextTick(resolve))
        seen.push(`after ${name} at ${performance.now()}`)
      }
      for (const [name, ms] of [['b', 20] as const, ['a', 10] as const, ['c', 20] as const]) {
        setTimeout(() => {
          seen.push(name)
          void follow(name)
        }, ms)
      }
      await sleep(30)
    })
    expect(seen).toEqual(['a', 'after a at 10', 'b', 'after b at 20', 'c', 'after c at 20'])
  })

  test('has the timers of Node: arguments, intervals, ends, and what no timer can hold', async () => {
    const seen: unknown[] = []
    await simulate(async () => {
      setTimeout((...args: unknown[]) => seen.push(['args', ...args]), 1, 'x', 'y')
      let ticks = 0
      const interval = setInterval(() => {
        seen.push(['tick', performance.now()])
        if (++ticks === 3) clearInterval(interval)
      }, 10)
      expect(interval.unref().ref().hasRef()).toBe(true)
      const cleared = setTimeout(() => seen.push('never'), 5)
      clearTimeout(cleared)
      const byNumber = setTimeout(() => seen.push('never'), 5)
      clearTimeout(Number(byNumber))
      clearTimeout(undefined)
      setTimeout(() => seen.push(['too long', performance.now()]), 2 ** 31)
      setTimeout(() => seen.push(['zero', performance.now()]), 0)
      await sleep(100)
    })
    expect(seen).toEqual([
      ['args', 'x', 'y'],
      ['too long', 1],
      ['zero', 1],
      ['tick', 10],
      ['tick', 20],
      ['tick', 30],
    ])
  })
})

describe('a run', () => {
  test('is the same with the same seed, and another with another', async () => {
    const draw = (seed: number): Promise<number[]> =>
      simulate(async () => [Math.random(), Math.random(), Math.random()], { seed })
    const first = await draw(1)
    expect(await draw(1)).toEqual(first)
    expect(await draw(2)).not.toEqual(first)
    expect(first.every((number) => number >= 0 && number < 1)).toBe(true)
  })

  test('gives the clocks back, also when it fails', async () => {
    const before = [setTimeout, clearTimeout, setInterval, clearInterval, Date, Date.now, Math.random]
    const { now } = performance
    const failing = simulate(async () => {
      expect(setTimeout).not.toBe(before[0])
      await sleep(1)
      throw new Error('broken')
    })
    await expect(failing).rejects.toThrow('broken')
    expect([setTimeout, clearTimeout, setInterval, clearInterval, Date, Date.now, Math.random]).toEqual(
      before,
    )
    expect(performance.now).toBe(now)
  })

  test('that waits for nothing says so', async () => {
    await expect(simulate(() => new Promise(() => {}))).rejects.toThrow('never comes')
  })

  test('that takes too long says so', async () => {
    await expect(simulate(() => sleep(1001), { limitMs: 1000 })).rejects.toThrow('longer than 1000 ms')
    await expect(simulate(() => sleep(1000), { limitMs: 1000 })).resolves.toBeUndefined()
  })

  test('is the only one', async () => {
    const both = simulate(() => simulate(async () => {}))
    await expect(both).rejects.toThrow('One simulation at a time')
    await expect(simulate(async () => 'again')).resolves.toBe('again')
  })
})
