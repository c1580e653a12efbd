import {
  describe as describeStack,
  withDescription,
  type FaultCourse,
  type Middleware,
  type Rehearsed,
  type Worst,
} from '@breakwater/core'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { RateLimitOptions } from './options.ts'
import { rateLimit } from './rate-limit.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => {
  expect(vi.getTimerCount()).toBe(0)
  vi.useRealTimers()
})

const stand = (name: string, worst?: Worst): Middleware =>
  withDescription((request, next) => next(request), { name, ...(worst && { worst: () => worst }) })

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

/** Sends again after each of these waits, at `model` from the second try on. */
function again(waits: readonly number[], model = ''): Middleware {
  return withDescription((request, next) => next(request), {
    name: 'again',
    rehearse: () => (rehearsal, next) => {
      let result = next()
      for (const ms of waits) {
        rehearsal.release(result)
        rehearsal.wait(ms)
        rehearsal.target = { origin: '', model, isPrimary: true }
        result = rehearsal.renew() ?? next()
      }
      return result
    },
  })
}

const instead = (answer: Rehearsed): Middleware =>
  withDescription((request, next) => next(request), {
    name: 'instead',
    rehearse: () => (_rehearsal, next) => (next(), answer),
  })
const waitsOf = ({ steps }: FaultCourse): number[] =>
  steps.flatMap((step) => (step.kind === 'wait' ? step.ms : []))

describe('the worst case of rateLimit', () => {
  it('waits once a pass, and once for each turn of who sends again inside', () => {
    expect(worstOf(rateLimit())).toMatchObject({ maxRequests: 1, maxWaitMs: 60_000 })
    const inside = { maxRequests: 9, maxWaitMs: 500, maxWaitToMoveMs: 50, turns: 3, sentOnce: 1 }
    expect(worstOf(rateLimit({ maxWaitMs: 100 }), stand('retry', inside))).toEqual({
      maxRequests: 9,
      maxWaitMs: 500 + 3 * 100,
      maxWaitToMoveMs: 50 + 3 * 100,
      turns: 3,
      sentOnce: 1,
    })
    const twice = stand('twice', { maxRequests: 2, maxWaitMs: 0 })
    expect(worstOf(rateLimit({ maxWaitMs: 100 }), twice).maxWaitMs).toBe(200)
  })
})

describe('rateLimit in a rehearsal', () => {
  it('is not in the way of one call, and waits behind its gate for as long as the server says', () => {
    const { faults } = describeStack([rateLimit(), again([1000, 11_000])])
    expect(waitsOf(faults.overloaded)).toEqual([1000, 11_000])
    // The first hint of 10 s, and the second one.
    expect(waitsOf(faults.rate_limit_hinted)).toEqual([1000, 9000, 11_000])
    expect(faults.rate_limit_hinted.requests).toBe(3)
    const outside = describeStack([again([1000, 11_000]), rateLimit()]).faults
    expect(waitsOf(outside.rate_limit_hinted)).toEqual([1000, 9000, 11_000])
  })

  it('slows down after a 429 without a hint', () => {
    const waits = waitsOf(describeStack([rateLimit(), again([0, 0])]).faults.rate_limit)
    expect(waits).toHaveLength(2)
    for (const ms of waits) expect(ms).toBeGreaterThan(100)
    expect(waitsOf(describeStack([rateLimit(), again([0, 0])]).faults.overloaded)).toEqual([])
  })

  it('refuses where a turn is too far away, and nobody sends again for that', () => {
    const limited = (options: RateLimitOptions, ...outside: readonly Middleware[]): FaultCourse =>
      describeStack([...outside, rateLimit(options), again([1000])]).faults.rate_limit_hinted
    expect(limited({ maxWaitMs: 8999 })).toMatchObject({ requests: 1, waitMs: 1000, category: 'rate_limit' })
    expect(limited({ maxWaitMs: 9000 })).toMatchObject({ requests: 2, waitMs: 10_000 })
    const deadline = (deadlineMs: number): Middleware =>
      withDescription((request, next) => next(request), { name: 'end', deadlineMs })
    expect(limited({}, deadline(9999))).toMatchObject({ requests: 1, waitMs: 1000 })
    expect(limited({}, deadline(10_000))).toMatchObject({ requests: 2, waitMs: 10_000 })
    const finals: unknown[] = []
    const look = withDescription((request, next) => next(request), {
      name: 'look',
      rehearse: () => (_rehearsal, next) => {
        const result = next()
        finals.push(result.kind === 'failure' && result.isFinal)
        return result
      },
    })
    limited({ maxWaitMs: 10 }, look)
    expect(finals).toContain(true)
  })

  it('has limits for each origin and model, and gives back a turn that was for another', () => {
    const { faults } = describeStack([rateLimit({ concurrency: 1 }), again([1000], 'other')])
    expect(waitsOf(faults.rate_limit_hinted)).toEqual([1000])
    const back = describeStack([again([1000]), rateLimit({ concurrency: 1 })])
    expect(back.faults.overloaded.requests).toBe(2)
  })

  it('refuses on the way in as well, and then asks nobody', () => {
    const { faults } = describeStack([again([1000]), rateLimit({ maxWaitMs: 10 })])
    expect(faults.rate_limit_hinted).toMatchObject({ requests: 1, waitMs: 1000, category: 'rate_limit' })
  })

  it('has its turn already where nothing was given back', () => {
    const eager = withDescription((request, next) => next(request), {
      name: 'eager',
      rehearse: () => (rehearsal, next) => rehearsal.renew() ?? rehearsal.renew() ?? next(),
    })
    const { faults } = describeStack([rateLimit({ startPerSecond: 1 }), eager])
    expect(waitsOf(faults.overloaded)).toEqual([])
  })

  it('gets back what was not sent', () => {
    const limits = { '*': { requestsPerMinute: 6, burstMs: 0 } }
    const unsent = withDescription((request, next) => next(request), {
      name: 'unsent',
      rehearse: () => () => ({ kind: 'failure', category: 'circuit_open' }),
    })
    const { faults } = describeStack([rateLimit({ limits }), again([1000]), unsent])
    expect(waitsOf(faults.overloaded)).toEqual([1000])
  })

  it('takes no circuit and no refusal of its own for one of the API', () => {
    for (const category of ['circuit_open', 'rate_limit'] as const) {
      const own = instead({ kind: 'failure', category, retryAfterMs: 10_000 })
      expect(waitsOf(describeStack([rateLimit(), again([1000]), own]).faults.overloaded)).toEqual([1000])
    }
  })

  it('counts with the limits of a user', () => {
    const limits = { '*': { requestsPerMinute: 6, burstMs: 0 } }
    const { faults } = describeStack([rateLimit({ limits }), again([1000])])
    expect(waitsOf(faults.stream_cut)).toEqual([1000, 9000])
    // What the API has refused it has not counted.
    expect(waitsOf(faults.overloaded)).toEqual([1000])
  })
})

describe('the warnings of rateLimit', () => {
  it('are of a second one', () => {
    expect(describeStack([stand('jitterRetry'), rateLimit(), stand('modelFailover')]).warnings).toEqual([])
    expect(describeStack([rateLimit(), rateLimit()]).warnings).toEqual([
      expect.stringMatching(/^`rateLimit` inside another one: .*choosing-an-order\.md#a-second-copy$/),
    ])
  })
})
