import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { median, quantile, share, shareOfAdded } from './stats.ts'

describe('quantile', () => {
  it.each([
    [[3, 1, 2], 0.5, 2],
    [[4, 1, 3, 2], 0.5, 2.5],
    [[1, 2, 3, 4, 5], 0.75, 4],
    [[1, 2], 0.75, 1.75],
    [[7], 0.9, 7],
    [[10, 9, 100], 1, 100],
    [[10, 9, 100], 0, 9],
  ])('of %j at %d is %d', (values, at, expected) => {
    expect(quantile(values, at)).toBe(expected)
  })

  it('is nothing of nothing', () => {
    expect(quantile([], 0.5)).toBeNaN()
  })

  it('grows with the share, and lies among the values', () => {
    const values = fc.array(fc.integer({ min: -1e6, max: 1e6 }), { minLength: 1 })
    const at = fc.double({ min: 0, max: 1, noNaN: true })
    fc.assert(
      fc.property(values, at, at, (values, one, other) => {
        const [low, high] = [Math.min(one, other), Math.max(one, other)]
        const found = quantile(values, low)
        expect(found).toBeLessThanOrEqual(quantile(values, high))
        expect(found).toBeGreaterThanOrEqual(Math.min(...values))
        expect(quantile(values, high)).toBeLessThanOrEqual(Math.max(...values))
      }),
    )
  })

  it('leaves the values as they are', () => {
    const values = [3, 1, 2]
    median(values)
    expect(values).toEqual([3, 1, 2])
  })
})

describe('shareOfAdded', () => {
  it('is what ours adds to the bare call, beside what theirs adds', () => {
    expect(shareOfAdded([15, 15, 15], [30, 30, 30], [10, 10, 10])).toBe(0.25)
  })

  it('compares what ran in the same round', () => {
    // The machine is twice as slow in the second round, and for one of them only in the third.
    expect(shareOfAdded([15, 30, 90], [30, 60, 30], [10, 20, 10])).toBe(0.25)
  })
})

describe('share', () => {
  it('compares what ran in the same round', () => {
    expect(share([5, 10, 90], [10, 20, 10])).toBe(0.5)
  })
})
