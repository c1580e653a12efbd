import type { Middleware } from '@breakwater/core'
import { params, seams } from '@breakwater/testing'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { failureOf } from './testing/outcomes.ts'
import { plainRetry } from './testing/retry.ts'
import { setUp } from './testing/set-up.ts'

const [, clientOf] = seams[0]!

beforeEach(() => {
  vi.useFakeTimers()
  // Long after the clock began, as in any process.
  vi.advanceTimersByTime(1_000_000)
})
afterEach(() => {
  expect(vi.getTimerCount()).toBe(0)
  vi.useRealTimers()
})

describe('an abort before the SDK’s own time is over', () => {
  it.each([1_000, 29_998])('is not taken for the SDK’s after %i ms: nothing more is sent', async (ms) => {
    const { middleware, fetch } = setUp(() => ({ network: 'hang' }), { attemptMs: 90_000 })
    const controller = new AbortController()
    const hedge: Middleware = (request, next) => next({ ...request, signal: controller.signal })
    const client = clientOf({ middleware: [hedge, plainRetry(2), middleware], fetch, timeout: 30_000 })
    const error = failureOf(client.messages.create(params))
    await vi.advanceTimersByTimeAsync(ms)
    controller.abort()
    await vi.advanceTimersByTimeAsync(40_000)
    expect(await error).toBeInstanceOf(Error)
    expect(fetch.requests).toHaveLength(1)
  })

  it('counts each attempt by itself: one late in the call is no older for it', async () => {
    const { middleware, fetch } = setUp([529, { network: 'hang' }, {}], { attemptMs: 90_000 })
    const controller = new AbortController()
    const hedge: Middleware = (request, next) => next({ ...request, signal: controller.signal })
    const client = clientOf({
      middleware: [hedge, plainRetry(5, 20_000), middleware],
      fetch,
      timeout: 30_000,
    })
    const error = failureOf(client.messages.create(params))
    // The second attempt begins after 20 s, and has run for 15 s.
    await vi.advanceTimersByTimeAsync(35_000)
    controller.abort()
    await vi.advanceTimersByTimeAsync(200_000)
    await error
    expect(fetch.requests).toHaveLength(2)
  })
})
