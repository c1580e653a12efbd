import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { retryBudget, type RetryBudget } from './retry-budget.ts'

/** Upstream requests of calls with up to five retries each, while `fails` says of each request whether it does. */
function upstream(budget: RetryBudget, calls: number, fails: () => boolean): number {
  let sent = 0
  for (let call = 0; call < calls; call++) {
    let tries = 1
    let failed = fails()
    while (failed && tries <= 5 && budget.take()) {
      tries++
      failed = fails()
    }
    if (!failed) budget.succeed(tries > 1)
    sent += tries
  }
  return sent
}

/** A generator of the same numbers for the same seed. */
function seeded(seed: number): () => number {
  let state = seed
  return () => {
    state = (state * 1_664_525 + 1_013_904_223) % 2 ** 32
    return state / 2 ** 32
  }
}

describe('retryBudget', () => {
  it('holds 50 retries, and gives out no part of one', () => {
    const budget = retryBudget()
    for (let taken = 0; taken < 50; taken++) expect(budget.take()).toBe(true)
    expect([budget.take(), budget.left]).toEqual([false, 0])
    for (let success = 0; success < 4; success++) budget.succeed(false)
    expect([budget.take(), budget.left]).toEqual([false, 0.8])
    budget.succeed(false)
    expect(budget.take()).toBe(true)
  })

  it('gets a retry back that brought an answer, and never holds more than its capacity', () => {
    const budget = retryBudget({ capacity: 2, refill: 0.5 })
    budget.take()
    budget.take()
    budget.succeed(true)
    expect(budget.left).toBe(1)
    for (let success = 0; success < 9; success++) budget.succeed(true)
    expect(budget.left).toBe(2)
  })

  it('brings a total outage no more than one request a call, once it is drained', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 100 }),
        fc.integer({ min: 100, max: 2000 }),
        (capacity, calls) => {
          const budget = retryBudget({ capacity })
          expect(upstream(budget, 1000, () => true)).toBe(1000 + capacity)
          expect(upstream(budget, calls, () => true)).toBe(calls)
        },
      ),
      { numRuns: 20 },
    )
  })

  it('keeps an outage of nine in ten under 1.2 requests a call, and lets one in ten be mended', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 2 ** 31 }), (seed) => {
        const random = seeded(seed)
        const budget = retryBudget()
        upstream(budget, 1000, () => true)
        expect(upstream(budget, 2000, () => random() < 0.9)).toBeLessThan(2000 * 1.2)
        upstream(budget, 1000, () => false)
        // Each failure gets a second try, and nearly each of those a third.
        expect(upstream(budget, 2000, () => random() < 0.1)).toBeGreaterThan(2000 * 1.08)
        expect(budget.left).toBeGreaterThan(1)
      }),
      { numRuns: 20 },
    )
  })

  it.each([
    [{ capacity: -1 }, 'Expected `capacity` to be a number, 0 or more, got -1.'],
    [{ capacity: Infinity }, 'Expected `capacity` to be a number, 0 or more, got Infinity.'],
    [{ capacity: '9' }, 'Expected `capacity` to be a number, 0 or more, got "9".'],
    [{ refill: 1.5 }, 'Expected `refill` to be a number from 0 to 1, got 1.5.'],
    [{ refill: '0.2' as never }, 'Expected `refill` to be a number from 0 to 1, got "0.2".'],
    [{ refill: NaN }, 'Expected `refill` to be a number from 0 to 1, got NaN.'],
  ])('refuses %o', (options: object, message) => {
    expect(() => retryBudget(options)).toThrow(new TypeError(message))
  })
})
