import { setImmediate } from 'node:timers/promises'
import Anthropic, { type Middleware as SdkMiddleware } from '@anthropic-ai/sdk'
import {
  callOf,
  describe as describeStack,
  remainingMs,
  sleep,
  withDescription,
  type Middleware,
} from '@breakwater/core'
import { classifyError, classifyOutcome, type Classification } from '@breakwater/classify'
import { fakeFetch, type Reply } from '@breakwater/testkit'
import { afterEach, beforeEach, describe, expect, expectTypeOf, it, vi } from 'vitest'
import { isTimeoutError, TimeoutError } from './timeout-error.ts'
import { plainRetry } from './testing/retry.ts'
import { params, seams } from '@breakwater/testing'
import { failureOf, typesOf } from './testing/outcomes.ts'
import { off, setUp } from './testing/set-up.ts'
import { timeout, timeoutDefaults, type TimeoutOptions } from './timeout.ts'

const hang: Reply = { network: 'hang' }

/** Writes down the verdict on what passes it. */
function verdicts(): { seen: (Classification | undefined)[]; middleware: Middleware } {
  const seen: (Classification | undefined)[] = []
  const middleware: Middleware = async (request, next, ctx) => {
    try {
      return await next(request)
    } catch (error) {
      seen.push(await classifyOutcome(error, request, ctx))
      throw error
    }
  }
  return { seen, middleware }
}

beforeEach(() => void vi.useFakeTimers())
afterEach(() => {
  expect(vi.getTimerCount()).toBe(0)
  vi.useRealTimers()
})

