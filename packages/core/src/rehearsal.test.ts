import { describe, expect, it } from 'vitest'
import { rehearse, type Rehearsed, type RehearsedMiddleware, type Scene } from './rehearsal.ts'

const overloaded: Scene = {
  fault: 'overloaded',
  answer: { kind: 'failure', category: 'overloaded', status: 529 },
  primaryOnly: false,
  deadlineMs: Infinity,
}
const failed = overloaded.answer
const wait =
  (ms: number): RehearsedMiddleware =>
  (rehearsal, next) => {
    rehearsal.wait(ms)
    return next()
  }
const limit =
  (ms: number): RehearsedMiddleware =>
  (rehearsal, next) =>
    rehearsal.within(ms, next) ?? { kind: 'failure', category: 'timeout' }

describe('a rehearsal', () => {
  it('goes from the outside in, and asks upstream at the end', () => {
    const seen: unknown[] = []
    const look: RehearsedMiddleware = (rehearsal, next) => {
      const { fault, nowMs, requests, waitedMs, deadlineMs, targetsLeft, target } = rehearsal
      seen.push({ fault, nowMs, requests, waitedMs, deadlineMs, targetsLeft, target })
      return next()
    }
    const { result, steps } = rehearse([wait(3), look, wait(4)], { ...overloaded, deadlineMs: 50 })
    expect(result).toEqual(failed)
    expect(steps).toEqual([{ kind: 'wait', ms: 3 }, { kind: 'wait', ms: 4 }, { kind: 'request' }])
    expect(seen).toEqual([
      {
        fault: 'overloaded',
        nowMs: 3,
        requests: 0,
        waitedMs: 3,
        deadlineMs: 50,
        targetsLeft: 0,
        target: { origin: '', model: '', isPrimary: true },
      },
    ])
  })

  it('writes down every step, and no wait of nothing', () => {
    const { steps } = rehearse(
      [
        (rehearsal, next) => {
          next()
          rehearsal.wait(0)
          rehearsal.add(0, 0)
          rehearsal.move()
          rehearsal.add(2, 30)
          expect([rehearsal.requests, rehearsal.waitedMs, rehearsal.nowMs]).toEqual([3, 30, 30])
          return rehearsal.upstream()
        },
      ],
      overloaded,
    )
    expect(steps).toEqual([
      { kind: 'request' },
      { kind: 'move' },
      { kind: 'more', requests: 2, waitMs: 30 },
      { kind: 'request' },
    ])
  })

  it('adds no wait beyond the deadline', () => {
    const { steps } = rehearse(
      [
        (rehearsal, next) => {
          rehearsal.wait(30)
          rehearsal.add(1, 30)
          rehearsal.add(1, 30)
          return next()
        },
      ],
      { ...overloaded, deadlineMs: 50 },
    )
    expect(steps.slice(1, 3)).toEqual([
      { kind: 'more', requests: 1, waitMs: 20 },
      { kind: 'more', requests: 1, waitMs: 0 },
    ])
  })

  it('lets every target fail, or the primary alone', () => {
    const elsewhere: RehearsedMiddleware = (rehearsal, next) => {
      rehearsal.target = { origin: '', model: 'other', isPrimary: false }
      return next()
    }
    expect(rehearse([elsewhere], overloaded).result).toEqual(failed)
    expect(rehearse([elsewhere], { ...overloaded, primaryOnly: true }).result).toEqual({ kind: 'answer' })
    expect(rehearse([], { ...overloaded, primaryOnly: true }).result).toEqual(failed)
  })
})

describe('what a call holds in a rehearsal', () => {
  const holder =
    (name: string, said: string[], refusal?: Rehearsed): RehearsedMiddleware =>
    (rehearsal, next) =>
      rehearsal.hold(
        {
          release: ({ kind }) => void said.push(`${name} back: ${kind}`),
          renew: () => {
            said.push(`${name} again`)
            return refusal
          },
        },
        next,
      )
  const again: RehearsedMiddleware = (rehearsal, next) => {
    rehearsal.release(next())
    return rehearsal.renew() ?? next()
  }

  it('is given back from the inside out and taken from the outside in, by who stands inside', () => {
    const said: string[] = []
    const { steps } = rehearse([holder('a', said), holder('b', said), again, holder('c', said)], overloaded)
    expect(said).toEqual(['b back: failure', 'a back: failure', 'a again', 'b again'])
    expect(steps).toEqual([{ kind: 'request' }, { kind: 'request' }])
    said.length = 0
    rehearse([again, holder('a', said)], overloaded)
    expect(said).toEqual([])
  })

  it('may be refused, and then nobody else is asked', () => {
    const said: string[] = []
    const refusal = { kind: 'failure', category: 'tea' } as const
    const stack = [holder('a', said, refusal), holder('b', said), again]
    expect(rehearse(stack, overloaded).result).toBe(refusal)
    expect(said).toEqual(['b back: failure', 'a back: failure', 'a again'])
  })

  it('is held no longer where a limit has ended its part', () => {
    const said: string[] = []
    const after: RehearsedMiddleware = (rehearsal, next) => {
      const result = next()
      rehearsal.release(result)
      return result
    }
    rehearse([holder('outer', said), after, limit(10), holder('inner', said), wait(20)], overloaded)
    expect(said).toEqual(['outer back: failure'])
  })
})

describe('a limit in a rehearsal', () => {
  it('ends a wait that goes on to it or beyond it', () => {
    for (const ms of [10, 11]) {
      const { result, steps } = rehearse([limit(10), wait(ms)], overloaded)
      expect(result).toEqual({ kind: 'failure', category: 'timeout' })
      expect(steps).toEqual([{ kind: 'wait', ms: 10 }])
    }
    expect(rehearse([limit(10), wait(9)], overloaded).result).toEqual(failed)
  })

  it('is that of the outer one where that comes first or at the same time, and the inner one goes on alone', () => {
    const said: string[] = []
    const named =
      (name: string, ms: number): RehearsedMiddleware =>
      (rehearsal, next) => {
        const result = rehearsal.within(ms, next)
        said.push(`${name} ${result === undefined ? 'over' : result.kind}`)
        return result ?? { kind: 'answer' }
      }
    rehearse([named('outer', 5), named('inner', 10), wait(20)], overloaded)
    rehearse([named('outer', 10), named('inner', 10), wait(20)], overloaded)
    rehearse([named('outer', 10), named('inner', 5), wait(20)], overloaded)
    expect(said).toEqual(['outer over', 'outer over', 'inner over', 'outer answer'])
  })

  it('holds no longer than its part, and begins when that begins', () => {
    const { result, steps } = rehearse(
      [
        (rehearsal, next) => {
          rehearsal.wait(100)
          rehearsal.within(10, () => ({ kind: 'answer' }))
          rehearsal.wait(100)
          return next()
        },
        limit(10),
        wait(9),
      ],
      overloaded,
    )
    expect(result).toEqual(failed)
    expect(steps).toHaveLength(4)
  })

  it('hands on what else is thrown', () => {
    const broken: RehearsedMiddleware = () => {
      throw new Error('mine')
    }
    expect(() => rehearse([limit(10), broken], overloaded)).toThrow('mine')
  })
})
