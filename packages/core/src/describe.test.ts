import { betaRefusalFallbackMiddleware } from '@anthropic-ai/sdk/lib/middleware'
import { describe as suite, expect, it } from 'vitest'
import { chain } from './chain.ts'
import { describe, withDescription, type Description, type Position } from './describe.ts'
import type { Middleware } from './middleware.ts'

function pass(description: Description): Middleware {
  return withDescription((request, next) => next(request), description)
}

const retry = pass({
  name: 'retry',
  worst: ({ maxRequests, maxWaitMs }) => ({
    maxRequests: maxRequests * 3,
    maxWaitMs: maxWaitMs * 3 + 2_000,
  }),
  warn: ({ inside }) => (inside.includes('probe') ? 'retry stands outside probe: swap them.' : undefined),
})
/** Sends one request of its own, past all that is inside it. */
const probe = pass({
  name: 'probe',
  worst: ({ maxRequests, maxWaitMs }) => ({ maxRequests: maxRequests + 1, maxWaitMs }),
})
/** Goes to one other target, unless it is told not to come back. */
const failover = pass({
  name: 'failover',
  rehearse: () => (rehearsal, next) => {
    const { target } = rehearsal
    rehearsal.targetsLeft++
    const first = next()
    rehearsal.targetsLeft--
    if (first.kind !== 'failure' || first.category === 'authentication') return first
    rehearsal.move()
    rehearsal.target = { origin: '', model: 'other', isPrimary: false }
    const second = next()
    rehearsal.target = target
    return second
  },
})

suite('describe', () => {
  it('says that an empty stack sends one request', () => {
    const { text, faults, ...rest } = describe([])
    expect(rest).toEqual({ maxRequests: 1, maxWaitMs: 0, warnings: [] })
    expect(text.split('\n').slice(0, 2)).toEqual(['upstream', 'at most 1 request a call, no waits'])
    expect(faults.rate_limit).toEqual({
      requests: 1,
      waitMs: 0,
      moves: 0,
      outcome: 'error',
      category: 'rate_limit',
      steps: [{ kind: 'request' }],
      primaryOnly: undefined,
    })
    const ends = Object.entries(faults).map(([name, { outcome, category }]) => [name, outcome, category])
    expect(ends).toEqual([
      ['rate_limit', 'error', 'rate_limit'],
      ['rate_limit_hinted', 'error', 'rate_limit'],
      ['overloaded', 'error', 'overloaded'],
      ['stream_cut_early', 'broken_stream', undefined],
      ['stream_cut', 'broken_stream', undefined],
      ['authentication', 'error', 'authentication'],
    ])
  })

  it('adds up from the inside out, so that the order tells', () => {
    expect(describe([probe, retry])).toMatchObject({ maxRequests: 4, maxWaitMs: 2_000, warnings: [] })
    const { text, ...rest } = describe([retry, probe])
    expect(rest).toMatchObject({
      maxRequests: 6,
      maxWaitMs: 2_000,
      warnings: ['retry stands outside probe: swap them.'],
    })
    const lines = text.split('\n')
    expect(lines.slice(0, 2)).toEqual([
      'retry → probe → upstream',
      'at most 6 requests a call, waits of at most 2 s',
    ])
    expect(lines.at(-1)).toBe('warning: retry stands outside probe: swap them.')
  })

  it('ends the waits at the earliest deadline, wherever it is set', () => {
    const late = pass({ name: 'late', deadlineMs: 1_500 })
    const early = pass({ name: 'early', deadlineMs: 1_000 })
    for (const stack of [
      [early, retry, late],
      [retry, early, late],
      [retry, probe, late, early],
    ]) {
      const { maxWaitMs, faults } = describe(stack)
      expect([maxWaitMs, faults.overloaded.waitMs]).toEqual([1_000, 1_000])
    }
  })

  it('sees through chains, and takes one middleware alone', () => {
    const nested = chain(chain(retry), chain(), chain(probe))
    expect(describe(nested)).toEqual(describe([retry, probe]))
  })

  it('takes middleware of others for one request', () => {
    function theirs(...[request, next]: Parameters<Middleware>): Promise<Response> {
      return next(request)
    }
    const { text, maxRequests, faults } = describe([theirs, retry, (request, next) => next(request)])
    expect(text).toContain('theirs (not ours) → retry → anonymous (not ours) → upstream')
    expect([maxRequests, faults.overloaded.requests]).toEqual([3, 3])
  })

  it('knows the refusal fallback of the SDK, which has no name', () => {
    const { text } = describe([retry, betaRefusalFallbackMiddleware([{ model: 'claude-haiku-5-5' }])])
    expect(text).toContain('retry → betaRefusalFallbackMiddleware (not ours) → upstream')
  })

  it('refuses what is no middleware', () => {
    expect(() => describe(['retry'] as unknown as Middleware[])).toThrow(
      new TypeError('Expected `middleware[0]` to be a middleware function, got "retry".'),
    )
  })
})