describe.each(seams)('timeout, by %s', (seam, clientOf) => {
  it('hands on the very response where no limit of a body is set', async () => {
    const seen: Response[] = []
    const look: Middleware = async (request, next) => {
      const response = await next(request)
      seen.push(response)
      return response
    }
    const { middleware, fetch } = setUp([], { attemptMs: 1_000 })
    const client = clientOf({ middleware: [look, middleware, look], fetch })
    expect((await client.messages.create(params)).type).toBe('message')
    expect(await client.messages.stream(params).finalText()).not.toBe('')
    expect(seen[0]).toBe(seen[1])
    expect(seen[2]).toBe(seen[3])
  })

  it('changes nothing that the caller sees of an answer under all limits', async () => {
    const limits = { attemptMs: 1_000, firstTokenMs: 1_000, idleMs: 1_000, totalMs: 1_000 }
    const script = [{ text: 'hello wörld' }, { text: 'hello wörld' }, { status: 404 }, 529]
    const { middleware, fetch, told } = setUp(script, limits)
    const client = clientOf({ middleware, fetch })
    const { data, response } = await client.messages.create(params).withResponse()
    expect(data.content).toMatchObject([{ text: 'hello wörld' }])
    expect([response.status, response.statusText]).toEqual([200, 'OK'])
    expect(Object.fromEntries(response.headers)).toEqual(fetch.requests[0]?.reply?.headers)
    expect(await client.messages.stream(params).finalText()).toBe('hello wörld')
    await expect(client.messages.create(params)).rejects.toBeInstanceOf(Anthropic.NotFoundError)
    await expect(client.messages.create(params)).rejects.toBeInstanceOf(Anthropic.OverloadedError)
    expect(told).toEqual([])
  })

  describe('attemptMs', () => {
    it('ends an attempt without headers, as the SDK’s own time-out', async () => {
      const { middleware, fetch, told, events } = setUp([hang], { attemptMs: 5_000 })
      const { seen, middleware: look } = verdicts()
      const error = failureOf(clientOf({ middleware: [look, middleware], fetch }).messages.create(params))
      await vi.advanceTimersByTimeAsync(4_999)
      expect(fetch.requests[0]?.aborted).toBe(false)
      await vi.advanceTimersByTimeAsync(1)
      expect(await error).toBeInstanceOf(Anthropic.APIConnectionTimeoutError)
      expect(fetch.requests).toMatchObject([{ aborted: true, closedAt: 5_000 }])
      expect(seen).toMatchObject([{ category: 'timeout', trips: 'failure', replay: 'ambiguous' }])
      const event = {
        type: 'timeout',
        category: 'timeout',
        limit: 'attempt',
        limitMs: 5_000,
        model: params.model,
      }
      expect(told).toEqual([event])
      expect(events).toEqual([event])
    })

    it('is told to the middlewares inside as the time-out that it is', async () => {
      const { middleware, fetch } = setUp([hang], { attemptMs: 5_000 })
      const { seen, middleware: look } = verdicts()
      const error = failureOf(clientOf({ middleware: [middleware, look], fetch }).messages.create(params))
      await vi.advanceTimersByTimeAsync(5_000)
      await error
      expect(seen).toMatchObject([{ category: 'timeout', trips: 'failure' }])
    })

    it('does not end an answer whose headers have come', async () => {
      const { middleware, fetch } = setUp([{ gapMs: 4_000 }], { attemptMs: 5_000 })
      const text = clientOf({ middleware, fetch }).messages.stream(params).finalText()
      await vi.advanceTimersByTimeAsync(60_000)
      expect(await text).not.toBe('')
    })

    it('is retried by the SDK as a time-out of its own', async () => {
      const { middleware, fetch } = setUp([hang, hang, {}], { attemptMs: 5_000 })
      const message = clientOf({ middleware, fetch, maxRetries: 2 }).messages.create(params)
      await vi.runAllTimersAsync()
      expect((await message).type).toBe('message')
      expect(fetch.requests).toHaveLength(3)
    })

    it('ends only its own attempt: a retry outside goes on', async () => {
      const { middleware, fetch, told } = setUp([hang, hang, { text: 'third' }], { attemptMs: 5_000 })
      const client = clientOf({ middleware: [plainRetry(2), middleware], fetch })
      const text = client.messages.stream(params).finalText()
      await vi.advanceTimersByTimeAsync(10_000)
      expect(await text).toBe('third')
      expect(fetch.requests.map(({ at }) => at)).toEqual([0, 5_000, 10_000])
      expect(told).toHaveLength(2)
    })

    it('takes all tries of a retry inside for one attempt', async () => {
      const { middleware, fetch } = setUp([529, 529, {}], { attemptMs: 5_000 })
      const client = clientOf({ middleware: [middleware, plainRetry(2, 3_000)], fetch })
      const error = failureOf(client.messages.create(params))
      await vi.advanceTimersByTimeAsync(5_001)
      expect(await error).toBeInstanceOf(Anthropic.APIConnectionTimeoutError)
      expect(fetch.requests).toHaveLength(2)
      await vi.runAllTimersAsync()
      // Whoever does not obey the signal may go on, but reaches nobody.
      expect(fetch.requests).toHaveLength(2)
    })

    it('does not wait for what ignores the signal, and discards what it brings', async () => {
      const cancel = vi.fn()
      const deaf: Middleware = async () => {
        await sleep(60_000)
        return new Response(new ReadableStream({ cancel }))
      }
      const { middleware } = setUp([], { attemptMs: 5_000, idleMs: 1_000 })
      const error = failureOf(clientOf({ middleware: [middleware, deaf] }).messages.create(params))
      await vi.advanceTimersByTimeAsync(5_001)
      expect(await error).toBeInstanceOf(Anthropic.APIConnectionTimeoutError)
      await vi.advanceTimersByTimeAsync(60_000)
      expect(cancel).toHaveBeenCalledOnce()
    })
  })

  describe('firstTokenMs', () => {
    it.each<[string, Reply]>([
      ['before the headers', hang],
      ['before message_start', { fault: { kind: 'stall', at: 0 } }],
      ['after message_start', { fault: { kind: 'stall', at: 1 } }],
      ['with pings only', { fault: { kind: 'pings', at: 1 } }],
    ])('ends a stream without content %s', async (_, reply) => {
      const { middleware, fetch, told } = setUp([reply], { firstTokenMs: 20_000 })
      const error = failureOf(clientOf({ middleware, fetch }).messages.stream(params).finalMessage())
      await vi.advanceTimersByTimeAsync(19_999)
      expect(told).toEqual([])
      await vi.advanceTimersByTimeAsync(1)
      expect(classifyError(await error).category).toBe('timeout')
      expect(told).toMatchObject([{ limit: 'firstToken', limitMs: 20_000 }])
      expect(fetch.requests[0]?.aborted).toBe(true)
    })

    it('counts from the beginning of the attempt', async () => {
      const reply = { delayMs: 15_000, fault: { kind: 'pings', at: 1 } } as const
      const { middleware, fetch, told } = setUp([reply], { firstTokenMs: 20_000 })
      const error = failureOf(clientOf({ middleware, fetch }).messages.stream(params).finalMessage())
      await vi.advanceTimersByTimeAsync(20_000)
      await error
      expect(told).toMatchObject([
        { limit: 'firstToken', status: 200, requestId: fetch.requests[0]?.reply?.requestId },
      ])
    })

    it('is met by the start of a content block', async () => {
      const { middleware, fetch, told } = setUp([{ fault: { kind: 'pings', at: 2 } }], {
        firstTokenMs: 20_000,
      })
      const controller = new AbortController()
      const stream = clientOf({ middleware, fetch }).messages.stream(params, { signal: controller.signal })
      const error = failureOf(stream.finalMessage())
      await vi.advanceTimersByTimeAsync(600_000)
      expect(told).toEqual([])
      controller.abort()
      expect(await error).toBeInstanceOf(Anthropic.APIUserAbortError)
    })

    it('has no meaning for an answer that is no stream', async () => {
      const { middleware, fetch } = setUp([{ delayMs: 30_000 }], { firstTokenMs: 20_000 })
      const message = clientOf({ middleware, fetch }).messages.create(params)
      await vi.advanceTimersByTimeAsync(30_000)
      expect((await message).type).toBe('message')
    })
  })

  describe('idleMs', () => {
    const names = ['ping', 'delta', 'delta', 'stop', 'message_delta', 'message_stop']
    it.each(names.map((name, index) => [name, index + 2]))(
      'ends a stream that stalls before its %s',
      async (_, at) => {
        const { middleware, fetch, told } = setUp([{ text: 'x'.repeat(20), fault: { kind: 'stall', at } }], {
          idleMs: 20_000,
        })
        const stream = await clientOf({ middleware, fetch }).messages.create({ ...params, stream: true })
        const error = failureOf(typesOf(stream))
        await vi.advanceTimersByTimeAsync(19_999)
        expect(told).toEqual([])
        await vi.advanceTimersByTimeAsync(1)
        expect(await error).toMatchObject({ name: 'TimeoutError', limit: 'idle', limitMs: 20_000 })
        expect(fetch.requests[0]?.aborted).toBe(true)
      },
    )

    it('takes no ping for content', async () => {
      const { middleware, fetch } = setUp([{ fault: { kind: 'pings', at: 4, gapMs: 3_000 } }], {
        idleMs: 20_000,
      })
      const stream = await clientOf({ middleware, fetch }).messages.create({ ...params, stream: true })
      const error = failureOf(typesOf(stream))
      await vi.advanceTimersByTimeAsync(20_000)
      expect(await error).toMatchObject({ limit: 'idle' })
    })

    it('takes thinking for content', async () => {
      const thinking = 'let me think '.repeat(10)
      const { middleware, fetch, told } = setUp([{ thinking, gapMs: 9_000 }], {
        firstTokenMs: 60_000,
        idleMs: 20_000,
      })
      const message = clientOf({ middleware, fetch }).messages.stream(params).finalMessage()
      await vi.advanceTimersByTimeAsync(600_000)
      expect((await message).content).toMatchObject([{ thinking }, { type: 'text' }])
      expect(told).toEqual([])
    })

    it('reaches the caller of the stream helper as the cause', async () => {
      const { middleware, fetch } = setUp([{ fault: { kind: 'stall', at: 4 } }], { idleMs: 20_000 })
      const error = failureOf(clientOf({ middleware, fetch }).messages.stream(params).finalMessage())
      await vi.advanceTimersByTimeAsync(20_000)
      expect(await error).toMatchObject({ cause: { name: 'TimeoutError', limit: 'idle' } })
      expect(classifyError(await error).category).toBe('timeout')
    })

    it.each([200, 529])('ends a JSON body of status %i that stalls', async (status) => {
      const { middleware, fetch, told } = setUp([{ status, fault: { kind: 'stall', at: 10 } }], {
        idleMs: 20_000,
      })
      const error = failureOf(clientOf({ middleware, fetch }).messages.create(params))
      await vi.advanceTimersByTimeAsync(20_000)
      if (status === 200) expect(await error).toMatchObject({ name: 'TimeoutError', limit: 'idle' })
      // The SDK keeps the status, and what it can say of the body.
      else
        expect(await error).toMatchObject({ status, message: expect.stringContaining('timed out') as string })
      expect(told).toMatchObject([{ limit: 'idle', status }])
      expect(fetch.requests[0]).toMatchObject({ aborted: true, bytesSent: 10 })
    })

    it('lets a JSON body drip', async () => {
      const { middleware, fetch } = setUp([{ text: 'slow', chunkBytes: 100, gapMs: 15_000 }], {
        idleMs: 20_000,
      })
      // The SDK reads an answer when somebody asks for it.
      const content = clientOf({ middleware, fetch })
        .messages.create(params)
        .then((message) => message.content)
      await vi.advanceTimersByTimeAsync(600_000)
      expect(await content).toMatchObject([{ text: 'slow' }])
    })

    it('does not take a slow reader for a silent server', async () => {
      const { middleware, fetch, told } = setUp([{ text: 'hello world' }], {
        idleMs: 20_000,
        firstTokenMs: 20_000,
      })
      const stream = await clientOf({ middleware, fetch }).messages.create({ ...params, stream: true })
      const types: string[] = []
      for await (const { type } of stream) {
        types.push(type)
        await vi.advanceTimersByTimeAsync(60_000)
      }
      expect(types.at(-1)).toBe('message_stop')
      expect(told).toEqual([])
    })
  })

  describe('totalMs', () => {
    it.each<[string, Reply]>([
      ['before the headers', hang],
      ['in a stall', { fault: { kind: 'stall', at: 4 } }],
      ['in an endless drip', { text: 'x'.repeat(1_000), fault: { kind: 'drip', at: 4, gapMs: 900 } }],
    ])('ends a stream %s', async (_, reply) => {
      const limits = { totalMs: 20_000, firstTokenMs: 30_000, idleMs: 30_000, attemptMs: 30_000 }
      const { middleware, fetch, told } = setUp([reply], limits)
      const error = failureOf(clientOf({ middleware, fetch }).messages.stream(params).finalMessage())
      await vi.advanceTimersByTimeAsync(19_999)
      expect(told).toEqual([])
      await vi.advanceTimersByTimeAsync(1)
      expect(classifyError(await error).category).toBe('timeout')
      expect(told).toMatchObject([{ limit: 'total', limitMs: 20_000 }])
      expect(fetch.requests).toMatchObject([{ aborted: true }])
    })

    it('ends a JSON body that drips for ever', async () => {
      const { middleware, fetch } = setUp([{ endless: true, gapMs: 500 }], { totalMs: 20_000 })
      const error = failureOf(clientOf({ middleware, fetch }).messages.create(params))
      await vi.advanceTimersByTimeAsync(20_000)
      expect(await error).toMatchObject({ limit: 'total' })
    })

    it('reads nothing more after the deadline, however fast an endless answer comes', async () => {
      const { middleware, fetch } = setUp([{ fault: { kind: 'drip', gapMs: 0 }, endless: true }], {
        totalMs: 20_000,
      })
      const { body } = await clientOf({ middleware, fetch }).messages.create(params).asResponse()
      const reader = body?.getReader()
      expect(await reader?.read()).toMatchObject({ done: false })
      await vi.advanceTimersByTimeAsync(20_000)
      await expect(reader?.read()).rejects.toMatchObject({ limit: 'total' })
    })

    it.each(['outside', 'inside'])('holds for the whole call from %s of a retry', async (place) => {
      const { middleware, fetch, told } = setUp(() => ({ status: 529, delayMs: 1_000 }), { totalMs: 10_000 })
      const retry = plainRetry(20, 2_000)
      const stack = place === 'outside' ? [middleware, retry] : [retry, middleware]
      const error = failureOf(clientOf({ middleware: stack, fetch }).messages.create(params))
      await vi.advanceTimersByTimeAsync(10_000)
      // At 0, 3, 6 and 9 seconds; the last one is cut short.
      expect(fetch.requests.map(({ at }) => at)).toEqual([0, 3_000, 6_000, 9_000])
      await vi.runAllTimersAsync()
      expect(await error).toBeInstanceOf(Anthropic.APIConnectionTimeoutError)
      expect(fetch.requests).toHaveLength(4)
      expect(told).toMatchObject([{ limit: 'total' }])
    })

    it('is the deadline of the call, for those who plan with it', async () => {
      const left: number[] = []
      const look: Middleware = async (request, next, ctx) => {
        try {
          return await next(request)
        } finally {
          left.push(remainingMs(callOf(request, ctx)))
        }
      }
      const { middleware, fetch } = setUp([{ delayMs: 4_000 }], { totalMs: 10_000 })
      const message = clientOf({ middleware: [look, middleware], fetch }).messages.create(params)
      await vi.advanceTimersByTimeAsync(4_000)
      await message
      expect(left).toEqual([6_000])
    })

    it('counts what the call has waited before it comes here', async () => {
      const queue: Middleware = async (request, next, ctx) => {
        callOf(request, ctx)
        await sleep(8_000)
        return next(request)
      }
      const { middleware, fetch, told } = setUp([hang], { totalMs: 10_000 })
      const error = failureOf(clientOf({ middleware: [queue, middleware], fetch }).messages.create(params))
      await vi.advanceTimersByTimeAsync(10_000)
      expect(await error).toBeInstanceOf(Anthropic.APIConnectionTimeoutError)
      expect(told).toHaveLength(1)
    })
  })

  describe('an abort of the caller', () => {
    const limits = { attemptMs: 50_000, firstTokenMs: 50_000, idleMs: 50_000, totalMs: 50_000 }
    it.each<[string, Reply]>([
      ['before the headers', hang],
      ['before the first content', { fault: { kind: 'stall', at: 1 } }],
      ['in the middle of the answer', { fault: { kind: 'stall', at: 5 } }],
    ])('is none of the limits %s, and ends at once', async (_, reply) => {
      const { middleware, fetch, told } = setUp([reply, reply], limits)
      const { seen, middleware: look } = verdicts()
      const controller = new AbortController()
      const client = clientOf({ middleware: [look, plainRetry(0), middleware], fetch })
      const error = failureOf(client.messages.stream(params, { signal: controller.signal }).finalMessage())
      await vi.advanceTimersByTimeAsync(10_000)
      controller.abort(new Error('the user left'))
      await vi.advanceTimersByTimeAsync(0)
      expect(await error).toBeInstanceOf(Anthropic.APIUserAbortError)
      expect(seen.every((verdict) => verdict?.category === 'aborted')).toBe(true)
      expect(told).toEqual([])
      expect(fetch.requests).toMatchObject([{ aborted: true, closedAt: 10_000 }])
      expect(vi.getTimerCount()).toBe(0)
    })

    it('sends nothing when it comes first', async () => {
      const { middleware, fetch } = setUp([], limits)
      const aborts: Middleware = (request, next) => {
        controller.abort()
        return next(request)
      }
      const controller = new AbortController()
      const client = clientOf({ middleware: [aborts, middleware], fetch })
      const error = failureOf(client.messages.create(params, { signal: controller.signal }))
      expect(await error).toBeInstanceOf(Anthropic.APIUserAbortError)
      expect(fetch.requests).toEqual([])
    })
  })

  it('leaves a reader that breaks off its way to the server', async () => {
    const { middleware, fetch } = setUp([{ fault: { kind: 'pings', at: 4 } }], {
      idleMs: 20_000,
      totalMs: 60_000,
    })
    for await (const { type } of await clientOf({ middleware, fetch }).messages.create({
      ...params,
      stream: true,
    })) {
      if (type === 'content_block_start') break
    }
    expect(fetch.requests).toMatchObject([{ aborted: true }])
  })

  it('keeps a hundred calls apart', async () => {
    const script = ({ index }: { index: number }): Reply =>
      index % 2 === 0 ? hang : { delayMs: 1_000, text: `answer ${index}` }
    const { middleware, fetch, told } = setUp(script, { attemptMs: 5_000, idleMs: 5_000, totalMs: 5_000 })
    const client = clientOf({ middleware, fetch })
    const calls = Array.from({ length: 100 }, () => client.messages.create(params))
    const settled = Promise.allSettled(calls)
    await vi.advanceTimersByTimeAsync(5_000)
    const results = await settled
    expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(50)
    expect(fetch.requests.filter(({ aborted }) => aborted)).toHaveLength(50)
    expect(told).toHaveLength(50)
  })

  it('goes on when its listener throws', async () => {
    const middleware = timeout({
      attemptMs: 5_000,
      onTimeout: () => {
        throw new Error('broken listener')
      },
    })
    const error = failureOf(
      clientOf({ middleware, fetch: fakeFetch({ script: [hang] }) }).messages.create(params),
    )
    await vi.advanceTimersByTimeAsync(5_000)
    expect(await error).toBeInstanceOf(Anthropic.APIConnectionTimeoutError)
  })

  it('limits the SDK’s credential exchanges by attemptMs alone', async () => {
    vi.stubEnv('ANTHROPIC_FEDERATION_RULE_ID', 'fdrl_test')
    vi.stubEnv('ANTHROPIC_ORGANIZATION_ID', 'org_test')
    vi.stubEnv('ANTHROPIC_IDENTITY_TOKEN', 'header.payload.signature')
    const paths: string[] = []
    const seen: unknown[] = []
    const fetch: typeof globalThis.fetch = async (input, init) => {
      const { pathname } = new URL(String(input))
      paths.push(pathname)
      if (paths.length === 1) {
        await sleep(60_000, init?.signal).catch((reason: unknown) => {
          seen.push(reason)
          throw reason
        })
      }
      await sleep(4_000, init?.signal)
      return Response.json({ access_token: 'test', token_type: 'Bearer', expires_in: 3600 })
    }
    const middleware = timeout({ attemptMs: 5_000, totalMs: 3_000 })
    const client = clientOf({ middleware, fetch, apiKey: null })
    const first = failureOf(client.messages.create(params))
    // The SDK loads its credentials' code when it needs it.
    while (paths.length === 0) await setImmediate()
    await vi.advanceTimersByTimeAsync(5_000)
    await first
    expect(seen).toMatchObject([{ limit: 'attempt' }])
    const second = failureOf(client.messages.create(params))
    await vi.advanceTimersByTimeAsync(7_000)
    // The token came after 4 s, and the deadline is that of the message alone.
    expect(await second).toBeInstanceOf(Anthropic.APIConnectionTimeoutError)
    expect(paths).toEqual(['/v1/oauth/token', '/v1/oauth/token', '/v1/messages'])
  })

  it('stands in a call twice', async () => {
    const { middleware, fetch, told } = setUp([hang], { totalMs: 5_000, attemptMs: 9_000 })
    const error = failureOf(clientOf({ middleware: [middleware, middleware], fetch }).messages.create(params))
    await vi.advanceTimersByTimeAsync(5_000)
    expect(await error).toBeInstanceOf(Anthropic.APIConnectionTimeoutError)
    expect(told).toHaveLength(1)
    expect(seam).toBeTypeOf('string')
  })
})

