import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { TimeChart } from './report.ts'
import { highest, lengthOf, roundUp } from './time-chart.ts'

function chartOf(shape: TimeChart['shape'], values: readonly (readonly (number | null)[])[]): TimeChart {
  return {
    kind: 'time',
    shape,
    unit: 'calls',
    stepSeconds: 2,
    phases: [],
    description: '',
    panels: [{ series: values.map((one, index) => ({ name: `${index}`, tone: 'first', values: one })) }],
  }
}

describe('roundUp', () => {
  it('is above every value, and not far above', () => {
    fc.assert(
      fc.property(fc.double({ min: 1e-6, max: 1e9, noNaN: true }), (value) => {
        const top = roundUp(value)
        expect(top).toBeGreaterThanOrEqual(value * 0.9999)
        expect(top).toBeLessThanOrEqual(value * 1.51)
      }),
    )
  })

  it.each([
    [0, 1],
    [1, 1],
    [4.1, 6],
    [52, 60],
    [999, 1000],
  ])('makes %d %d', (value, top) => {
    expect(roundUp(value)).toBe(top)
  })
})

describe('highest', () => {
  it('is the highest line', () => {
    expect(highest(chartOf('lines', [[1, 30], [20]]))).toBe(30)
  })

  it('is the highest pile of bars', () => {
    expect(
      highest(
        chartOf('bars', [
          [1, 30],
          [20, null],
        ]),
      ),
    ).toBe(30)
    expect(highest(chartOf('bars', [[15, 30], [30]]))).toBe(60)
  })
})

describe('lengthOf', () => {
  it('is that of the longest line, in seconds', () => {
    expect(lengthOf(chartOf('lines', [[1, 2, 3], [1]]))).toBe(6)
  })
})
