import { BreakwaterError } from '@breakwater/core'
import { plainLimiter, seams } from '@breakwater/testing'
import { fakeFetch } from '@breakwater/testkit'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { byModel, primary, second, setUp, third } from './testing/set-up.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => {
  expect(vi.getTimerCount()).toBe(0)
  vi.useRealTimers()
})

describe.each(seams)('modelFailover inside a limiter, by %s', (_seam, clientOf) => {
  it('gives the slot of a target back, and takes one for the model that comes next', async () => {
    const limiter = plainLimiter({ renewMs: 200 })
    const { send, times, call } = setUp(clientOf, byModel({ [primary]: 529, [second]: 429 }), {
      outside: [limiter.middleware],
      to: [second, third],
    })
    expect(await send()).toMatchObject({ model: third })
    expect(limiter.log).toEqual([
      '0 take',
      '0 release 529',
      `200 renew ${second}`,
      '200 release 429',
      `400 renew ${third}`,
      '400 done',
    ])
    expect(times()).toEqual([0, 200, 400])
    expect(call().attempts.map(({ waitMs }) => Math.round(waitMs))).toEqual([0, 200, 200])
  })

  it('asks for the model that it goes to while the primary cools down', async () => {
    const limiter = plainLimiter()
    const { send } = setUp(clientOf, byModel({ [primary]: 529 }), {
      outside: [limiter.middleware],
      to: [second],
    })
    await send()
    limiter.log.length = 0
    await send()
    expect(limiter.log).toEqual(['0 take', `0 renew ${second}`, '0 done'])
  })

  it('goes to the next target when the queue of one is full', async () => {
    const refusal = new BreakwaterError('The queue is full.', { code: 'queue_full', category: 'rate_limit' })
    const limiter = plainLimiter({ refusal })
    const { send, models } = setUp(clientOf, () => 529, {
      outside: [limiter.middleware],
      to: [second, { name: 'cache', respond: () => 'from the cache' }],
    })
    expect(await send()).toMatchObject({ content: [{ text: 'from the cache' }] })
    expect(models()).toEqual([primary])
  })

  it('does not ask for what goes another way: a `fetch` of a target, an answer of its own', async () => {
    const elsewhere = fakeFetch({ script: () => 529 })
    const limiter = plainLimiter()
    const { send } = setUp(clientOf, () => 529, {
      outside: [limiter.middleware],
      to: [
        { name: 'elsewhere', fetch: elsewhere },
        { name: 'cache', respond: () => 'from the cache' },
      ],
    })
    await send()
    expect(elsewhere.requests).toHaveLength(1)
    expect(limiter.log).toEqual(['0 take', '0 release 529', '0 done'])
  })
})
