import { describe, expect, test } from 'vitest'
import type { CallRecord } from './call-record.ts'
import { makeLoad, type Load } from './load.ts'
import { simulate } from './simulate.ts'

/** Plays a load of calls that take as long as told; returns when each began. */
function play(load: Load, ms: number, seed = 1): Promise<{ starts: number[]; clients: number[] }> {
  return simulate(async () => {
    const starts: number[] = []
    const clients: number[] = []
    const records = await makeLoad(load, seed, async (client): Promise<CallRecord> => {
      const startedAt = performance.now()
      starts.push(startedAt)
      clients.push(client)
      await new Promise((resolve) => setTimeout(resolve, ms))
      return {
        startedAt,
        endedAt: performance.now(),
        end: 'answered',
        error: undefined,
        tokens: 0,
        model: undefined,
      }
    })
    expect(records).toHaveLength(starts.length)
    return { starts, clients }
  })
}

describe('arrivals', () => {
  const load: Load = { kind: 'arrivals', perSecond: 10, untilMs: 5000 }

  test('come one in each gap, however long the calls take', async () => {
    const { starts } = await play(load, 60_000)
    expect(starts).toHaveLength(50)
    for (const [index, start] of starts.entries()) expect(Math.floor(start / 100)).toBe(index)
    // Not in step.
    expect(new Set(starts.map((start) => Math.round(start % 100))).size).toBeGreaterThan(10)
    expect((await play(load, 1)).starts).toEqual(starts)
    expect((await play(load, 1, 2)).starts).not.toEqual(starts)
  })
})

describe('clients', () => {
  test('make their calls one after the other', async () => {
    const { starts, clients } = await play(
      { kind: 'clients', clients: 3, thinkMs: [0, 0], callsEach: 4 },
      1000,
    )
    expect(starts.map((start) => Math.round(start))).toEqual([
      0, 0, 0, 1000, 1000, 1000, 2000, 2000, 2000, 3000, 3000, 3000,
    ])
    expect(clients.filter((client) => client === 1)).toHaveLength(4)
  })

  test('think between two calls, and begin none after the end', async () => {
    const { starts, clients } = await play(
      { kind: 'clients', clients: 5, thinkMs: [200, 400], untilMs: 10_000 },
      100,
    )
    for (let client = 0; client < 5; client++) {
      const own = starts.filter((_, index) => clients[index] === client)
      expect(own.length).toBeGreaterThan(10_000 / 500 - 2)
      for (const [index, start] of own.entries()) {
        const before = own[index - 1]
        if (before === undefined) expect(start).toBeLessThanOrEqual(400)
        else {
          expect(start - before).toBeGreaterThanOrEqual(300)
          expect(start - before).toBeLessThanOrEqual(501)
        }
        expect(start).toBeLessThan(10_000)
      }
    }
  })
})
