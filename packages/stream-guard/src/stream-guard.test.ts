import Anthropic, { type Middleware as SdkMiddleware } from '@anthropic-ai/sdk'
import { classifyError, classifyOutcome, type Classification } from '@breakwater/classify'
import {
  BreakwaterError,
  callOf,
  createFetch,
  describe as describeStack,
  discard,
  send,
  tapOf,
  tapped,
  withDescription,
  type Attempt,
  type Middleware,
} from '@breakwater/core'
import { fakeFetch, type Reply } from '@breakwater/testkit'
import { params, seams } from '@breakwater/testing'
import { afterEach, beforeEach, describe, expect, expectTypeOf, it, vi } from 'vitest'
import { streamGuard, streamGuardDefaults, type StreamGuardOptions } from './stream-guard.ts'
import { isStreamInterruptedError, StreamInterruptedError } from './stream-interrupted-error.ts'
import { eventsOf, failureOf } from './testing/outcomes.ts'
import { setUp } from './testing/set-up.ts'

const streaming = { ...params, stream: true } as const
const error = (at: number, type?: string): Reply => ({ fault: { kind: 'error', at, ...(type && { type }) } })
const tool = { toolUse: { name: 'find', input: { query: 'weather' } } }

/** A retry as plain as can be. */
function plainRetry(retries: number): Middleware {
  return async function plainRetry(request, next, ctx) {
    for (let retry = 0; ; retry++) {
      try {
        const response = await send(request, next, ctx, { reason: retry === 0 ? 'initial' : 'retry' })
        if (response.ok || retry === retries) return response
        discard(response)
      } catch (reason) {
        if (retry === retries) throw reason
      }
    }
  }
}

/** Writes down the verdicts on what passes, and the ledger. */
function observer(): {
  verdicts: (Classification | undefined)[]
  attempts: Attempt[]
  middleware: Middleware
} {
  const verdicts: (Classification | undefined)[] = []
  const attempts: Attempt[] = []
  const middleware: Middleware = async (request, next, ctx) => {
    let outcome: unknown
    try {
      const response = await send(request, next, ctx)
      outcome = response
      return response
    } catch (reason) {
      outcome = reason
      throw reason
    } finally {
      verdicts.push(await classifyOutcome(outcome, request, ctx))
      attempts.splice(0, attempts.length, ...callOf(request, ctx).attempts)
    }
  }
  return { verdicts, attempts, middleware }
}

beforeEach(() => void vi.useFakeTimers())
afterEach(() => {
  expect(vi.getTimerCount()).toBe(0)
  vi.useRealTimers()
})

