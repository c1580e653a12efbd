import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Reading } from './headers.ts'
import { correct, createLimit, flow, learn, shareOf, take, usualWaitMs } from './limit.ts'
import { waitMs } from './token-bucket.ts'

const reading = (perMinute: number, remaining: number | undefined, resetMs?: number): Reading => ({
  limit: 'requests',
  perMinute,
  remaining,
  resetMs,
  sources: ['a'],
})

describe('a limit', () => {
  it('allows a second’s worth at once, and then its pace', () => {
    const limit = createLimit('requests', 600, 1000, 0, true)
    for (let index = 0; index < 10; index++) {
      expect(waitMs(limit, 1, 0)).toBe(0)
      take(limit, 1)
    }
    expect(waitMs(limit, 1, 0)).toBe(100)
    flow(limit, 100)
    expect(waitMs(limit, 1, 100)).toBe(0)
  })

  it('allows at least one at once, and never more than half of what the API does', () => {
    expect(createLimit('requests', 5, 1000, 0, true).capacity).toBe(1)
    expect(createLimit('requests', 5, 0, 0, true).capacity).toBe(1)
    expect(createLimit('requests', 600, 60_000, 0, true).capacity).toBe(300)
    const learned = createLimit('requests', 1200, 1000, 0, false)
    learn(learned, reading(1200, 9, 1000))
    expect(learned.capacity).toBe(4.5)
  })

  it('finds out what the API allows at once by when it is whole again', () => {
    const limit = createLimit('input_tokens', 60_000, 15_000, 0, false)
    // 40,000 are missing: 40 s. The date is in whole seconds, so one of them is not believed.
    learn(limit, reading(60_000, 20_000, 40_000))
    expect(limit.upstreamCapacity).toBe(59_000)
    learn(limit, reading(60_000, 10_000, 1_000_000))
    expect(limit.upstreamCapacity).toBe(60_000)
  })

  it('lets a call go that needs more than it can hold, from full, and makes up for it', () => {
    const limit = createLimit('input_tokens', 60_000, 15_000, 0, true)
    expect(waitMs(limit, 50_000, 0)).toBe(0)
    take(limit, 50_000)
    flow(limit, 0)
    // 35,000 overdrawn: 35 s until there is anything, and 15 more until it is full.
    expect(waitMs(limit, 1, 0)).toBeCloseTo(35_001, 0)
    expect(waitMs(limit, 50_000, 0)).toBeCloseTo(50_000, 0)
  })

  it('is never overdrawn by more than a minute', () => {
    const limit = createLimit('output_tokens', 60_000, 15_000, 0, true)
    take(limit, 999_999_999)
    expect(waitMs(limit, 1, 0)).toBeLessThanOrEqual(60_001)
  })

  it('believes less at once, and more never', () => {
    const limit = createLimit('requests', 1200, 1000, 0, true)
    correct(limit, 3, 0, 0)
    expect(limit.level).toBe(3)
    correct(limit, 1000, 0, 0)
    expect(limit.level).toBe(3)
  })

  it('counts what has left since then, but for what has flowed in meanwhile', () => {
    const limit = createLimit('requests', 1200, 1000, 0, true)
    correct(limit, 30, 20, 500)
    // 20 have left, 10 have flowed in.
    expect(limit.level).toBe(20)
    expect(limit.upstream).toBe(20)
    correct(limit, 30, 5, 5000)
    expect(limit.upstream).toBe(30)
  })

  it('owes nothing for an answer that says that nothing is left', () => {
    const limit = createLimit('requests', 1200, 1000, 0, true)
    correct(limit, 0, 50, 0)
    expect(limit.level).toBe(0)
    take(limit, 3)
    correct(limit, 0, 50, 0)
    expect(limit.level).toBe(-3)
  })

  it('shares with others who use the same limit: what they take, it leaves', () => {
    const limit = createLimit('requests', 1200, 1000, 0, true)
    expect(shareOf(limit)).toBe(1)
    correct(limit, 600, 0, 0)
    expect(shareOf(limit)).toBe(1)
    correct(limit, 300, 0, 0)
    expect(shareOf(limit)).toBe(0.25)
    correct(limit, 0, 0, 0)
    expect(shareOf(limit)).toBe(0.05)
  })

  it('does not take its own use for that of others', () => {
    const limit = createLimit('input_tokens', 60_000, 60_000, 0, true)
    take(limit, 55_000)
    correct(limit, 5000, 0, 0)
    expect(shareOf(limit)).toBe(1)
  })

  it('takes its share back with time, when nobody says anything', () => {
    const limit = createLimit('requests', 1200, 1000, 0, true)
    correct(limit, 0, 0, 0)
    flow(limit, 30_000)
    expect(shareOf(limit)).toBe(1)
  })

  it('guesses a wait by the share of the last time, not of the moment', () => {
    const limit = createLimit('requests', 1200, 1000, 0, true)
    take(limit, 20)
    correct(limit, 0, 0, 0)
    expect(usualWaitMs(limit, 1, 0)).toBe(50)
    flow(limit, 10_000)
    const shared = usualWaitMs(limit, 1, 200)
    expect(shared).toBeGreaterThan(15_000)
    expect(shared).toBeLessThan(30_000)
  })

  it('comes to rest where equal shares use all of it', () => {
    // What the API holds, of 1,200 a minute, while so many take their share of it each second.
    for (const processes of [2, 4, 10]) {
      const limits = Array.from({ length: processes }, () => createLimit('requests', 1200, 1000, 0, true))
      let held = 1200
      const taken = limits.map(() => 0)
      for (let now = 50; now <= 300_000; now += 50) {
        held = Math.min(1200, held + 1)
        limits.forEach((limit, index) => {
          flow(limit, now)
          if (waitMs(limit, 1, now) > 0) return
          take(limit, 1)
          held -= 1
          expect(held).toBeGreaterThanOrEqual(0)
          correct(limit, Math.floor(held), 0, 0)
          if (now > 200_000) taken[index]!++
        })
      }
      // 100 s at 20 a second, in equal parts.
      for (const part of taken) expect(part).toBeGreaterThan((2000 / processes) * 0.9)
      for (const part of taken) expect(part).toBeLessThan((2000 / processes) * 1.1)
    }
  })

  it('changes with what the answers say, unless the user has said it', () => {
    const learned = createLimit('requests', 600, 1000, 0, false)
    expect(learn(learned, reading(600, 600))).toBe(false)
    expect(learn(learned, reading(60, 60))).toBe(true)
    expect(learned).toMatchObject({ perMinute: 60, capacity: 1, upstreamCapacity: 60 })
    const fixed = createLimit('requests', 600, 1000, 0, true)
    expect(learn(fixed, reading(60, 60))).toBe(false)
    expect(fixed.perMinute).toBe(600)
  })

  it('owes no more than a minute of what it has become', () => {
    const limit = createLimit('tokens', 60_000, 15_000, 0, false)
    take(limit, 50_000)
    learn(limit, reading(1000, 1000))
    expect(waitMs(limit, 1, 0)).toBeLessThanOrEqual(60_060)
  })

  it('stays a limit, whatever it is told and in whatever order', () => {
    const step = fc.oneof(
      fc.record({
        kind: fc.constant('take' as const),
        amount: fc.double({ min: -1e9, max: 1e9, noNaN: true }),
      }),
      fc.record({
        kind: fc.constant('correct' as const),
        remaining: fc.nat(2_000_000_000),
        since: fc.nat(1e9),
        passedMs: fc.nat(1e9),
      }),
      fc.record({
        kind: fc.constant('learn' as const),
        perMinute: fc.integer({ min: 1, max: 1e9 }),
        remaining: fc.option(fc.nat(1e9), { nil: undefined }),
        resetMs: fc.option(fc.nat(3_600_000), { nil: undefined }),
      }),
      fc.record({ kind: fc.constant('flow' as const), ms: fc.integer({ min: -1000, max: 1e9 }) }),
    )
    fc.assert(
      fc.property(fc.boolean(), fc.array(step, { maxLength: 40 }), (isFixed, steps) => {
        let now = 0
        const limit = createLimit('tokens', 1000, 15_000, now, isFixed)
        for (const one of steps) {
          if (one.kind === 'take') take(limit, one.amount)
          else if (one.kind === 'correct') correct(limit, one.remaining, one.since, one.passedMs)
          else if (one.kind === 'learn') {
            const remaining = one.remaining === undefined ? undefined : Math.min(one.remaining, one.perMinute)
            learn(limit, {
              limit: 'tokens',
              perMinute: one.perMinute,
              remaining,
              resetMs: one.resetMs,
              sources: [],
            })
          } else flow(limit, (now += one.ms))
          expect(limit.capacity).toBeGreaterThanOrEqual(1)
          expect(limit.level).toBeLessThanOrEqual(limit.capacity)
          expect(shareOf(limit)).toBeGreaterThan(0)
          expect(shareOf(limit)).toBeLessThanOrEqual(1)
          // Nobody waits for ever: a minute for what is owed, one to fill, at a twentieth of the pace.
          expect(waitMs(limit, 1e12, now)).toBeLessThanOrEqual(61_000 * 60)
          expect(Number.isFinite(usualWaitMs(limit, 10, 10))).toBe(true)
        }
      }),
    )
  })
})
