import { env } from 'node:process'
import { describe, expect, it } from 'vitest'
import { installClock } from '../orders/clock.ts'
import { playBatch } from './batch.ts'
import { createDice } from './dice.ts'
import { anyExchange } from './exchange.ts'
import { anyStack } from './parts.ts'

/** Another one by `FUZZ_SEED=2000 npm test -- tests`; the whole fuzz is `npm run lab:fuzz`. */
const seed = Number(env['FUZZ_SEED'] ?? 1)
const exchanges = 1500

describe('calls through any stack to an API that does anything', () => {
  it('all end, leave nothing behind, and break nothing', async () => {
    const clock = installClock()
    const sum = { exchanges: 0, calls: 0 }
    const problems: string[] = []
    try {
      for (let next = seed; sum.exchanges < exchanges; next++) {
        const batch = await playBatch(next, clock)
        sum.exchanges += batch.exchanges
        sum.calls += batch.calls
        problems.push(...batch.problems.map((what) => `seed ${next}: ${what}`))
      }
    } finally {
      clock.uninstall()
    }
    expect(problems).toEqual([])
    expect(sum.calls).toBeGreaterThan(500)
  }, 120_000)

  it('are the same for the same seed', async () => {
    const play = async (): Promise<unknown> => {
      const clock = installClock()
      try {
        return [await playBatch(seed, clock), await playBatch(seed + 1, clock)]
      } finally {
        clock.uninstall()
      }
    }
    expect(await play()).toEqual(await play())
  })

  it('meet all that can happen', () => {
    const seen = Array.from({ length: 3000 }, (_, index) => anyExchange(createDice(index), index % 2 === 0))
    for (const end of ['close', 'error', 'stall', 'endless']) {
      expect(seen.filter((exchange) => exchange.end === end).length).toBeGreaterThan(50)
    }
    expect(new Set(seen.map(({ status }) => status)).size).toBeGreaterThan(100)
    expect(seen.filter(({ error }) => error !== undefined).length).toBeGreaterThan(200)
    expect(
      seen.filter(({ error }) => error !== undefined && !(error.value instanceof Error)).length,
    ).toBeGreaterThan(20)
    expect(seen.filter(({ chunks }) => chunks.some(({ length }) => length === 0)).length).toBeGreaterThan(100)
    const places = Array.from({ length: 300 }, (_, index) => anyStack(createDice(index)).order)
    for (const part of [
      'classify',
      'retry',
      'breaker',
      'failover',
      'otel',
      'guard',
      'timeout',
      'rateLimit',
    ] as const) {
      expect(places.filter((order) => order.includes(part)).length).toBeGreaterThan(100)
      expect(
        places.filter((order) => order.filter((other) => other === part).length > 1).length,
      ).toBeGreaterThan(20)
    }
  })
})
