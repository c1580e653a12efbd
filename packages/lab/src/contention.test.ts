import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { contend, createRandom } from './contention.ts'

describe('contend', () => {
  it('lets every client succeed once, whatever the back-off', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 30 }), fc.nat(50), fc.integer(), (clients, waitMs, seed) => {
        const random = createRandom(seed)
        const { calls, timeMs } = contend(clients, () => random() * waitMs, random)
        expect(calls).toBeGreaterThanOrEqual(clients)
        // One winner a round, and a round is four messages.
        expect(calls).toBeLessThanOrEqual(clients * clients)
        expect(timeMs).toBeGreaterThan(0)
      }),
    )
  })

  it('is the same for the same seed', () => {
    const run = () => contend(20, () => 5, createRandom(7))
    expect(run()).toEqual(run())
    expect(contend(20, () => 5, createRandom(8))).not.toEqual(run())
  })

  it('shows the article’s effect: jitter saves calls and time', () => {
    const random = createRandom(1)
    const rangeMs = (index: number) => Math.min(2_000, 5 * 2 ** (index + 1))
    const without = contend(100, rangeMs, random)
    const full = contend(100, (index, _, draw) => draw() * rangeMs(index), random)
    expect(full.calls).toBeLessThan(without.calls / 1.5)
    expect(full.timeMs).toBeLessThan(without.timeMs / 5)
  })
})
