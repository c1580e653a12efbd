import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { aboveFloorMs, backoffMs, type Jitter, type WaitParts } from './backoff.ts'

const unit = fc.double({ min: 0, max: 1, noNaN: true })
const ms = fc.double({ min: 0, max: 1e7, noNaN: true })
const index = fc.integer({ min: 0, max: 100 })

function draw(parts: Partial<WaitParts> & Pick<WaitParts, 'row'>, random = 1): number {
  return backoffMs({ index: 0, previousMs: 0, jitter: 'full', random: () => random, ...parts })
}

describe('backoffMs', () => {
  const row = { retries: 9, baseMs: 1000, capMs: 10_000 }

  it.each<[Jitter, number, number[]]>([
    ['full', 1, [1000, 2000, 4000, 8000, 10_000]],
    ['full', 0.5, [500, 1000, 2000, 4000, 5000]],
    ['full', 0, [0, 0, 0, 0, 0]],
    ['equal', 1, [1000, 2000, 4000, 8000, 10_000]],
    ['equal', 0, [500, 1000, 2000, 4000, 5000]],
    ['decorrelated', 1, [3000, 9000, 10_000, 10_000, 10_000]],
    ['decorrelated', 0.5, [2000, 3500, 5750, 9125, 10_000]],
    ['decorrelated', 0, [1000, 1000, 1000, 1000, 1000]],
  ])('draws the %s schedule at %d', (jitter, random, expected) => {
    const waits: number[] = []
    for (const [index] of expected.entries()) {
      waits.push(draw({ row, index, jitter, previousMs: waits.at(-1) ?? 0 }, random))
    }
    expect(waits).toEqual(expected)
  })

  it('takes whole milliseconds from the range of its jitter, never above the cap', () => {
    fc.assert(
      fc.property(ms, ms, index, unit, ms, (baseMs, capMs, at, random, previousMs) => {
        const range = Math.min(capMs, baseMs * 2 ** at)
        const bounds: [Jitter, number, number][] = [
          ['full', 0, range],
          ['equal', Math.floor(range / 2), range],
          [
            'decorrelated',
            Math.floor(Math.min(capMs, baseMs)),
            Math.min(capMs, Math.max(baseMs, previousMs) * 3),
          ],
        ]
        for (const [jitter, least, most] of bounds) {
          const wait = draw({ row: { retries: 1, baseMs, capMs }, index: at, jitter, previousMs }, random)
          expect(wait).toBeGreaterThanOrEqual(least)
          expect(wait).toBeLessThanOrEqual(most)
          expect(Number.isInteger(wait)).toBe(true)
        }
      }),
    )
  })

  it('takes a step from its upper half, with any jitter, and repeats the last', () => {
    fc.assert(
      fc.property(fc.array(ms, { minLength: 1 }), index, unit, (stepsMs, at, random) => {
        const step = stepsMs[at] ?? stepsMs.at(-1) ?? 0
        for (const jitter of ['full', 'equal', 'decorrelated'] as const) {
          const wait = draw({ row: { retries: 1, stepsMs }, index: at, jitter }, random)
          expect(wait).toBeGreaterThanOrEqual(Math.floor(step / 2))
          expect(wait).toBeLessThanOrEqual(step)
        }
      }),
    )
  })
})

describe('aboveFloorMs', () => {
  it('never goes under the floor, and at most a tenth or 3 s above', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 2 ** 31 - 1 }), unit, (floorMs, random) => {
        const wait = aboveFloorMs(floorMs, () => random)
        expect(wait).toBeGreaterThanOrEqual(floorMs)
        expect(wait).toBeLessThanOrEqual(Math.ceil(floorMs + Math.min(floorMs / 10, 3000)))
      }),
    )
  })
})
