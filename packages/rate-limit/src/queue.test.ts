import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { agingMs, insert, placeOf, rankOf, type Waiter } from './queue.ts'

interface Mark {
  readonly rank: number
  readonly priority: number
  readonly since: number
}

const marked = fc
  .array(fc.record({ gapMs: fc.nat(5000), priority: fc.integer({ min: -3, max: 3 }) }), { maxLength: 60 })
  .map((list) => {
    let now = 0
    return list.map(({ gapMs, priority }): Mark => {
      now += gapMs
      return { rank: rankOf(now, priority), priority, since: now }
    })
  })

/** A waiter of whom only the order is of interest. */
function queueOf(marks: readonly Mark[]): Mark[] {
  const queue: Mark[] = []
  for (const mark of marks) insert(queue as unknown as Waiter[], mark as unknown as Waiter)
  return queue
}

describe('the order of the queue', () => {
  it('is by time within one priority, and by priority among those who come together', () => {
    fc.assert(
      fc.property(marked, (marks) => {
        const queue = queueOf(marks)
        expect(queue).toHaveLength(marks.length)
        queue.forEach((mark, index) => {
          const next = queue[index + 1]
          if (next === undefined) return
          if (next.priority === mark.priority)
            expect(marks.indexOf(next)).toBeGreaterThan(marks.indexOf(mark))
          if (next.since === mark.since) expect(next.priority).toBeLessThanOrEqual(mark.priority)
        })
      }),
    )
  })

  it('lets nobody be overtaken by who comes later than the steps between them are worth', () => {
    fc.assert(
      fc.property(marked, (marks) => {
        const queue = queueOf(marks)
        for (const mark of marks) {
          for (const before of queue.slice(0, queue.indexOf(mark))) {
            const worthMs = Math.max(0, before.priority - mark.priority) * agingMs
            expect(before.since).toBeLessThanOrEqual(mark.since + worthMs)
          }
        }
      }),
    )
  })

  it('says the place before anybody takes it', () => {
    fc.assert(
      fc.property(marked, fc.integer({ min: -3, max: 3 }), (marks, priority) => {
        const queue = queueOf(marks)
        const mark = { rank: rankOf((marks.at(-1)?.since ?? 0) + 1, priority) }
        const place = placeOf(queue as unknown as Waiter[], mark.rank)
        insert(queue as unknown as Waiter[], mark as unknown as Waiter)
        expect(queue.indexOf(mark as Mark)).toBe(place)
      }),
    )
  })
})
