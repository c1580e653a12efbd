import { betaRefusalFallbackMiddleware } from '@anthropic-ai/sdk/lib/middleware'
import { describe as suite, expect, it } from 'vitest'
import { chain } from './chain.ts'
import { describe, withDescription, type Description } from './describe.ts'
import type { Middleware } from './middleware.ts'

function pass(description: Description): Middleware {
  return withDescription((request, next) => next(request), description)
}

const retry = pass({
  name: 'retry',
  worst: ({ maxRequests, maxWaitMs }) => ({ maxRequests: maxRequests * 3, maxWaitMs: maxWaitMs * 3 + 2_000 }),
  warn: ({ inside }) => (inside.includes('probe') ? 'retry stands outside probe: swap them.' : undefined),
})
/** Sends one request of its own, past all that is inside it. */
const probe = pass({
  name: 'probe',
  worst: ({ maxRequests, maxWaitMs }) => ({ maxRequests: maxRequests + 1, maxWaitMs }),
})

suite('describe', () => {
  it('says that an empty stack sends one request', () => {
    expect(describe([])).toEqual({
      text: 'upstream\nat most 1 request a call, no waits',
      maxRequests: 1,
      maxWaitMs: 0,
      warnings: [],
    })
  })

  it('adds up from the inside out, so that the order tells', () => {
    expect(describe([probe, retry])).toMatchObject({ maxRequests: 4, maxWaitMs: 2_000, warnings: [] })
    expect(describe([retry, probe])).toEqual({
      text: [
        'retry → probe → upstream',
        'at most 6 requests a call, waits of at most 2 s',
        'warning: retry stands outside probe: swap them.',
      ].join('\n'),
      maxRequests: 6,
      maxWaitMs: 2_000,
      warnings: ['retry stands outside probe: swap them.'],
    })
  })

  it('ends the waits at the earliest deadline, wherever it is set', () => {
    const late = pass({ name: 'late', deadlineMs: 1_500 })
    const early = pass({ name: 'early', deadlineMs: 1_000 })
    for (const stack of [
      [early, retry, late],
      [retry, early, late],
      [retry, probe, late, early],
    ]) {
      expect(describe(stack).maxWaitMs).toBe(1_000)
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
    const { text, maxRequests } = describe([theirs, retry, (request, next) => next(request)])
    expect(text).toContain('theirs (not ours) → retry → anonymous (not ours) → upstream')
    expect(maxRequests).toBe(3)
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
