import { getEventListeners } from 'node:events'
import { classify, classifyOutcome } from '@breakwater/classify'
import {
  attemptOf,
  callOf,
  createFetch,
  isBreakwaterError,
  type Attempt,
  type Middleware,
} from '@breakwater/core'
import type { Reply } from '@breakwater/testkit'
import Anthropic from '@anthropic-ai/sdk'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { jumpClock } from './testing/clock.ts'
import { plainRetry } from './testing/retry.ts'
import { params, seams } from '@breakwater/testing'
import { failureOf } from './testing/outcomes.ts'
import { off, setUp } from './testing/set-up.ts'
import { timeout, type TimeoutOptions } from './timeout.ts'

const hang: Reply = { network: 'hang' }
const url = 'http://fake.invalid/v1/messages'
const [middlewareSeam] = seams.map(([, clientOf]) => clientOf)

function init(signal: AbortSignal, body: object = params): RequestInit {
  return { method: 'POST', body: JSON.stringify(body), signal }
}

beforeEach(() => void vi.useFakeTimers())
afterEach(() => {
  expect(vi.getTimerCount()).toBe(0)
  vi.useRealTimers()
})

describe('a plain fetch under limits', () => {
  const limits = { attemptMs: 50_000, firstTokenMs: 50_000, idleMs: 50_000, totalMs: 90_000 }
  const stream = { ...params, stream: true }

  it('throws the TimeoutError itself', async () => {
    const { middleware, fetch } = setUp([hang], { attemptMs: 5_000 })
    const error = failureOf(createFetch(middleware, { fetch })(url, init(new AbortController().signal)))
    await vi.advanceTimersByTimeAsync(5_000)
    expect(await error).toMatchObject({ name: 'TimeoutError', limit: 'attempt', limitMs: 5_000 })
    expect(isBreakwaterError(await error)).toBe(true)
  })

  it.each<[string, Reply, object]>([
    ['before the headers', hang, params],
    ['before the first content', { fault: { kind: 'stall', at: 1 } }, stream],
    ['in the middle of a stream', { fault: { kind: 'stall', at: 5 } }, stream],
    ['in the middle of a JSON body', { fault: { kind: 'stall', at: 50 } }, params],
  ])('rejects with the reason of the signal itself, %s, and leaves nothing', async (_, reply, body) => {
    const { middleware, fetch, told } = setUp([reply], limits)
    const controller = new AbortController()
    const sent = createFetch(middleware, { fetch })(url, init(controller.signal, body))
    const error = failureOf(sent.then((response) => response.text()))
    await vi.advanceTimersByTimeAsync(10_000)
    const reason = new Error('the user left')
    controller.abort(reason)
    expect(await error).toBe(reason)
    expect(vi.getTimerCount()).toBe(0)
    expect(getEventListeners(controller.signal, 'abort')).toEqual([])
    expect(fetch.requests[0]?.aborted).toBe(true)
    expect(told).toEqual([])
  })

  it.each<[string, Reply, object, (response: Response) => Promise<unknown>]>([
    ['read', {}, stream, (response) => response.text()],
    ['read as JSON', {}, params, (response) => response.json()],
    ['without a body', { status: 204 }, params, (response) => response.text()],
    ['cancelled', { fault: 'stall' }, stream, async (response) => response.body?.cancel()],
    ['cut', { fault: 'cut' }, stream, (response) => failureOf(response.text())],
  ])('leaves no timer and no listener when the answer is %s', async (_, reply, body, use) => {
    const { middleware, fetch } = setUp([reply], limits)
    const { signal } = new AbortController()
    const response = await createFetch(middleware, { fetch })(url, init(signal, body))
    await use(response)
    expect(vi.getTimerCount()).toBe(0)
    expect(getEventListeners(signal, 'abort')).toEqual([])
  })

  it.each<[string, Reply]>([
    ['limit', hang],
    ['network', { network: 'reset' }],
  ])('leaves no listener when the %s ends it', async (_, reply) => {
    const { middleware, fetch } = setUp([reply], limits)
    const { signal } = new AbortController()
    const error = failureOf(createFetch(middleware, { fetch })(url, init(signal)))
    await vi.advanceTimersByTimeAsync(50_000)
    expect(await error).toBeInstanceOf(Error)
    expect(getEventListeners(signal, 'abort')).toEqual([])
  })

  it('has no timer for an answer that nobody reads', async () => {
    const { middleware, fetch } = setUp([{}], limits)
    await createFetch(middleware, { fetch })(url, init(new AbortController().signal, stream))
    expect(vi.getTimerCount()).toBe(0)
  })

  it('does not look at the body of an answer that nothing limits', async () => {
    const answer = new Response('{}', { headers: { 'content-type': 'application/json' } })
    const body = vi.spyOn(answer, 'body', 'get')
    const ctx = { options: { method: 'post', path: '/v1/messages' }, logger: console } as never
    const send = (limits: TimeoutOptions): Promise<Response> =>
      timeout({ ...off, ...limits })({ url, headers: new Headers() }, () => Promise.resolve(answer), ctx)
    expect(await send({ attemptMs: 5_000 })).toBe(answer)
    expect(body).not.toHaveBeenCalled()
    expect(await send({ idleMs: 5_000 })).not.toBe(answer)
  })

  it('lets the abort of the caller reach an answer that is not wrapped', async () => {
    const { middleware, fetch } = setUp([{ fault: 'stall' }], { attemptMs: 5_000 })
    const controller = new AbortController()
    const response = await createFetch(middleware, { fetch })(url, init(controller.signal, stream))
    const error = failureOf(response.text())
    await vi.advanceTimersByTimeAsync(60_000)
    const reason = new Error('the user left')
    controller.abort(reason)
    expect(await error).toBe(reason)
    expect(fetch.requests[0]?.aborted).toBe(true)
  })

  it.each([{ model: 'm', stream: true }, { stream: true, model: 'm' }, { stream: true }])(
    'knows before the headers that %o asks for a stream',
    async (body) => {
      const { middleware, fetch } = setUp([hang], { firstTokenMs: 5_000 })
      const error = failureOf(
        createFetch(middleware, { fetch })(url, init(new AbortController().signal, body)),
      )
      await vi.advanceTimersByTimeAsync(5_000)
      expect(await error).toMatchObject({ limit: 'firstToken' })
    },
  )

  it('does not take the field of a tool for its own', async () => {
    const { middleware, fetch } = setUp([{ delayMs: 9_000 }], { firstTokenMs: 5_000 })
    const body = { ...params, tool_choice: { stream: true } }
    const sent = createFetch(middleware, { fetch })(url, init(new AbortController().signal, body))
    await vi.advanceTimersByTimeAsync(9_000)
    expect((await sent).status).toBe(200)
  })
})