describe.each(seams)('streamGuard, by %s', (_, clientOf) => {
  it('tells who listens inside that a stream was broken, before its content and after', async () => {
    for (const at of [1, 4]) {
      const ends: string[] = []
      const listener: Middleware = async (request, next) => {
        const response = tapped(await next(request))
        tapOf(response)?.add({ onEnd: ({ kind }) => ends.push(kind) })
        return response
      }
      const { guard, fetch } = setUp([{ fault: { kind: 'garbage', at }, deltaChars: 1 }])
      const client = clientOf({ middleware: [guard, listener], fetch })
      const { error } = await eventsOf(client.messages.create(streaming))
      expect(error).toBeInstanceOf(at === 1 ? Anthropic.InternalServerError : StreamInterruptedError)
      expect(ends).toEqual(['failed'])
      expect(fetch.requests[0]?.closedAt).toBeDefined()
    }
  })

  describe('leaves alone', () => {
    it('what is no stream of a message', async () => {
      const passed: [Response, Response][] = []
      const { guard, fetch, told } = setUp([
        {},
        529,
        {},
        { contentType: 'application/json', body: { data: [] } },
      ])
      const inner: Response[] = []
      const look: Middleware = async (request, next) => {
        const response = await next(request)
        inner.push(response)
        return response
      }
      const compare: Middleware = async (request, next) => {
        const response = await next(request)
        passed.push([response, inner.at(-1)!])
        return response
      }
      const client = clientOf({ middleware: [compare, guard, look], fetch })
      expect((await client.messages.create(params)).type).toBe('message')
      await expect(client.messages.create(streaming)).rejects.toBeInstanceOf(Anthropic.OverloadedError)
      await client.messages.countTokens({ model: params.model, messages: params.messages })
      await client.models.list()
      for (const [outside, inside] of passed) expect(outside).toBe(inside)
      expect(passed).toHaveLength(4)
      expect(told).toEqual([])
    })

    it('another event stream', async () => {
      const body = 'event: status\ndata: not JSON\n\n'
      const { guard, fetch, told } = setUp([{ contentType: 'text/event-stream', body }])
      const client = clientOf({ middleware: guard, fetch })
      const response = await client.get('/v1/something', { stream: true }).asResponse()
      expect(await response.text()).toBe(body)
      expect(told).toEqual([])
    })

    it('a healthy stream: the same bytes, headers and events', async () => {
      const script: Reply[] = [tool, tool]
      const { guard, fetch, told } = setUp(script)
      const plain = fakeFetch({ script })
      const client = clientOf({ middleware: guard, fetch })
      const response = await client.messages.create(streaming).asResponse()
      const expected = await clientOf({ middleware: [], fetch: plain })
        .messages.create(streaming)
        .asResponse()
      expect([response.status, response.statusText]).toEqual([200, 'OK'])
      expect(Object.fromEntries(response.headers)).toEqual(fetch.requests[0]?.reply?.headers)
      expect(await response.text()).toBe(await expected.text())
      const message = await client.messages.stream(params).finalMessage()
      expect(message.content).toMatchObject([{ type: 'tool_use', input: { query: 'weather' } }])
      expect(told).toMatchObject([{ type: 'stream_committed' }, { type: 'stream_committed' }])
    })
  })

  describe('before the commit point', () => {
    it.each([
      ['overloaded_error', 529, Anthropic.OverloadedError, 'overloaded'],
      ['rate_limit_error', 429, Anthropic.RateLimitError, 'rate_limit'],
      ['api_error', 500, Anthropic.InternalServerError, 'server_error'],
      ['timeout_error', 504, Anthropic.GatewayTimeoutError, 'server_error'],
      ['invalid_request_error', 400, Anthropic.BadRequestError, 'invalid_request'],
      ['authentication_error', 401, Anthropic.AuthenticationError, 'authentication'],
      ['permission_error', 403, Anthropic.PermissionDeniedError, 'permission'],
      ['not_found_error', 404, Anthropic.NotFoundError, 'not_found'],
      ['request_too_large', 413, Anthropic.APIError, 'request_too_large'],
      ['an_error_to_come', 500, Anthropic.InternalServerError, 'server_error'],
    ])('an %s is a %i', async (type, status, ErrorClass, category) => {
      const { guard, fetch, told, events } = setUp([error(2, type)])
      const { verdicts, attempts, middleware } = observer()
      const client = clientOf({ middleware: [middleware, guard], fetch })
      const failure = await failureOf(client.messages.create(streaming))
      const requestID = fetch.requests[0]?.reply?.requestId
      expect(failure).toBeInstanceOf(ErrorClass)
      expect(failure).toMatchObject({ status, type, requestID })
      expect(verdicts).toMatchObject([{ category, status, type, requestId: requestID }])
      expect(attempts).toMatchObject([{ status: 200, category, requestId: requestID }])
      const event = {
        type: 'stream_interrupted',
        category,
        reason: 'error_event',
        committed: false,
        deliveredEvents: 0,
        deliveredCharacters: 0,
        model: params.model,
        requestId: requestID,
      }
      expect(told).toEqual([event])
      expect(events.filter((other) => other.type === 'stream_interrupted')).toEqual([event])
    })

    it('passes on what the answer and the event say: headers, code, id', async () => {
      const fault = { kind: 'error', at: 0, type: 'rate_limit_error', code: 'ramp_limit_exceeded' } as const
      const headers = { 'request-id': null, 'content-encoding': 'identity', 'x-upstream': 'a' }
      const rateLimit = { requests: { limit: 10, remaining: 0 } }
      const { guard, fetch } = setUp([{ fault, headers, retryAfter: 7, rateLimit }])
      const { verdicts, middleware } = observer()
      const failure = await failureOf(
        clientOf({ middleware: [middleware, guard], fetch }).messages.create(streaming),
      )
      expect(failure).toMatchObject({
        status: 429,
        errorCode: 'ramp_limit_exceeded',
        requestID: fetch.requests[0]?.reply?.requestId,
      })
      const sent = (failure as InstanceType<typeof Anthropic.APIError>).headers!
      expect(sent.get('x-upstream')).toBe('a')
      expect(sent.get('content-type')).toBe('application/json')
      expect(sent.get('content-encoding')).toBeNull()
      expect(sent.get('anthropic-ratelimit-requests-remaining')).toBe('0')
      expect(verdicts).toMatchObject([{ retryAfterMs: 7000, code: 'ramp_limit_exceeded' }])
    })

    it.each<[string, Reply, string]>([
      ['the end', { fault: { kind: 'end', at: 2 } }, 'truncated'],
      ['the end after the first event', { fault: { kind: 'end', at: 1 } }, 'truncated'],
      ['a broken connection', { fault: { kind: 'cut', at: 2 } }, 'cut'],
      ['a reset', { fault: { kind: 'reset', at: 0 } }, 'cut'],
      ['an event of broken JSON', { fault: { kind: 'garbage', at: 1 } }, 'malformed'],
      ['events out of order', { fault: { kind: 'duplicate', at: 0 } }, 'malformed'],
      [
        'an answer of pings',
        { contentType: 'text/event-stream', body: 'event: ping\ndata: {}\n\n' },
        'empty',
      ],
      ['an answer without a body', { contentType: 'text/event-stream', body: '' }, 'empty'],
      ['JSON', { contentType: 'text/event-stream', body: { type: 'message' } }, 'empty'],
      ['JSON that says so', { contentType: 'application/json', body: { type: 'message' } }, 'empty'],
      ['nothing at all', { status: 204 }, 'empty'],
    ])('%s is a 502', async (_, reply, reason) => {
      const { guard, fetch, told } = setUp([reply])
      const { verdicts, attempts, middleware } = observer()
      const failure = await failureOf(
        clientOf({ middleware: [middleware, guard], fetch }).messages.create(streaming),
      )
      expect(failure).toBeInstanceOf(Anthropic.InternalServerError)
      expect(failure).toMatchObject({
        status: 502,
        type: 'api_error',
        requestID: fetch.requests[0]?.reply?.requestId,
      })
      expect(String(failure)).not.toMatch(/timed? ?out/i)
      expect(verdicts).toMatchObject([
        { category: 'server_error', retry: 'once', failover: true, replay: 'ambiguous' },
      ])
      expect(attempts).toMatchObject([{ category: 'server_error' }])
      expect(attempts).toHaveLength(1)
      expect(told).toMatchObject([{ type: 'stream_interrupted', reason, committed: false }])
    })

    it('is healed by a retry outside, and not by one inside', async () => {
      const faults: Reply[] = [
        error(0),
        error(2, 'api_error'),
        { fault: { kind: 'end', at: 2 } },
        { fault: { kind: 'cut', at: 1 } },
        { fault: { kind: 'garbage', at: 0 } },
        { contentType: 'text/event-stream', body: '' },
      ]
      for (const fault of faults) {
        const { guard, fetch } = setUp([fault, { text: 'healed' }])
        const client = clientOf({ middleware: [plainRetry(1), guard], fetch })
        expect(await client.messages.stream(params).finalText()).toBe('healed')
        expect(fetch.requests).toHaveLength(2)
        const other = setUp([fault, { text: 'healed' }])
        const outside = clientOf({ middleware: [other.guard, plainRetry(1)], fetch: other.fetch })
        expect(await failureOf(outside.messages.stream(params).finalText())).toBeInstanceOf(Error)
        expect(other.fetch.requests).toHaveLength(1)
      }
    })

    it('is healed by the SDK’s own retries', async () => {
      const { guard, fetch } = setUp([error(2), { fault: { kind: 'cut', at: 1 } }, { text: 'healed' }])
      const text = clientOf({ middleware: guard, fetch, maxRetries: 2 }).messages.stream(params).finalText()
      await vi.runAllTimersAsync()
      expect(await text).toBe('healed')
      expect(fetch.requests).toHaveLength(3)
    })

    it('closes the connection of what it does not return', async () => {
      const script: Reply[] = [{ fault: { kind: 'raw', at: 1, data: 'event: a\ndata: {\n\n' }, gapMs: 10 }]
      const { guard, fetch } = setUp(script)
      const failure = failureOf(clientOf({ middleware: guard, fetch }).messages.create(streaming))
      await vi.advanceTimersByTimeAsync(20)
      expect(await failure).toMatchObject({ status: 502 })
      expect(fetch.requests[0]).toMatchObject({ aborted: true })
    })

    it('the caller’s abort is thrown at once, and is no failure', async () => {
      const { guard, fetch, told } = setUp([{ fault: { kind: 'stall', at: 1 } }])
      const { verdicts, middleware } = observer()
      const controller = new AbortController()
      const failure = failureOf(
        clientOf({ middleware: [middleware, guard], fetch }).messages.create(streaming, {
          signal: controller.signal,
        }),
      )
      await vi.advanceTimersByTimeAsync(5)
      controller.abort()
      await vi.advanceTimersByTimeAsync(0)
      expect(await failure).toBeInstanceOf(Anthropic.APIUserAbortError)
      expect(verdicts).toMatchObject([{ category: 'aborted' }])
      expect(told).toEqual([])
    })
  })

  describe('after the commit point', () => {
    it.each<[string, Reply, object]>([
      ['an error', error(5), { reason: 'error_event', errorType: 'overloaded_error', status: 529 }],
      [
        'another error',
        error(4, 'timeout_error'),
        { reason: 'error_event', errorType: 'timeout_error', status: 504 },
      ],
      ['the end', { fault: { kind: 'end', at: 5 } }, { reason: 'truncated', status: undefined }],
      ['the end before the last event', { fault: { kind: 'end', at: 'end' } }, { reason: 'truncated' }],
      ['a broken connection', { fault: { kind: 'cut', at: 5 } }, { reason: 'cut' }],
      ['a reset', { fault: { kind: 'reset', at: 5 } }, { reason: 'cut' }],
      ['an event of broken JSON', { fault: { kind: 'garbage', at: 5 } }, { reason: 'malformed' }],
      [
        'the input of a tool',
        { ...tool, fault: 'truncatedToolJson' },
        { reason: 'tool_input', toolCallComplete: false },
      ],
    ])('%s ends the stream with one error', async (_, reply, details) => {
      const { guard, fetch, told } = setUp([reply, reply])
      const client = clientOf({ middleware: guard, fetch })
      const { events, error: failure } = await eventsOf(client.messages.create(streaming))
      expect(failure).toBeInstanceOf(StreamInterruptedError)
      expect(isStreamInterruptedError(failure)).toBe(true)
      const characters = events
        .map((event) => (event.type === 'content_block_delta' ? Object.values(event.delta)[1] : ''))
        .join('').length
      const requestId = fetch.requests[0]?.reply?.requestId
      expect(failure).toMatchObject({
        name: 'StreamInterruptedError',
        code: 'stream_interrupted',
        category: 'stream_interrupted',
        deliveredEvents: events.length,
        deliveredCharacters: characters,
        requestId,
        ...details,
      })
      expect(String(failure)).not.toMatch(/timed? ?out|overloaded/i)
      expect(JSON.stringify(failure)).not.toMatch(/answer of|query/)
      expect(classifyError(failure)).toMatchObject({
        category: 'stream_interrupted',
        retry: 'never',
        trips: 'failure',
      })
      expect(told).toEqual([
        expect.objectContaining({ type: 'stream_committed', reason: 'content' }),
        {
          type: 'stream_interrupted',
          category: 'stream_interrupted',
          reason: (failure as StreamInterruptedError).reason,
          committed: true,
          deliveredEvents: events.length,
          deliveredCharacters: characters,
          model: params.model,
          requestId,
        },
      ])
      const helper = await failureOf(client.messages.stream(params).finalMessage())
      expect(helper).toBeInstanceOf(Anthropic.AnthropicError)
      expect((helper as Error).cause).toBeInstanceOf(StreamInterruptedError)
      expect(classifyError(helper)).toMatchObject({ category: 'stream_interrupted' })
      expect(fetch.requests).toHaveLength(2)
    })

    it('has what came so far, which nobody logs by accident', async () => {
      const { guard, fetch } = setUp([
        { text: 'one two three four five', ...tool, fault: { kind: 'cut', at: 7 } },
      ])
      const { error: failure } = await eventsOf(
        clientOf({ middleware: guard, fetch }).messages.create(streaming),
      )
      const { partial, toolCallComplete } = failure as StreamInterruptedError
      expect(partial?.content).toMatchObject([
        { type: 'text', text: 'one two three four five' },
        { input: '' },
      ])
      expect(toolCallComplete).toBe(false)
      expect(Object.keys(failure as object)).not.toContain('partial')
    })

    it('keeps no more of the message than it may', async () => {
      const { guard, fetch } = setUp([error(7)], { maxPartialBytes: 600 })
      const { error: failure } = await eventsOf(
        clientOf({ middleware: guard, fetch }).messages.create(streaming),
      )
      expect(failure).toMatchObject({ partial: undefined, deliveredEvents: 6 })
    })

    it('keeps the error of the network in lastError, where the SDK does not look for it', async () => {
      const { guard, fetch } = setUp([{ fault: { kind: 'reset', at: 5 } }])
      const client = clientOf({ middleware: guard, fetch, maxRetries: 2 })
      const { error: failure } = await eventsOf(client.messages.create(streaming))
      expect(failure).toMatchObject({ lastError: expect.any(TypeError) })
      expect(failure).not.toHaveProperty('cause')
    })

    it('takes a message for whole that has a stop reason, when told to', async () => {
      const script: Reply[] = [{ fault: { kind: 'end', at: 'end' } }]
      const { guard, fetch, told } = setUp(script, { acceptStopReason: true })
      const { events, error: failure } = await eventsOf(
        clientOf({ middleware: guard, fetch }).messages.create(streaming),
      )
      expect(failure).toBeUndefined()
      expect(events.at(-1)?.type).toBe('message_delta')
      expect(told).toHaveLength(1)
      const without = setUp([{ fault: { kind: 'end', at: 5 } }], { acceptStopReason: true })
      const other = await eventsOf(
        clientOf({ middleware: without.guard, fetch: without.fetch }).messages.create(streaming),
      )
      expect(other.error).toMatchObject({ reason: 'truncated' })
    })

    it('takes the caller’s abort and a reader that stops early for what they are', async () => {
      const stall: Reply = { fault: { kind: 'stall', at: 5 } }
      const { guard, fetch, told } = setUp([stall, {}])
      const client = clientOf({ middleware: guard, fetch })
      const controller = new AbortController()
      const stream = client.messages.stream(params, { signal: controller.signal })
      stream.once('text', () => controller.abort())
      expect(await failureOf(stream.finalMessage())).toBeInstanceOf(Anthropic.APIUserAbortError)
      for await (const event of await client.messages.create(streaming)) {
        if (event.type === 'content_block_delta') break
      }
      expect(told).toMatchObject([{ type: 'stream_committed' }, { type: 'stream_committed' }])
      expect(fetch.requests).toMatchObject([{ aborted: true }, {}])
    })

    it('does not let an abort that was nobody’s end the stream in silence', async () => {
      const inside: Middleware = async (request, next) => {
        const controller = new AbortController()
        setTimeout(() => controller.abort(), 50)
        return next({ ...request, signal: controller.signal })
      }
      const { guard, fetch } = setUp([{ fault: { kind: 'stall', at: 5 } }])
      const outcome = eventsOf(clientOf({ middleware: [guard, inside], fetch }).messages.create(streaming))
      await vi.advanceTimersByTimeAsync(50)
      expect((await outcome).error).toMatchObject({ reason: 'cut', lastError: { name: 'AbortError' } })
    })

    it('passes on an error of ours as it is', async () => {
      const limit = new BreakwaterError('The limit was reached.', { code: 'limit', category: 'timeout' })
      const inside: Middleware = async (request, next) => {
        const controller = new AbortController()
        setTimeout(() => controller.abort(limit), 50)
        return next({ ...request, signal: controller.signal })
      }
      const stalls: Reply[] = [{ fault: { kind: 'stall', at: 5 } }, { fault: { kind: 'stall', at: 1 } }]
      const { guard, fetch, told } = setUp(stalls)
      const client = clientOf({ middleware: [guard, inside], fetch })
      const late = eventsOf(client.messages.create(streaming))
      await vi.advanceTimersByTimeAsync(50)
      expect((await late).error).toBe(limit)
      const early = eventsOf(client.messages.create(streaming))
      await vi.advanceTimersByTimeAsync(50)
      expect((await early).events).toEqual([])
      expect(told).toMatchObject([{ type: 'stream_committed' }])
    })
  })

  describe('the commit point', () => {
    it('is the first content, which a reader gets with all that came before it', async () => {
      const { guard, fetch, told } = setUp([{ gapMs: 100 }])
      const created = vi.fn<() => void>()
      const stream = clientOf({ middleware: guard, fetch }).messages.create(streaming)
      void stream.then(created)
      // message_start, content_block_start, ping, and the first delta.
      await vi.advanceTimersByTimeAsync(299)
      expect(created).not.toHaveBeenCalled()
      await vi.advanceTimersByTimeAsync(1)
      expect(created).toHaveBeenCalledOnce()
      expect(told).toMatchObject([{ type: 'stream_committed', reason: 'content', heldMs: 300 }])
      const { events } = await Promise.all([eventsOf(stream), vi.runAllTimersAsync()]).then(([seen]) => seen)
      expect(events.map(({ type }) => type).slice(0, 3)).toEqual([
        'message_start',
        'content_block_start',
        'content_block_delta',
      ])
    })

    it('may be message_start', async () => {
      const { guard, fetch, told } = setUp([{ gapMs: 100 }, error(0), error(1)], { commit: 'message_start' })
      const client = clientOf({ middleware: guard, fetch })
      const created = vi.fn<() => void>()
      const stream = client.messages.create(streaming).then((created_) => (created(), created_))
      await vi.advanceTimersByTimeAsync(1)
      expect(created).toHaveBeenCalledOnce()
      expect(told).toMatchObject([{ reason: 'message_start', heldMs: 0 }])
      await Promise.all([eventsOf(stream), vi.runAllTimersAsync()])
      expect(await failureOf(client.messages.create(streaming))).toMatchObject({ status: 529 })
      const { events, error: failure } = await eventsOf(client.messages.create(streaming))
      expect(events).toHaveLength(1)
      expect(failure).toMatchObject({ reason: 'error_event', deliveredEvents: 1, deliveredCharacters: 0 })
    })

    it('may be the headers: nothing is held', async () => {
      const script: Reply[] = [
        { gapMs: 100 },
        error(0),
        { contentType: 'text/event-stream', body: '\n' },
        { status: 204 },
      ]
      const { guard, fetch, told } = setUp(script, { commit: 'headers' })
      const client = clientOf({ middleware: guard, fetch })
      const stream = await client.messages.create(streaming)
      expect(told).toMatchObject([{ reason: 'headers', heldMs: 0 }])
      await Promise.all([eventsOf(stream), vi.runAllTimersAsync()])
      expect((await eventsOf(client.messages.create(streaming))).error).toMatchObject({
        reason: 'error_event',
        deliveredEvents: 0,
      })
      expect((await eventsOf(client.messages.create(streaming))).error).toMatchObject({ reason: 'empty' })
      // There is nothing that could be let go.
      expect((await eventsOf(client.messages.create(streaming))).error).toMatchObject({ status: 502 })
    })

    it.each([
      ['thinking', { thinking: 'hm' }, 3],
      ['a tool call', tool, 3],
    ])('is reached by %s', async (_, reply, index) => {
      const { guard, fetch, told } = setUp([{ ...reply, fault: { kind: 'stall', at: index + 1 } }])
      const controller = new AbortController()
      const stream = await clientOf({ middleware: guard, fetch }).messages.create(streaming, {
        signal: controller.signal,
      })
      expect(told).toHaveLength(1)
      controller.abort()
      await eventsOf(stream)
    })

    it('is reached by an event of an unknown type', async () => {
      const { guard, fetch, told } = setUp([{ fault: { kind: 'unknown', at: 1 } }])
      const { error: failure } = await eventsOf(
        clientOf({ middleware: guard, fetch }).messages.create(streaming),
      )
      expect(failure).toBeUndefined()
      expect(told).toMatchObject([{ type: 'stream_committed', reason: 'content' }])
    })

    it('lets a slow stream go after maxPreambleMs, pings or not', async () => {
      const slow: Reply = { fault: { kind: 'pings', at: 1, gapMs: 300 } }
      const { guard, fetch, told } = setUp([slow, { gapMs: 400 }], { maxPreambleMs: 1000 })
      const controller = new AbortController()
      const client = clientOf({ middleware: guard, fetch })
      const stream = client.messages.create(streaming, { signal: controller.signal })
      await vi.advanceTimersByTimeAsync(999)
      expect(told).toEqual([])
      await vi.advanceTimersByTimeAsync(1)
      expect(told).toMatchObject([{ type: 'stream_committed', reason: 'max_time', heldMs: 1000 }])
      controller.abort()
      await eventsOf(stream)
      // Let go in the middle of a wait: what comes next is in its order.
      const whole = eventsOf(client.messages.create(streaming))
      await vi.runAllTimersAsync()
      const { events, error: failure } = await whole
      expect(failure).toBeUndefined()
      expect(events[0]?.type).toBe('message_start')
      expect(events.at(-1)?.type).toBe('message_stop')
    })

    it('reads nothing ahead once it has let go', async () => {
      const slow: Reply = { fault: { kind: 'pings', at: 1, gapMs: 300 } }
      const { guard, fetch } = setUp([slow], { maxPreambleMs: 1000 })
      const controller = new AbortController()
      const stream = clientOf({ middleware: guard, fetch }).messages.create(streaming, {
        signal: controller.signal,
      })
      await vi.advanceTimersByTimeAsync(1000)
      await stream
      await vi.advanceTimersByTimeAsync(10_000)
      // The one that was waited for when the time was over.
      expect(fetch.requests[0]?.eventsSent).toHaveLength(5)
      controller.abort()
      await eventsOf(stream)
    })

    it.each([Infinity, 2 ** 40])('holds for ever with a limit of %d', async (maxPreambleMs) => {
      const { guard, fetch, told } = setUp([{ gapMs: 100_000 }], { maxPreambleMs })
      const events = eventsOf(clientOf({ middleware: guard, fetch }).messages.create(streaming))
      await vi.advanceTimersByTimeAsync(299_000)
      expect(told).toEqual([])
      await vi.advanceTimersByTimeAsync(1_000_000)
      expect((await events).error).toBeUndefined()
    })

    it('does not wait with a limit of 0', async () => {
      const { guard, fetch, told } = setUp([{ gapMs: 100 }], { maxPreambleMs: 0 })
      const events = eventsOf(clientOf({ middleware: guard, fetch }).messages.create(streaming))
      await vi.advanceTimersByTimeAsync(1)
      expect(told).toMatchObject([{ reason: 'max_time' }])
      await vi.runAllTimersAsync()
      expect((await events).error).toBeUndefined()
    })

    it('lets a long preamble go after maxPreambleBytes', async () => {
      const { guard, fetch, told } = setUp([{ fault: { kind: 'pings', at: 1, gapMs: 1 } }], {
        maxPreambleBytes: 2000,
      })
      const controller = new AbortController()
      const stream = clientOf({ middleware: guard, fetch }).messages.create(streaming, {
        signal: controller.signal,
      })
      await vi.advanceTimersByTimeAsync(1000)
      expect(told).toMatchObject([{ type: 'stream_committed', reason: 'max_bytes' }])
      // What is held is not read further.
      const size = Number(fetch.requests[0]?.bytesSent)
      expect(size).toBeGreaterThan(2000)
      expect(size).toBeLessThan(2200)
      controller.abort()
      await eventsOf(stream)
    })

    it('is not waited for by a timer where the content comes at once', async () => {
      const { guard, fetch } = setUp([{ chunkBytes: 100_000 }])
      await eventsOf(clientOf({ middleware: guard, fetch }).messages.create(streaming))
      expect(vi.getTimerCount()).toBe(0)
    })
  })

  describe('the ledger', () => {
    it('has one line for an attempt, whoever stands between, and its category', async () => {
      const slow: Middleware = async (request, next) => {
        await Promise.resolve()
        return next(request)
      }
      const script: Reply[] = [
        { fault: { kind: 'error', at: 2 }, headers: { 'request-id': null } },
        { fault: { kind: 'end', at: 1 }, headers: { 'request-id': null } },
        error(5),
      ]
      const { guard, fetch } = setUp(script)
      const { attempts, middleware } = observer()
      const client = clientOf({ middleware: [middleware, plainRetry(2), slow, guard], fetch })
      await eventsOf(client.messages.create(streaming))
      expect(attempts).toMatchObject([
        { reason: 'initial', status: 200, category: 'overloaded' },
        { reason: 'retry', status: 200, category: 'server_error' },
        { reason: 'retry', status: 200, category: 'stream_interrupted' },
      ])
    })
  })

  describe('the order', () => {
    /** An answer of 10 events, of which the fourth is the first content; an `error` before each, once. */
    const script = Array.from({ length: 10 }, (_, at) => [error(at), { text: 'healed' }] as const)

    async function healed(
      stack: (guard: Middleware) => Middleware[],
    ): Promise<[healed: number, requests: number]> {
      let count = 0
      let requests = 0
      for (const replies of script) {
        const { guard, fetch } = setUp(replies as unknown as Reply[])
        const { error: failure } = await eventsOf(
          clientOf({ middleware: stack(guard), fetch }).messages.create(streaming),
        )
        if (failure === undefined) count++
        requests += fetch.requests.length
      }
      return [count, requests]
    }

    it('decides what a retry can heal: inside it, all that fails before the content; outside it, nothing', async () => {
      expect(await healed((guard) => [plainRetry(3), guard])).toEqual([4, 14])
      expect(await healed((guard) => [guard, plainRetry(3)])).toEqual([0, 10])
      expect(await healed(() => [plainRetry(3)])).toEqual([0, 10])
    })
  })

  describe('two guards', () => {
    it.each<[string, Reply, string[]]>([
      ['a failure before', error(2), ['stream_interrupted']],
      ['a failure after', error(5), ['stream_committed', 'stream_interrupted']],
      ['a healthy stream', {}, ['stream_committed']],
    ])('are told of %s once', async (_, reply, expected) => {
      const { guard, fetch, events } = setUp([reply])
      const client = clientOf({ middleware: [streamGuard(), guard], fetch })
      await eventsOf(client.messages.create(streaming))
      expect(events.map(({ type }) => type)).toEqual(expected)
      expect(fetch.requests).toHaveLength(1)
    })

    it('are told once also where somebody between them makes the response anew', async () => {
      const between: Middleware = async (request, next) => {
        const { body, ...rest } = await next(request).then(({ body, status, headers }) => ({
          body,
          status,
          headers,
        }))
        return new Response(body, rest)
      }
      const { guard, fetch, events } = setUp([error(5)])
      await eventsOf(
        clientOf({ middleware: [guard, between, streamGuard()], fetch }).messages.create(streaming),
      )
      expect(events.map(({ type }) => type)).toEqual(['stream_committed', 'stream_interrupted'])
    })

    it('do not wrap an error again where the body was wrapped between them', async () => {
      const between: Middleware = async (request, next) => {
        const response = await next(request)
        const body = response.body!.pipeThrough(new TransformStream())
        return new Response(body, { headers: response.headers })
      }
      const { guard, fetch, events } = setUp([error(5)])
      const client = clientOf({ middleware: [guard, between, streamGuard()], fetch })
      const { error: failure } = await eventsOf(client.messages.create(streaming))
      expect(failure).toMatchObject({ reason: 'error_event' })
      expect(events.filter(({ type }) => type === 'stream_interrupted')).toHaveLength(1)
    })

    it('guard every attempt', async () => {
      const { guard, fetch, told } = setUp([error(2), error(5), { text: 'third' }])
      const client = clientOf({ middleware: [streamGuard(), plainRetry(1), guard], fetch })
      const { error: failure } = await eventsOf(client.messages.create(streaming))
      expect(failure).toMatchObject({ reason: 'error_event' })
      expect(told.map(({ type }) => type)).toEqual([
        'stream_interrupted',
        'stream_committed',
        'stream_interrupted',
      ])
      expect(await client.messages.stream(params).finalText()).toBe('third')
    })
  })

  it('guards a stream that does not say what it is, and leaves its headers alone', async () => {
    const { guard, fetch, told } = setUp([
      { contentType: 'text/plain' },
      { contentType: 'text/plain', ...(error(5) as object) },
    ])
    const client = clientOf({ middleware: guard, fetch })
    const response = await client.messages.create(streaming).asResponse()
    expect(response.headers.get('content-type')).toBe('text/plain')
    expect(await response.text()).toContain('event: message_stop')
    expect((await eventsOf(client.messages.create(streaming))).error).toMatchObject({ reason: 'error_event' })
    expect(told).toHaveLength(3)
  })

  it('guards many streams at once, each by itself', async () => {
    const replies: Reply[] = [error(2), {}, error(5), { fault: 'cut' }, { fault: { kind: 'end', at: 1 } }]
    const { guard, fetch } = setUp(
      Array.from({ length: 50 }, (_, index) => ({
        ...(replies[index % 5] as object),
        gapMs: 1 + (index % 7),
      })),
    )
    const client = clientOf({ middleware: guard, fetch })
    const all = Promise.all(Array.from({ length: 50 }, () => eventsOf(client.messages.create(streaming))))
    await vi.runAllTimersAsync()
    const outcomes = await all
    for (const [index, { error: failure }] of outcomes.entries()) {
      expect(failure).toEqual(
        [
          expect.objectContaining({ status: 529 }),
          undefined,
          expect.objectContaining({ reason: 'error_event' }),
          expect.objectContaining({ reason: 'cut' }),
          expect.objectContaining({ status: 502 }),
        ][index % 5],
      )
    }
  })

  it('survives observers that throw', async () => {
    const { lines, logger } = recordingLines()
    const fetch = fakeFetch({ script: [error(5)] })
    const guard = streamGuard({
      onCommit: () => {
        throw new Error('observer')
      },
      onInterrupt: () => {
        throw new Error('observer')
      },
    })
    const { error: failure } = await eventsOf(
      clientOf({ middleware: guard, fetch, logger }).messages.create(streaming),
    )
    expect(failure).toMatchObject({ reason: 'error_event' })
    expect(lines).toHaveLength(2)
  })
})

