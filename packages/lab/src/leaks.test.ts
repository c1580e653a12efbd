import { getEventListeners } from 'node:events'
import { expect, it } from 'vitest'
import { heapInUse } from './heap.ts'
import { mixedCalls } from './mixed-calls.ts'

it(
  'leaves no response, no listener and no timer after calls of every kind',
  { timeout: 60_000 },
  async () => {
    const timers = (): number => process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length
    const before = timers()
    const calls = mixedCalls()
    await calls.run(400)
    // What is freed goes in several turns.
    for (let round = 0; round < 10 && calls.responsesLeft() > 0; round++) await heapInUse()
    expect(calls.responsesLeft()).toBe(0)
    expect(getEventListeners(calls.shared, 'abort')).toEqual([])
    expect(timers()).toBeLessThanOrEqual(before)
  },
)