describe('the ledger', () => {
  it('has the attempts that a limit has ended, and none that was refused', async () => {
    for (const [, clientOf] of seams) {
      let attempts: readonly Attempt[] = []
      const look: Middleware = (request, next, ctx) => {
        attempts = callOf(request, ctx).attempts
        return next(request)
      }
      const { middleware, fetch } = setUp([hang, 529, hang], { attemptMs: 5_000, totalMs: 8_000 })
      const stack = [classify(), look, plainRetry(9, 1_000), middleware]
      const error = failureOf(clientOf({ middleware: stack, fetch }).messages.create(params))
      await vi.advanceTimersByTimeAsync(60_000)
      expect(await error).toBeInstanceOf(Anthropic.APIConnectionTimeoutError)
      expect(fetch.requests).toHaveLength(3)
      expect(attempts).toMatchObject([
        { reason: 'initial', durationMs: 5_000, status: undefined },
        { reason: 'retry', status: 529 },
        { reason: 'retry', durationMs: 1_000, status: undefined },
      ])
    }
  })

  it('keeps the attempt and the verdict of a response that is wrapped', async () => {
    const seen: unknown[] = []
    const look: Middleware = async (request, next, ctx) => {
      const response = await next(request)
      seen.push(attemptOf(response), await classifyOutcome(response, request, ctx))
      return response
    }
    const { middleware, fetch } = setUp([529], { idleMs: 5_000 })
    await failureOf(middlewareSeam!({ middleware: [look, middleware, look], fetch }).messages.create(params))
    // The attempt is written when it leaves `timeout`, which is the innermost that sends.
    expect(seen).toMatchObject([undefined, { category: 'overloaded' }, { status: 529 }, {}])
    expect(seen[3]).toEqual(seen[1])
  })
})