suite('describe, of faults', () => {
  it('takes what a middleware makes of the worst for every fault, where it has no miniature', () => {
    const { faults } = describe([probe, retry])
    for (const { requests, waitMs, steps } of Object.values(faults)) {
      expect([requests, waitMs]).toEqual([4, 2_000])
      expect(steps).toEqual([
        { kind: 'request' },
        { kind: 'more', requests: 2, waitMs: 2_000 },
        { kind: 'more', requests: 1, waitMs: 0 },
      ])
    }
  })

  it('plays them to the miniatures, of all targets and of the primary alone', () => {
    const { faults } = describe([failover, probe])
    expect(faults.overloaded).toMatchObject({ requests: 4, moves: 1, outcome: 'error' })
    expect(faults.overloaded.primaryOnly).toMatchObject({
      requests: 4,
      moves: 1,
      outcome: 'answer',
      category: undefined,
    })
    expect(faults.authentication).toMatchObject({ requests: 2, moves: 0, primaryOnly: undefined })
    expect(faults.stream_cut).toMatchObject({ moves: 0, outcome: 'broken_stream', primaryOnly: undefined })
  })

  it('makes a miniature anew for each, so that it may remember', () => {
    let made = 0
    const once = pass({
      name: 'once',
      rehearse: () => {
        made++
        let calls = 0
        return (rehearsal, next) => {
          if (calls++ > 0) throw new Error('It has been used before.')
          rehearsal.wait(10)
          return next()
        }
      },
    })
    expect(describe([once]).faults.overloaded.waitMs).toBe(10)
    expect(made).toBe(6)
  })

  it('hands each its place, the worst inside it, and what would be if another stood on its other side', () => {
    const seen: Position[] = []
    const look = (name: string): Middleware =>
      pass({ name, worst: (inside) => inside, warn: (position) => (seen.push(position), []) })
    const inner = pass({
      name: 'inner',
      worst: ({ maxRequests, maxWaitMs }, { outside }) => ({
        maxRequests: maxRequests * (outside.includes('a') ? 2 : 5),
        maxWaitMs,
      }),
    })
    describe([look('a'), inner, look('b')])
    expect(seen.map(({ outside, inside }) => [outside, inside])).toEqual([
      [[], ['inner', 'b']],
      [['a', 'inner'], []],
    ])
    const [first, last] = seen
    // Outside of `a` it is the other one.
    expect(first?.faults().overloaded.requests).toBe(2)
    expect(first?.faults('inner').overloaded.requests).toBe(5)
    expect(last?.faults('inner').overloaded.requests).toBe(2)
    expect(first?.faults('nobody').overloaded.requests).toBe(2)
  })

  it('takes the nearest of a name, and one outside before one inside', () => {
    let moved: readonly unknown[] = []
    const at = (name: string, ms: number): Middleware =>
      pass({ name, rehearse: () => (rehearsal, next) => (rehearsal.wait(ms), next()) })
    const me = pass({
      name: 'me',
      rehearse: () => (rehearsal, next) => (rehearsal.wait(100), next()),
      warn: ({ faults }) => {
        moved = faults('x').overloaded.steps.map((step) => (step.kind === 'wait' ? step.ms : step.kind))
        return ['one', 'two']
      },
    })
    const { warnings } = describe([at('x', 1), at('x', 2), at('y', 3), me, at('y', 4), at('x', 5)])
    expect(moved).toEqual([1, 3, 100, 2, 4, 5, 'request'])
    expect(warnings).toEqual(['one', 'two'])
    describe([at('y', 1), me, at('y', 2), at('x', 3), at('x', 4)])
    expect(moved).toEqual([1, 3, 100, 2, 4, 'request'])
  })
})
