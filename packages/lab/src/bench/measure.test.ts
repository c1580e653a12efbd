import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { namesOf, numbers, shuffled } from './measure.ts'

describe('shuffled', () => {
  it('has the same values, and leaves the given ones as they are', () => {
    fc.assert(
      fc.property(fc.array(fc.integer()), fc.nat(), (values, seed) => {
        const given = [...values]
        expect(shuffled(values, numbers(seed)).toSorted()).toEqual(values.toSorted())
        expect(values).toEqual(given)
      }),
    )
  })

  it('gives each of them each place', () => {
    const dice = numbers()
    const counts = new Map<string, number>()
    for (let round = 0; round < 600; round++) {
      for (const [place, value] of shuffled(['a', 'b', 'c'], dice).entries()) {
        counts.set(`${value} ${place}`, (counts.get(`${value} ${place}`) ?? 0) + 1)
      }
    }
    expect(counts.size).toBe(9)
    expect(Math.min(...counts.values())).toBeGreaterThan(150)
  })
})

describe('numbers', () => {
  it('are from 0 to 1, and the same again', () => {
    const [one, other] = [numbers(7), numbers(7)]
    for (let count = 0; count < 1_000; count++) {
      const number = one()
      expect(number).toBe(other())
      expect(number).toBeGreaterThanOrEqual(0)
      expect(number).toBeLessThan(1)
    }
  })
})

describe('namesOf', () => {
  it('names the cases of a set', async () => {
    expect(await namesOf('stacks')).toEqual(expect.arrayContaining(['bare call', 'the five', 'the recipe']))
  })
})
