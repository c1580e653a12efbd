import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { LimitName } from './headers.ts'
import { correct, createLimit, flow, learn, shareOf, take, usualWaitMs, type Limit } from './limit.ts'
import { hasEnough, narrow, spareOf } from './spare.ts'
import { waitMs } from './token-bucket.ts'

/** A limit that an answer has told of, of which so much is left; the API's bucket holds a minute. */
function learned(perMinute: number, remaining = perMinute, canSpend = true, burstMs = 1000): Limit {
  const limit = createLimit('requests', perMinute, burstMs, 0, false, canSpend)
  const resetMs = ((perMinute - remaining) * 60_000) / perMinute + 1000
  learn(limit, { limit: 'requests', perMinute, remaining, resetMs, sources: [] })
  correct(limit, remaining, 0, 0, 0)
  return limit
}

/** Takes one whenever that may be, and says how many in each second; `onTake` is told of each. */
function drain(limit: Limit, fromMs: number, toMs: number, onTake = (_now: number): void => {}): number[] {
  const taken = Array.from({ length: Math.ceil((toMs - fromMs) / 1000) }, () => 0)
  for (let now = fromMs; now < toMs; now++) {
    flow(limit, now)
    while (waitMs(limit, 1, now) === 0) {
      take(limit, 1)
      onTake(now)
      const second = Math.floor((now - fromMs) / 1000)
      taken[second] = (taken[second] ?? 0) + 1
    }
  }
  return taken
}

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0)

