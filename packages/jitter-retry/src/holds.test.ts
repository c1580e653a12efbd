import Anthropic from '@anthropic-ai/sdk'
import { BreakwaterError } from '@breakwater/core'
import { params, plainLimiter, seams } from '@breakwater/testing'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { setUp, settle } from './testing/set-up.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => {
  expect(vi.getTimerCount()).toBe(0)
  vi.useRealTimers()
})

describe.each(seams)('jitterRetry inside a limiter, by %s', (seam, clientOf) => {
  it('gives its slot back while it waits, and takes its turn before it sends again', async () => {
    const limiter = plainLimiter({ renewMs: 300 })
    const { send, times, call } = setUp(clientOf, [429, 529], { outside: [limiter.middleware] })
    expect(await send()).toMatchObject({ type: 'message' })
    expect(limiter.log).toEqual([
      '0 take',
      '0 release 429',
      `1300 renew ${params.model}`,
      '1300 release 529',
      `2100 renew ${params.model}`,
      '2100 done',
    ])
    expect(times()).toEqual([0, 1300, 2100])
    expect(call().attempts.map(({ waitMs }) => Math.round(waitMs))).toEqual([0, 1300, 800])
  })

  it('leaves the slot of a last failure to whoever holds it', async () => {
    const limiter = plainLimiter()
    const { send } = setUp(clientOf, [400], { outside: [limiter.middleware] })
    await send()
    expect(limiter.log).toEqual(['0 take', '0 done'])
  })

  it('ends with the refusal of a full queue, in which nothing was sent', async () => {
    const refusal = new BreakwaterError('The queue is full.', { code: 'queue_full', category: 'rate_limit' })
    const limiter = plainLimiter({ refusal })
    const { send, fetch, retries, call } = setUp(clientOf, [500], { outside: [limiter.middleware] })
    const error = await send()
    if (seam === 'middleware') expect(error).toBe(refusal)
    expect(fetch.requests).toHaveLength(1)
    expect(call().attempts).toHaveLength(1)
    expect(retries.map(({ category }) => category)).toEqual(['server_error'])
  })

  it('ends at once when it is aborted in the queue', async () => {
    const limiter = plainLimiter({ renewMs: 60_000 })
    const { client, fetch } = setUp(clientOf, [{ status: 500, repeat: 'forever' }], {
      outside: [limiter.middleware],
    })
    const controller = new AbortController()
    const from = Date.now()
    setTimeout(() => controller.abort(), 5_000)
    const calling = client.messages.create(params, { signal: controller.signal })
    expect(await settle(calling)).toBeInstanceOf(Anthropic.APIUserAbortError)
    expect(Date.now() - from).toBe(5_000)
    expect(fetch.requests).toHaveLength(1)
  })
})
