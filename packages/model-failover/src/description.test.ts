import { describe as describeStack, withDescription, type Middleware, type Worst } from '@breakwater/core'
import { describe, expect, it, vi } from 'vitest'
import { modelFailover } from './model-failover.ts'
import { second, third } from './testing/set-up.ts'

const stand = (name: string, worst?: Worst): Middleware =>
  withDescription((request, next) => next(request), { name, ...(worst && { worst: () => worst }) })
const inside = { maxRequests: 3, maxWaitMs: 100, maxWaitToMoveMs: 10 }

/** What a middleware outside is told of the inside. */
function worstOf(...stack: readonly Middleware[]): Worst {
  let seen: Worst | undefined
  const look = withDescription((request, next) => next(request), {
    name: 'look',
    worst: (worst) => (seen ??= worst),
  })
  describeStack([look, ...stack])
  if (seen === undefined) throw new Error('Nobody has looked.')
  return seen
}

describe('the worst case of modelFailover', () => {
  it('has the long waits of what stands inside at the last target alone', () => {
    expect(worstOf(modelFailover({ to: [second, third] }), stand('jitterRetry', inside))).toEqual({
      maxRequests: 9,
      maxWaitMs: 2 * 10 + 100,
      maxWaitToMoveMs: 3 * 10,
      sentOnce: 0,
      turns: 9,
    })
    const plain = stand('jitterRetry', { maxRequests: 1, maxWaitMs: 100 })
    expect(worstOf(modelFailover({ to: [second] }), plain).maxWaitMs).toBe(200)
  })

  it('sends once more after a closed connection, where nobody inside does', () => {
    expect(worstOf(modelFailover({ to: [second] }), stand('other', inside))).toEqual({
      maxRequests: 7,
      maxWaitMs: 10 + 2 * 100,
      maxWaitToMoveMs: 3 * 10,
      sentOnce: 1,
      turns: 9,
    })
    const own = modelFailover({ to: [{ fetch, model: third }] })
    expect(worstOf(own, stand('jitterRetry', inside))).toEqual({
      maxRequests: 3 + 1 + 1,
      maxWaitMs: 100,
      maxWaitToMoveMs: 10,
      sentOnce: 1,
      turns: 3,
    })
  })
})

describe('modelFailover in a rehearsal', () => {
  it('tells what stands inside which target is asked, how many are left, and until when', () => {
    const seen: unknown[] = []
    const look = withDescription((request, next) => next(request), {
      name: 'look',
      rehearse: () => (rehearsal, next) => {
        const { target, targetsLeft, deadlineMs, fault } = rehearsal
        if (fault === 'overloaded') seen.push([target, targetsLeft, deadlineMs])
        return next()
      },
    })
    const to = [{ model: second, baseURL: 'https://eu.test/v2' }, { patch: { metadata: null } }]
    const stack = [stand('end'), modelFailover({ to, reserveMs: 1000 }), look]
    const ofPrimary = { origin: '', model: '', isPrimary: true }
    const elsewhere = { origin: 'https://eu.test', model: second, isPrimary: false }
    const patched = { origin: '', model: '', isPrimary: false }
    describeStack(stack)
    expect(seen).toEqual([
      [ofPrimary, 2, Infinity],
      [elsewhere, 1, Infinity],
      [patched, 0, Infinity],
      // The primary alone.
      [ofPrimary, 2, Infinity],
      [elsewhere, 1, Infinity],
    ])
    seen.length = 0
    const limited = withDescription((request, next) => next(request), { name: 'end', deadlineMs: 5000 })
    describeStack([...stack, limited])
    expect(seen.slice(0, 3).map((entry) => (entry as unknown[])[2])).toEqual([4000, 4000, 5000])
  })

  it('comes back to where it stood, and leaves all as it was', () => {
    const asked: string[] = []
    const inner = withDescription((request, next) => next(request), {
      name: 'inner',
      rehearse: () => (rehearsal, next) => {
        if (rehearsal.fault === 'rate_limit') asked.push(rehearsal.target.model)
        return next()
      },
    })
    const twice = withDescription((request, next) => next(request), {
      name: 'twice',
      rehearse: () => (rehearsal, next) => {
        next()
        const { target, targetsLeft } = rehearsal
        expect([target.isPrimary, targetsLeft]).toEqual([true, 0])
        return next()
      },
    })
    describeStack([twice, modelFailover({ to: [second, third] }), inner])
    expect(asked.slice(0, 6)).toEqual(['', second, third, third, '', second])
  })

  it('asks `when`, and takes the default where that fails', () => {
    const when = vi.fn(() => false)
    expect(describeStack(modelFailover({ to: [second], when })).faults.overloaded.moves).toBe(0)
    expect(when).toHaveBeenCalledWith(expect.objectContaining({ category: 'overloaded' }), {
      from: 'primary',
      to: second,
    })
    const broken = modelFailover({
      to: [second],
      when: () => {
        throw new Error('broken')
      },
    })
    expect(describeStack(broken).faults.overloaded.moves).toBe(1)
    expect(describeStack(broken).faults.authentication.moves).toBe(0)
  })

  it('gives back what the call holds when it moves, and takes a turn for each target but one with a fetch of its own', () => {
    const seen: unknown[] = []
    const limiter = withDescription((request, next) => next(request), {
      name: 'limiter',
      rehearse: () => (rehearsal, next) =>
        rehearsal.hold(
          {
            release: (result) => void seen.push(result.kind === 'failure' && result.category),
            renew: () => {
              seen.push(rehearsal.target.model)
              return rehearsal.target.model === third ? { kind: 'failure', category: 'tea' } : undefined
            },
          },
          next,
        ),
    })
    const to = [second, { fetch, model: 'own' }, third]
    const { faults } = describeStack([limiter, modelFailover({ to })])
    const one = ['', 'overloaded', second, 'overloaded', 'overloaded', third]
    // 429 twice, 529: each with the primary alone as well, which ends sooner.
    expect(seen.join()).toContain(one.join())
    expect(faults.overloaded).toMatchObject({ requests: 3, moves: 3, category: 'tea' })
  })

  it('asks nobody for an answer of its own', () => {
    const respond = vi.fn(() => 'Sorry.')
    const { faults } = describeStack(modelFailover({ to: [{ respond }] }))
    expect(faults.overloaded).toMatchObject({ requests: 1, moves: 1, outcome: 'answer' })
    expect(respond).not.toHaveBeenCalled()
  })
})