function recordingLines(): { lines: string[]; logger: { error: Log; warn: Log; info: Log; debug: Log } } {
  const lines: string[] = []
  const warn: Log = (line) => {
    if (line.startsWith('[breakwater]')) lines.push(line)
  }
  return { lines, logger: { error: warn, warn, info: warn, debug: () => {} } }
}
type Log = (line: string, ...rest: unknown[]) => void

describe('the factory', () => {
  it('has its defaults', () => {
    expect(streamGuardDefaults).toEqual({
      commit: 'content',
      maxPreambleMs: 30_000,
      maxPreambleBytes: 65_536,
      maxHeldBytes: 16_777_216,
      acceptStopReason: false,
      maxPartialBytes: 1_048_576,
    })
    expectTypeOf(streamGuardDefaults).toExtend<StreamGuardOptions>()
  })

  it.each([
    [{ commit: 'text' }, /`commit`.*"text"/],
    [{ commit: null }, /`commit`.*null/],
    [{ maxPreambleMs: -1 }, /`maxPreambleMs`.*-1/],
    [{ maxPreambleMs: Number.NaN }, /`maxPreambleMs`.*NaN/],
    [{ maxPreambleBytes: '1' }, /`maxPreambleBytes`.*"1"/],
    [{ maxHeldBytes: '16' }, /`maxHeldBytes`.*"16"/],
    [{ acceptStopReason: 1 }, /`acceptStopReason`.*1/],
    [{ maxPartialBytes: null }, /`maxPartialBytes`.*null/],
    [{ onCommit: true }, /`onCommit`.*true/],
    [{ onInterrupt: {} }, /`onInterrupt`.*an object/],
  ])('refuses %j', (options, text) => {
    expect(() => streamGuard(options as StreamGuardOptions)).toThrow(TypeError)
    expect(() => streamGuard(options as StreamGuardOptions)).toThrow(text)
  })

  it('takes zero and Infinity for values, and undefined for the default', () => {
    for (const limit of [0, Infinity, undefined])
      expect(
        streamGuard({
          maxPreambleMs: limit,
          maxPreambleBytes: limit,
          maxHeldBytes: limit,
          maxPartialBytes: limit,
        }).name,
      ).toBe('streamGuard')
  })

  it('is a middleware of the SDK', () => {
    expectTypeOf(streamGuard()).toExtend<SdkMiddleware>()
  })

  it('says what it does to a stack, and where it disappoints', () => {
    const named = (name: string): Middleware => withDescription((request, next) => next(request), { name })
    const retry = named('jitterRetry')
    const failover = named('modelFailover')
    expect(describeStack([retry, failover, streamGuard()])).toMatchObject({
      maxRequests: 1,
      maxWaitMs: 0,
      warnings: [],
    })
    expect(describeStack([streamGuard()]).text).toContain('streamGuard → upstream')
    expect(describeStack([streamGuard(), retry]).warnings).toEqual([
      expect.stringMatching(/`streamGuard` outside `jitterRetry`.*inside/),
    ])
    expect(describeStack([streamGuard(), retry, failover]).warnings).toEqual([
      expect.stringMatching(/`jitterRetry` and `modelFailover`/),
    ])
    expect(describeStack([retry, streamGuard(), failover]).warnings).toHaveLength(1)
  })
})