describe('timeout', () => {
  it('has defaults that end no healthy answer, and each is its own', async () => {
    expect(timeoutDefaults).toEqual({
      attemptMs: 590_000,
      firstTokenMs: 300_000,
      idleMs: 300_000,
      totalMs: false,
    })
    const limits: unknown[] = []
    const replies: Reply[] = [hang, { fault: { kind: 'pings', at: 1 } }, { fault: { kind: 'pings', at: 4 } }]
    for (const reply of replies) {
      const client = new Anthropic({
        apiKey: 'not-a-key',
        maxRetries: 0,
        middleware: [timeout({ onTimeout: ({ limit, limitMs }) => limits.push([limit, limitMs]) })],
        fetch: fakeFetch({ script: [reply] }),
      })
      const call =
        reply === hang ? client.messages.create(params) : client.messages.stream(params).finalMessage()
      const error = failureOf(call)
      await vi.advanceTimersByTimeAsync(600_000)
      await error
    }
    expect(limits).toEqual([
      ['attempt', 590_000],
      ['firstToken', 300_000],
      ['idle', 300_000],
    ])
  })

  it('is not there at all without limits', async () => {
    const answer = Promise.resolve(new Response())
    const request = { url: 'http://test.invalid', headers: new Headers() }
    const ctx = { logger: console, parse: () => Promise.reject(new Error('not here')) }
    expect(timeout(off)(request, () => answer, ctx)).toBe(answer)
    expect(timeout({ ...off, totalMs: Infinity })(request, () => answer, ctx)).toBe(answer)
  })

  it('describes itself: no wait goes beyond the deadline', () => {
    const retry: Middleware = withDescription((request, next) => next(request), {
      name: 'jitterRetry',
      worst: () => ({ maxRequests: 6, maxWaitMs: 65_000 }),
    })
    expect(describeStack([timeout({ totalMs: 30_000 }), retry])).toMatchObject({
      maxRequests: 6,
      maxWaitMs: 30_000,
      warnings: [],
    })
    expect(describeStack([timeout(), retry])).toMatchObject({ maxWaitMs: 65_000, warnings: [] })
    expect(describeStack([timeout()])).toMatchObject({ maxRequests: 1, maxWaitMs: 0, warnings: [] })
  })

  it('warns of a limit for attempts that somebody has asked for outside of what sends again', () => {
    const retry: Middleware = withDescription((request, next) => next(request), { name: 'jitterRetry' })
    const warnings = (options: TimeoutOptions): readonly string[] =>
      describeStack([timeout(options), retry]).warnings
    const said = [
      expect.stringMatching(/^`timeout` outside `jitterRetry` takes all .* inside; .* See docs\//),
    ]
    expect(warnings({ attemptMs: 60_000 })).toEqual(said)
    expect(warnings({ firstTokenMs: 30_000 })).toEqual(said)
    expect(warnings({ attemptMs: 60_000, totalMs: 60_001 })).toEqual(said)
    expect(warnings({ attemptMs: 60_000, totalMs: 60_000 })).toEqual([])
    expect(warnings({ attemptMs: false, firstTokenMs: 300_000 })).toEqual([])
    expect(describeStack([retry, timeout({ attemptMs: 60_000 })]).warnings).toEqual([])
  })

  it('ends an attempt, waits and all, in a rehearsal too', () => {
    const slow: Middleware = withDescription((request, next) => next(request), {
      name: 'slow',
      rehearse: () => (rehearsal, next) => {
        rehearsal.wait(1000)
        return next()
      },
    })
    const { faults } = describeStack([timeout({ attemptMs: 900, firstTokenMs: 800 }), slow])
    const over = { requests: 0, outcome: 'error', category: 'timeout' }
    expect(faults.overloaded).toMatchObject({ ...over, waitMs: 900 })
    expect(faults.stream_cut).toMatchObject({ ...over, waitMs: 800 })
    expect(faults.stream_cut_early).toMatchObject({ ...over, waitMs: 800 })
    expect(describeStack([timeout(), slow]).faults.overloaded).toMatchObject({ requests: 1, waitMs: 1000 })
  })

  it.each([
    [{ attemptMs: 0 }, 'Expected `attemptMs` to be a number of milliseconds above 0, or false, got 0.'],
    [
      { firstTokenMs: -1 },
      'Expected `firstTokenMs` to be a number of milliseconds above 0, or false, got -1.',
    ],
    [{ idleMs: NaN }, 'Expected `idleMs` to be a number of milliseconds above 0, or false, got NaN.'],
    [{ totalMs: '5s' }, 'Expected `totalMs` to be a number of milliseconds above 0, or false, got "5s".'],
    [{ totalMs: null }, 'Expected `totalMs` to be a number of milliseconds above 0, or false, got null.'],
    [{ onTimeout: 1 }, 'Expected `onTimeout` to be a function, got 1.'],
  ])('refuses %o', (options: object, message) => {
    expect(() => timeout(options)).toThrow(new TypeError(message))
  })

  it('is the SDK’s own type', () => {
    expectTypeOf(timeout()).toExtend<SdkMiddleware>()
    expectTypeOf<TimeoutOptions['attemptMs']>().toEqualTypeOf<number | false | undefined>()
    expectTypeOf<TimeoutError['limit']>().toEqualTypeOf<'attempt' | 'firstToken' | 'idle' | 'total'>()
  })
})

describe('TimeoutError', () => {
  it.each([
    ['attempt', '`attemptMs`'],
    ['firstToken', '`firstTokenMs`'],
    ['idle', '`idleMs`'],
    ['total', '`totalMs`'],
  ] as const)('says what the limit %s is, and what the SDK looks for', (limit, option) => {
    const error = new TimeoutError(limit, 1_500)
    expect(error.message).toContain(option)
    expect(error.message).toContain('1500 ms')
    expect(error).toMatchObject({
      name: 'TimeoutError',
      code: 'timeout',
      category: 'timeout',
      limit,
      limitMs: 1_500,
    })
    expect(String(error)).toMatch(/timed? ?out/i)
    expect(isTimeoutError(error)).toBe(true)
    expect(classifyError(error)).toMatchObject({ category: 'timeout', fault: 'network' })
  })

  it('is told from others', () => {
    expect(isTimeoutError(new DOMException('late', 'TimeoutError'))).toBe(false)
    expect(isTimeoutError(undefined)).toBe(false)
  })
})
