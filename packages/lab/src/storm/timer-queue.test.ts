import fc from 'fast-check'
import { expect, test } from 'vitest'
import { createTimerQueue, type Due } from './timer-queue.ts'

const due = (at: number): Due => ({ at, isOff: () => false, run() {} })

test('gives the earliest first, and of those that are due together the first that was added', () => {
  fc.assert(
    fc.property(fc.array(fc.option(fc.integer({ min: 0, max: 9 }), { nil: undefined })), (steps) => {
      const queue = createTimerQueue()
      const reference: Due[] = []
      for (const step of steps) {
        if (step === undefined) {
          // Stable: what was added first stays first.
          reference.sort((one, other) => one.at - other.at)
          expect(queue.take()).toBe(reference.shift())
        } else {
          const item = due(step)
          queue.add(item)
          reference.push(item)
        }
        expect(queue.size).toBe(reference.length)
      }
      reference.sort((one, other) => one.at - other.at)
      for (const item of reference) expect(queue.take()).toBe(item)
      expect(queue.take()).toBeUndefined()
    }),
  )
})