describe('the error', () => {
  it('is told from others, and counts in words', () => {
    const details = { reason: 'cut', deliveredEvents: 1, deliveredCharacters: 0 } as const
    const failure = new StreamInterruptedError(details)
    expect(failure.message).toMatch(/after 1 event: its connection broke/)
    expect(isStreamInterruptedError(failure)).toBe(true)
    expect(isStreamInterruptedError(new BreakwaterError('a', { code: 'b', category: 'c' }))).toBe(false)
    expect(isStreamInterruptedError(new Error('a'))).toBe(false)
    expect(isStreamInterruptedError(undefined)).toBe(false)
  })
})

it('leaves a binary event stream alone', async () => {
  const upstream = new Response(new Uint8Array([0, 0, 0, 1]), {
    headers: { 'content-type': 'application/vnd.amazon.eventstream' },
  })
  const fetch = createFetch(streamGuard(), { fetch: () => Promise.resolve(upstream) })
  const url = 'https://bedrock-runtime.us-east-1.amazonaws.com/model/a/invoke-with-response-stream'
  expect(await fetch(url, { method: 'POST', body: '{"max_tokens":1}' })).toBe(upstream)
})

it('a plain fetch gets the same', async () => {
  const { guard, fetch } = setUp([error(2), { fault: { kind: 'stall', at: 1 } }])
  const call = createFetch(guard, { fetch })
  const init = {
    method: 'POST',
    body: JSON.stringify(streaming),
    headers: { 'x-api-key': 'a', 'anthropic-version': '2023-06-01', 'content-type': 'application/json' },
  }
  const response = await call('https://api.anthropic.com/v1/messages', init)
  expect(response.status).toBe(529)
  expect(await response.json()).toMatchObject({ error: { type: 'overloaded_error' } })
  const controller = new AbortController()
  const reason = new Error('enough')
  const failure = failureOf(
    call('https://api.anthropic.com/v1/messages', { ...init, signal: controller.signal }),
  )
  await vi.advanceTimersByTimeAsync(1)
  controller.abort(reason)
  await vi.advanceTimersByTimeAsync(0)
  expect(await failure).toBe(reason)
})