describe('what the API has saved up', () => {
  it('is spent faster and faster, but for a twentieth, and then the pace goes on', () => {
    const limit = learned(1200)
    const taken = drain(limit, 0, 60_000)
    // 20 a second, half as many beyond the pace, and half of what was spent already.
    expect(taken[0]).toBeGreaterThan(28)
    expect(taken[0]).toBeLessThan(36)
    for (const second of [1, 2, 3, 4]) {
      expect(taken[second]).toBeGreaterThan(taken[second - 1]! * 1.1)
      expect(taken[second]).toBeLessThan(taken[second - 1]! * 1.7)
    }
    expect(Math.max(...taken)).toBeGreaterThan(150)
    expect(sum(taken.slice(0, 20))).toBeGreaterThan(1480)
    expect(sum(taken)).toBeLessThanOrEqual(1200 + 1200 - 60)
    expect(sum(taken)).toBeGreaterThan(1200 + 1200 - 70)
    for (const second of taken.slice(30)) expect(second).toBeLessThanOrEqual(21)
  })

  it('of 50 a minute lets 30 go in a few seconds', () => {
    const limit = learned(50)
    let count = 0
    let at = 0
    drain(limit, 0, 20_000, (now) => {
      if (++count === 30) at = now
    })
    expect(at).toBeGreaterThan(2000)
    expect(at).toBeLessThan(9000)
    expect(count).toBeLessThan(50 + 20)
  })

  it('is not touched where the user has said how much goes at once, or what the limit is', () => {
    for (const limit of [learned(1200, 1200, false), createLimit('requests', 1200, 1000, 0, true)]) {
      expect(sum(drain(limit, 0, 10_000))).toBeLessThanOrEqual(20 + 200)
      expect(spareOf(limit)).toBe(0)
    }
  })

  it('is not touched where the API holds little more than goes at once', () => {
    const limit = createLimit('requests', 1200, 1000, 0, false, true)
    learn(limit, { limit: 'requests', perMinute: 1200, remaining: 50, resetMs: 1000, sources: [] })
    correct(limit, 50, 0, 0)
    expect(limit.upstreamCapacity).toBe(50)
    const before = limit.level
    expect(sum(drain(limit, 0, 10_000))).toBeLessThanOrEqual(Math.ceil(before) + 200)
  })

  it('is no more than is left by who has spent it before', () => {
    // By others, and by what was sent before the limit was known.
    expect(Math.round(spareOf(learned(1200, 700)))).toBe(99)
    expect(spareOf(learned(1200, 600))).toBe(0)
    expect(shareOf(learned(1200, 60))).toBe(0.05)
    const limit = createLimit('requests', 1200, 1000, 0, false, true)
    learn(limit, { limit: 'requests', perMinute: 1200, remaining: 700, resetMs: 26_000, sources: [] })
    correct(limit, 700, 0, 0, 500)
    expect(Math.round(spareOf(limit))).toBe(639)
    expect(shareOf(limit)).toBe(1)
  })

  it('fills again while it is not used, and can be spent again', () => {
    const limit = learned(1200)
    drain(limit, 0, 20_000)
    flow(limit, 80_000)
    expect(sum(drain(limit, 80_000, 100_000))).toBeGreaterThan(1200 + 400 - 100)
  })

  it('is spent as far as half where others use it too, and then all take their share', () => {
    const limit = learned(1200)
    let held = 1200
    let others = 0
    drain(limit, 0, 120_000, (now) => {
      held -= 1
      // Somebody else takes five a second.
      while (others < now / 200) {
        others++
        held -= 1
      }
      correct(limit, Math.min(1200, Math.floor(held + now / 50)), 0, 0)
    })
    const left = held + 120_000 / 50
    expect(left).toBeGreaterThan(450)
    expect(left).toBeLessThan(650)
    expect(shareOf(limit)).toBeGreaterThan(0.7)
    expect(shareOf(limit)).toBeLessThan(0.95)
  })

  it('counts its own use as that of others once there are any, and not before', () => {
    const limit = learned(1200)
    take(limit, 1100)
    correct(limit, 100, 0, 0)
    expect(shareOf(limit)).toBe(1)
    correct(limit, 40, 0, 0)
    expect(shareOf(limit)).toBeCloseTo(0.05, 3)
  })

  it('is not hurried for while others are about', () => {
    const limit = learned(1200, 1000)
    expect(sum(drain(limit, 0, 2000))).toBeLessThanOrEqual(40)
    expect(spareOf(limit)).toBeGreaterThan(300)
  })

  it('is not counted as taken by others where an answer tells of now, and not of when it was asked', () => {
    const limit = learned(1200)
    take(limit, 500)
    for (const [remaining, since, passedMs, left] of [
      [700, 400, 1000, 700],
      [1100, 400, 1000, 720],
      [600, 400, 1000, 600],
    ] as const) {
      limit.upstream = limit.alone = 700
      correct(limit, remaining, since, passedMs)
      expect(limit.upstream).toBe(left)
    }
  })

  it('comes once, however long nobody has looked', () => {
    const limit = createLimit('input_tokens', 60_000, 15_000, 0, false, true)
    learn(limit, { limit: 'input_tokens', perMinute: 60_000, remaining: 60_000, resetMs: 1000, sources: [] })
    correct(limit, 60_000, 0, 0)
    take(limit, 42_000)
    limit.level = 0
    flow(limit, 10_000)
    // 3,000 above what is kept, and 1,000 a second.
    expect(limit.level).toBe(13_000)
  })

  it('tells its wait by what there is to spend', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 30, max: 3000 }),
        fc.double({ min: 0.5, max: 1, noNaN: true }),
        fc.integer({ min: 1, max: 3000 }),
        (perMinute, part, ahead) => {
          const limit = learned(perMinute, Math.floor(perMinute * part))
          flow(limit, 1)
          const guess = usualWaitMs(limit, 1, ahead)
          let count = 0
          let now = 1
          for (; count <= ahead && now < 200_000; now += 5) {
            flow(limit, now)
            while (waitMs(limit, 1, now) === 0 && count <= ahead) {
              take(limit, 1)
              count++
            }
          }
          // It is what refuses calls: a guess, and never one that refuses who would be served in half of the time.
          if (now >= 200_000) return
          expect(guess).toBeLessThan(now * 1.6 + 1000 + 120_000 / perMinute)
          expect(guess).toBeGreaterThan(now * 0.4 - 4000 - 120_000 / perMinute)
        },
      ),
      { numRuns: 60 },
    )
  })

  it('of tokens is spent as well, but for what goes at once', () => {
    const limit = createLimit('input_tokens', 60_000, 15_000, 0, false, true)
    learn(limit, { limit: 'input_tokens', perMinute: 60_000, remaining: 60_000, resetMs: 1000, sources: [] })
    correct(limit, 60_000, 0, 0)
    let taken = 0
    for (let now = 0; now < 20_000; now++) {
      flow(limit, now)
      if (waitMs(limit, 500, now) > 0) continue
      take(limit, 500)
      taken += 500
      expect(limit.upstream).toBeGreaterThanOrEqual(14_000)
    }
    expect(taken).toBeGreaterThan(60_000)
    expect(taken).toBeLessThanOrEqual(45_000 + 20_000)
  })

  it('of tokens is no more than we have counted ourselves, whatever is said to be left before the answers are written', () => {
    const limit = createLimit('output_tokens', 60_000, 15_000, 0, false, true)
    learn(limit, { limit: 'output_tokens', perMinute: 60_000, remaining: 60_000, resetMs: 1000, sources: [] })
    correct(limit, 60_000, 0, 0)
    let taken = 0
    for (let now = 0; now < 10_000; now++) {
      flow(limit, now)
      if (waitMs(limit, 500, now) > 0) continue
      take(limit, 500)
      taken += 500
      correct(limit, 60_000, 0, 0)
    }
    expect(taken).toBeLessThanOrEqual(45_000 + 10_000)
  })

  it('is shared fairly by processes that come at different times, and nobody is refused', () => {
    const moments = fc.array(fc.nat(90_000), { minLength: 2, maxLength: 6 })
    fc.assert(
      fc.property(moments, (starts) => {
        const perMinute = 1200
        let held = perMinute
        const processes = starts.map((startMs) => ({
          startMs,
          limit: undefined as Limit | undefined,
          late: 0,
        }))
        for (let now = 20; now <= 300_000; now += 20) {
          held = Math.min(perMinute, held + 0.4)
          for (const one of processes) {
            if (now < one.startMs) continue
            one.limit ??= learnedAt(perMinute, Math.floor(held), now)
            const { limit } = one
            flow(limit, now)
            while (waitMs(limit, 1, now) === 0) {
              take(limit, 1)
              held -= 1
              expect(held).toBeGreaterThanOrEqual(0)
              correct(limit, Math.floor(held), 0, 0)
              if (now > 220_000) one.late++
            }
          }
        }
        const fair = 1600 / processes.length
        for (const { late } of processes) {
          expect(late).toBeGreaterThan(fair * 0.8)
          expect(late).toBeLessThan(fair * 1.2)
        }
      }),
      { numRuns: 10 },
    )
  })
})

