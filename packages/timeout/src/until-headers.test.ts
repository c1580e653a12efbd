import { getEventListeners } from 'node:events'
import { classify } from '@breakwater/classify'
import { attemptOf, createFetch, type Middleware } from '@breakwater/core'
import { fakeFetch, type Reply } from '@breakwater/testkit'
import { params, seams } from '@breakwater/testing'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { failureOf } from './testing/outcomes.ts'
import { plainRetry } from './testing/retry.ts'
import { off, setUp } from './testing/set-up.ts'
import { timeout } from './timeout.ts'

const hang: Reply = { network: 'hang' }
const url = 'http://fake.invalid/v1/messages'

beforeEach(() => {
  vi.useFakeTimers()
  // No clock begins with a call.
  vi.advanceTimersByTime(1_000_000)
})
afterEach(() => {
  expect(vi.getTimerCount()).toBe(0)
  vi.useRealTimers()
})

/** A `fetch` that never answers, and says of an abort what it likes. */
function fetchThatThrows(error: unknown): typeof globalThis.fetch {
  return (_, init) =>
    new Promise((_resolve, reject) => {
      init?.signal?.addEventListener('abort', () => reject(error as Error))
    })
}

describe('an attempt that a limit ends', () => {
  it.each<[string, unknown]>([
    ['an error of its own', new Error('socket closed')],
    ['a string', 'socket closed'],
    ['null', null],
    ['undefined', undefined],
  ])('is a time-out also where `fetch` rejects with %s', async (_, thrown) => {
    const limited = createFetch(timeout({ ...off, attemptMs: 5_000 }), { fetch: fetchThatThrows(thrown) })
    const error = failureOf(limited(url))
    await vi.advanceTimersByTimeAsync(5_000)
    expect(await error).toMatchObject({ name: 'TimeoutError', limit: 'attempt', limitMs: 5_000 })
  })

  it('discards an answer that comes all the same', async () => {
    const cancel = vi.fn()
    const late: typeof globalThis.fetch = (_, init) =>
      new Promise((resolve) => {
        const answer = (): void => resolve(new Response(new ReadableStream({ cancel })))
        init?.signal?.addEventListener('abort', answer)
      })
    const error = failureOf(createFetch(timeout({ ...off, attemptMs: 5_000 }), { fetch: late })(url))
    await vi.advanceTimersByTimeAsync(5_001)
    expect(await error).toMatchObject({ name: 'TimeoutError', limit: 'attempt' })
    expect(cancel).toHaveBeenCalledOnce()
  })

  it('is the caller’s abort where that comes first, be it in the same millisecond', async () => {
    const controller = new AbortController()
    const reason = new Error('the user left')
    setTimeout(() => controller.abort(reason), 5_000)
    const onTimeout = vi.fn()
    const limited = createFetch(timeout({ ...off, attemptMs: 5_000, onTimeout }), {
      fetch: () => new Promise(() => {}),
    })
    const error = failureOf(limited(url, { signal: controller.signal }))
    await vi.advanceTimersByTimeAsync(5_001)
    expect(await error).toBe(reason)
    expect(onTimeout).not.toHaveBeenCalled()
  })

  it('is written into the ledger once, and is the attempt that its error stands for', async () => {
    const seen: unknown[] = []
    const look: Middleware = async (request, next) => {
      try {
        return await next(request)
      } catch (error) {
        seen.push(attemptOf(error))
        throw error
      }
    }
    const stack = [classify(), look, timeout({ ...off, attemptMs: 5_000 })]
    const limited = createFetch(stack, { fetch: fetchThatThrows(new Error('socket closed')) })
    const error = failureOf(limited(url))
    await vi.advanceTimersByTimeAsync(5_000)
    await error
    expect(seen).toMatchObject([{ durationMs: 5_000, status: undefined, category: 'timeout' }])
  })
})