describe('the SDK’s own time-out', () => {
  it('ends an attempt as before where it is the shorter one', async () => {
    for (const [, clientOf] of seams) {
      const { middleware, fetch, told } = setUp([hang], { attemptMs: 9_000 })
      const error = failureOf(clientOf({ middleware, fetch, timeout: 3_000 }).messages.create(params))
      await vi.advanceTimersByTimeAsync(3_000)
      expect(await error).toBeInstanceOf(Anthropic.APIConnectionTimeoutError)
      expect(fetch.requests[0]).toMatchObject({ aborted: true, closedAt: 3_000 })
      expect(told).toEqual([])
    }
  })

  it.each(['JSON', 'stream'])(
    'leaves a retry outside a healthy next attempt, in the SDK’s seam: %s',
    async (kind) => {
      const { middleware, fetch, told } = setUp([hang, hang, { text: 'third' }], { attemptMs: 9_000 })
      const client = middlewareSeam?.({ middleware: [plainRetry(2), middleware], fetch, timeout: 3_000 })
      const answer =
        kind === 'JSON'
          ? client?.messages.create(params).then(({ content }) => JSON.stringify(content))
          : client?.messages.create({ ...params, stream: true }).then(async (stream) => {
              let text = ''
              for await (const event of stream) text += JSON.stringify(event)
              return text
            })
      await vi.advanceTimersByTimeAsync(6_000)
      expect(await answer).toContain('third')
      // The SDK's timer bites only once: the second limit of 3 s is the one that was taken over.
      expect(fetch.requests.map(({ at }) => at)).toEqual([0, 3_000, 6_000])
      expect(told).toMatchObject([{ limit: 'attempt', limitMs: 3_000 }])
    },
  )

  it('lets the caller abort an attempt that is healthy again', async () => {
    const { middleware, fetch } = setUp([hang, hang], { attemptMs: 9_000 })
    const controller = new AbortController()
    const client = middlewareSeam?.({ middleware: [plainRetry(2), middleware], fetch, timeout: 3_000 })
    const error = failureOf(client!.messages.create(params, { signal: controller.signal }))
    await vi.advanceTimersByTimeAsync(4_000)
    controller.abort()
    await vi.advanceTimersByTimeAsync(0)
    expect(await error).toBeInstanceOf(Anthropic.APIUserAbortError)
    expect(fetch.requests).toHaveLength(2)
    expect(fetch.requests[1]).toMatchObject({ aborted: true, closedAt: 4_000 })
    expect(getEventListeners(controller.signal, 'abort')).toEqual([])
  })

  it.each<[string, (client: Anthropic) => Promise<unknown>]>([
    [
      'under the stream helper, which would take the answer for aborted',
      (client) => client.messages.stream(params).finalMessage(),
    ],
  ])('leaves it to the SDK to try again %s', async (_, ask) => {
    const { middleware, fetch } = setUp([hang, {}], { attemptMs: 9_000 })
    const parts = { middleware: [plainRetry(2), middleware], fetch, timeout: 3_000, maxRetries: 1 }
    const message = ask(middlewareSeam!(parts))
    await vi.advanceTimersByTimeAsync(10_000)
    expect(await message).toMatchObject({ type: 'message' })
    expect(fetch.requests).toHaveLength(2)
  })

  it('is not mistaken for what a middleware outside has aborted', async () => {
    const { middleware, fetch } = setUp([hang, hang, hang], { attemptMs: 9_000 })
    const controller = new AbortController()
    const hedge: Middleware = (request, next) => next({ ...request, signal: controller.signal })
    for (const outside of [hedge, timeout({ ...off, totalMs: 1_000 })]) {
      const client = middlewareSeam!({
        middleware: [outside, plainRetry(2), middleware],
        fetch,
        timeout: 30_000,
      })
      const before = fetch.requests.length
      const error = failureOf(client.messages.create(params))
      await vi.advanceTimersByTimeAsync(1_000)
      controller.abort()
      await vi.advanceTimersByTimeAsync(1_000)
      await error
      expect(fetch.requests).toHaveLength(before + 1)
    }
  })

  it('is not mistaken for the limit of another timeout', async () => {
    const { middleware, fetch } = setUp([hang, hang], { attemptMs: 9_000 })
    const outside = timeout({ ...off, attemptMs: 1_200 })
    const client = middlewareSeam!({
      middleware: [outside, plainRetry(2), middleware],
      fetch,
      timeout: 1_900,
    })
    const error = failureOf(client.messages.create(params))
    await vi.advanceTimersByTimeAsync(5_000)
    await error
    expect(fetch.requests).toHaveLength(1)
  })

  it('is final under createFetch, where it cannot be told from an abort', async () => {
    const [, fetchSeam] = seams.map(([, clientOf]) => clientOf)
    const { middleware, fetch } = setUp([hang, {}], { attemptMs: 9_000 })
    const error = failureOf(
      fetchSeam!({ middleware: [plainRetry(2), middleware], fetch, timeout: 3_000 }).messages.create(params),
    )
    await vi.advanceTimersByTimeAsync(3_000)
    expect(await error).toBeInstanceOf(Anthropic.APIConnectionTimeoutError)
    expect(fetch.requests).toHaveLength(1)
  })
})

describe('a machine that wakes up', () => {
  it.each<[string, Reply]>([
    ['the headers', { delayMs: 60_500 }],
    ['the next content', { text: 'x', fault: { kind: 'drip', at: 6, gapMs: 60_500 } }],
  ])('finds %s that had arrived meanwhile', async (_, reply) => {
    for (const [, clientOf] of seams) {
      const limits = { attemptMs: 60_000, firstTokenMs: 60_000, idleMs: 60_000 }
      const { middleware, fetch, told } = setUp([reply], limits)
      const message = clientOf({ middleware, fetch }).messages.stream(params).finalMessage()
      await vi.advanceTimersByTimeAsync(30_000)
      expect(vi.getTimerCount()).toBeGreaterThan(0)
      jumpClock(3_600_000)
      await vi.advanceTimersByTimeAsync(30_500)
      expect(await message).toMatchObject({ type: 'message' })
      expect(told).toEqual([])
    }
  })

  it('finds out that the server is silent, 10 s later', async () => {
    const { middleware, fetch, told } = setUp([{ fault: { kind: 'stall', at: 4 } }], { idleMs: 60_000 })
    const error = failureOf(middlewareSeam!({ middleware, fetch }).messages.stream(params).finalMessage())
    await vi.advanceTimersByTimeAsync(30_000)
    jumpClock(3_600_000)
    await vi.advanceTimersByTimeAsync(39_999)
    expect(told).toEqual([])
    await vi.advanceTimersByTimeAsync(1)
    expect(told).toHaveLength(1)
    await error
  })
})