/** As {@link learned}, at a later time. */
function learnedAt(perMinute: number, remaining: number, now: number): Limit {
  const limit = createLimit('requests', perMinute, 1000, now, false, true)
  const resetMs = ((perMinute - remaining) * 60_000) / perMinute + 1000
  learn(limit, { limit: 'requests', perMinute, remaining, resetMs, sources: [] })
  correct(limit, remaining, 0, 0, 0)
  return limit
}

describe('a limit that counts less than it tells', () => {
  /** What the API really holds: so many seconds' worth. */
  function refusals(limit: Limit, heldMs: number, fromMs: number, toMs: number): number[] {
    const capacity = Math.max(1, (limit.perMinute * heldMs) / 60_000)
    const perMs = limit.perMinute / 60_000
    let held = capacity
    let at = fromMs
    const refused: number[] = []
    drain(limit, fromMs, toMs, (now) => {
      held = Math.min(capacity, held + (now - at) * perMs)
      at = now
      if (held >= 1 - 1e-6) {
        held -= 1
        return
      }
      refused.push(now)
      take(limit, -1)
      narrow(limit)
      // The gate.
      limit.level = Math.min(limit.level, -perMs * 1000)
    })
    return refused
  }

  it('is found out by one refusal, and spent half as far from then on', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 60, max: 3000 }),
        fc.integer({ min: 1000, max: 60_000 }),
        (perMinute, heldMs) => {
          const limit = learned(perMinute)
          const first = refusals(limit, heldMs, 0, 60_000)
          // Where there is no window left to speak of, it is the pace itself that meets it: a request or two.
          expect(first.length).toBeLessThanOrEqual(heldMs < 1100 ? 2 : 1)
          flow(limit, 400_000)
          expect(refusals(limit, heldMs, 400_000, 460_000)).toEqual([])
        },
      ),
      { numRuns: 40 },
    )
  })

  it('is spent as before where its number changes', () => {
    const limit = learned(1200)
    take(limit, 200)
    narrow(limit)
    expect(limit.spendable).toBe(100)
    take(limit, 20)
    narrow(limit)
    expect(limit.spendable).toBe(100)
    const reading = {
      limit: 'requests' as LimitName,
      perMinute: 2400,
      remaining: 2400,
      resetMs: 1000,
      sources: [],
    }
    learn(limit, reading)
    expect(limit.spendable).toBe(Infinity)
  })

  it('is not suspected where there was too little left to tell', () => {
    const limit = learned(1200)
    expect(hasEnough(limit, 1)).toBe(true)
    expect(hasEnough(limit, 600)).toBe(false)
    expect(hasEnough(learned(1200, 31), 1)).toBe(true)
    expect(hasEnough(learned(1200, 30), 1)).toBe(false)
  })
})
