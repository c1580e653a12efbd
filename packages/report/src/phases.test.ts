import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { phaseRows } from './phases.ts'

describe('phaseRows', () => {
  it('keeps names on one line while they fit', () => {
    const phases = [
      { name: 'calm', from: 0, to: 10, isCalm: true },
      { name: 'overload', from: 10, to: 20 },
      { name: 'outage', from: 20, to: 30 },
    ]
    expect(phaseRows(phases, 30, 900).lines).toEqual([undefined, 0, 0])
  })

  it('moves a name down that would cover the one before', () => {
    const phases = [
      { name: 'broken streams', from: 10, to: 11 },
      { name: 'spend limit', from: 11, to: 12 },
    ]
    expect(phaseRows(phases, 30, 344).lines).toEqual([0, 1])
  })

  it('has a line for each name, and height for each line', () => {
    const names = fc.array(
      fc.record({ name: fc.string({ maxLength: 30 }), from: fc.nat(100), length: fc.nat(20) }),
    )
    fc.assert(
      fc.property(names, (given) => {
        const phases = given
          .map(({ name, from, length }) => ({ name, from, to: from + length }))
          .sort((one, other) => one.from - other.from)
        const { lines, height } = phaseRows(phases, 120, 620)
        const used = new Set(lines)
        expect(lines).toHaveLength(phases.length)
        expect(height).toBe(used.size * 16)
        for (const line of used) expect(line).toBeLessThan(used.size)
      }),
    )
  })
})