describe.each(seams)('an attempt, by %s', (_, clientOf) => {
  it('has no timer where only its answer is limited', async () => {
    const { middleware, fetch } = setUp([{ delayMs: 9_000 }], { idleMs: 1_000 })
    const message = clientOf({ middleware, fetch, timeout: 600_000 }).messages.create(params)
    await vi.advanceTimersByTimeAsync(1_000)
    const limited = vi.getTimerCount()
    const fetchAlone = fakeFetch({ script: [{ delayMs: 9_000 }] })
    const unlimited = clientOf({ middleware: [], fetch: fetchAlone, timeout: 600_000 }).messages.create(
      params,
    )
    await vi.advanceTimersByTimeAsync(1_000)
    // As many as without it: the SDK's own, and that of the slow answer.
    expect(vi.getTimerCount() - limited).toBe(limited)
    await vi.advanceTimersByTimeAsync(9_000)
    expect([(await message).type, (await unlimited).type]).toEqual(['message', 'message'])
  })

  it('is told of each limit that it reaches: of its own, then of the call', async () => {
    const { middleware, fetch, told } = setUp([hang, hang], { attemptMs: 5_000, totalMs: 8_000 })
    const error = failureOf(
      clientOf({ middleware: [plainRetry(9, 1_000), middleware], fetch }).messages.create(params),
    )
    await vi.advanceTimersByTimeAsync(60_000)
    await error
    expect(told).toMatchObject([
      { limit: 'attempt', limitMs: 5_000 },
      { limit: 'total', limitMs: 8_000 },
    ])
    expect(told).toHaveLength(2)
  })

  it('is not made at the very moment of the deadline', async () => {
    const { middleware, fetch, told } = setUp([529, {}], { totalMs: 10_000 })
    const error = failureOf(
      clientOf({ middleware: [plainRetry(1, 10_000), middleware], fetch }).messages.create(params),
    )
    await vi.advanceTimersByTimeAsync(60_000)
    expect(await error).toBeInstanceOf(Error)
    expect(fetch.requests).toHaveLength(1)
    expect(told).toMatchObject([{ limit: 'total' }])
  })

  it('has the whole time to its first content, though others have taken long before it', async () => {
    const reply: Reply = { delayMs: 3_000, fault: { kind: 'pings', at: 1 } }
    const { middleware, fetch, told } = setUp([529, reply], { firstTokenMs: 20_000 })
    const client = clientOf({ middleware: [plainRetry(1, 30_000), middleware], fetch })
    const error = failureOf(client.messages.stream(params).finalMessage())
    await vi.advanceTimersByTimeAsync(49_999)
    expect(told).toEqual([])
    await vi.advanceTimersByTimeAsync(1)
    await error
    expect(told).toMatchObject([{ limit: 'firstToken', limitMs: 20_000 }])
  })
})

describe('the signal of the caller', () => {
  it('has one listener, however many calls it serves, and none when they are over', async () => {
    const { middleware, fetch } = setUp(() => hang, { attemptMs: 5_000 })
    const { signal } = new AbortController()
    const limited = createFetch(middleware, { fetch })
    const errors = Array.from({ length: 20 }, () => failureOf(limited(url, { signal })))
    await vi.advanceTimersByTimeAsync(1_000)
    expect(fetch.requests).toHaveLength(20)
    expect(getEventListeners(signal, 'abort')).toHaveLength(1)
    await vi.advanceTimersByTimeAsync(4_000)
    await Promise.all(errors)
    expect(getEventListeners(signal, 'abort')).toEqual([])
  })

  it('has one listener for the calls that have outlived the SDK’s own timer', async () => {
    const [, clientOf] = seams[0]!
    const { middleware, fetch } = setUp(() => hang, { attemptMs: 9_000 })
    const client = clientOf({ middleware: [plainRetry(1), middleware], fetch, timeout: 3_000 })
    const { signal } = new AbortController()
    const before = getEventListeners(signal, 'abort').length
    const errors = Array.from({ length: 5 }, () => failureOf(client.messages.create(params, { signal })))
    await vi.advanceTimersByTimeAsync(2_000)
    const ofSdk = getEventListeners(signal, 'abort').length - before
    await vi.advanceTimersByTimeAsync(2_000)
    expect(fetch.requests).toHaveLength(10)
    expect(getEventListeners(signal, 'abort').length - before).toBe(ofSdk + 1)
    await vi.advanceTimersByTimeAsync(2_000)
    await Promise.all(errors)
    expect(getEventListeners(signal, 'abort')).toHaveLength(before)
  })
})
