import { getEventListeners } from 'node:events'
import Anthropic from '@anthropic-ai/sdk'
import {
  callOf,
  createFetch,
  describe as describeStack,
  withDescription,
  type Attempt,
  type Middleware,
} from '@breakwater/core'
import { params, recordingLogger, seams } from '@breakwater/testing'
import { fakeFetch, type Script } from '@breakwater/testkit'
import { context, metrics, ROOT_CONTEXT, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api'
import { MeterProvider } from '@opentelemetry/sdk-metrics'
import { AlwaysOffSampler, BasicTracerProvider } from '@opentelemetry/sdk-trace-base'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { otel } from './otel.ts'
import type { OtelOptions } from './options.ts'
import { foreign, plainFailover, plainRetry, plainSend, register, sink } from './testing/set-up.ts'

const model = 'claude-haiku-5-5'
const chat = {
  'gen_ai.operation.name': 'chat',
  'gen_ai.provider.name': 'anthropic',
  'gen_ai.request.model': model,
}
const callSpan = /^(?:chat|anthropic\.messages)/

beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date', 'performance'] }))
afterEach(() => void vi.useRealTimers())

/** What a call ends with; it may fail. */
async function settled(promise: Promise<unknown>): Promise<unknown> {
  const outcome = promise.catch((error: unknown) => error)
  await vi.runAllTimersAsync()
  return outcome
}

async function readAll(stream: AsyncIterable<unknown>): Promise<number> {
  let events = 0
  for await (const _ of stream) events++
  return events
}

describe.each(seams)('a call of its own, through %s', (_, clientOf) => {
  function setUp(script: Script, options: OtelOptions = {}, stack?: (telemetry: Middleware) => Middleware[]) {
    const { tracerProvider, meterProvider, ...seen } = sink()
    register({})
    const telemetry = otel({ tracerProvider, meterProvider, ...options })
    const fetch = fakeFetch({ script })
    const client = clientOf({ middleware: stack?.(telemetry) ?? [telemetry], fetch })
    return { client, fetch, telemetry, ...seen }
  }

  it('has one CLIENT span by the conventions, and one for its attempt', async () => {
    const { client, spans } = setUp([
      {
        delayMs: 2_000,
        usage: {
          input_tokens: 20,
          cache_read_input_tokens: 5,
          cache_creation_input_tokens: 7,
          output_tokens: 9,
        },
      },
    ])
    const message = (await settled(client.messages.create(params))) as Anthropic.Message
    const [attempt, call] = spans()
    expect(spans()).toHaveLength(2)
    expect(call).toMatchObject({
      name: `chat ${model}`,
      kind: SpanKind.CLIENT,
      status: { code: SpanStatusCode.UNSET },
    })
    expect(call?.attributes).toMatchObject({
      ...chat,
      'server.address': 'api.anthropic.com',
      'server.port': 443,
      'gen_ai.response.id': message.id,
      'gen_ai.response.model': model,
      'gen_ai.response.finish_reasons': ['end_turn'],
      'gen_ai.usage.input_tokens': 32,
      'gen_ai.usage.output_tokens': 9,
      'gen_ai.usage.cache_read.input_tokens': 5,
      'gen_ai.usage.cache_creation.input_tokens': 7,
      'breakwater.call.attempts': 1,
      'breakwater.call.route': 'primary',
    })
    expect(attempt).toMatchObject({
      name: 'breakwater.attempt',
      kind: SpanKind.INTERNAL,
      status: { code: SpanStatusCode.UNSET },
    })
    expect(attempt?.parentSpanContext?.spanId).toBe(call?.spanContext().spanId)
    expect(attempt?.attributes).toEqual({
      'http.request.method': 'POST',
      'http.response.status_code': 200,
      'server.address': 'api.anthropic.com',
      'server.port': 443,
      'anthropic.request.id': expect.stringMatching(/^req_/),
      'breakwater.attempt.reason': 'initial',
      'breakwater.attempt.model': model,
      'breakwater.attempt.time_to_headers': 2,
    })
  })

  it('knows the parameters where the SDK has them, and no content', async () => {
    const { client, spans } = setUp([{}])
    await settled(client.messages.create({ ...params, system: 'secret system' }))
    const attributes = spans(callSpan)[0]?.attributes
    const known = clientOf === seams[0]?.[1] ? { 'gen_ai.request.max_tokens': 10 } : {}
    expect(attributes).toMatchObject(known)
    expect(JSON.stringify(attributes)).not.toMatch(/secret|Hello/)
  })

  it('is a child of the active span, and so is not the answer of another', async () => {
    const { client, spans } = setUp([{}, {}])
    const { tracerProvider } = sink()
    const parent = tracerProvider.getTracer('app').startSpan('request')
    await context.with(trace.setSpan(ROOT_CONTEXT, parent), () => settled(client.messages.create(params)))
    await settled(client.messages.create(params))
    const [first, second] = spans(callSpan)
    expect(first?.parentSpanContext?.spanId).toBe(parent.spanContext().spanId)
    expect(second?.parentSpanContext).toBeUndefined()
  })

  it('says of a failure what the API documents, on span and metric alike, and none of its text', async () => {
    const { client, spans, points, all } = setUp([{ status: 429, message: 'secret: the prompt was …' }])
    await settled(client.messages.create(params))
    for (const span of spans()) {
      expect(span.status).toEqual({ code: SpanStatusCode.ERROR })
      expect(span.attributes).toMatchObject({ 'error.type': 'rate_limit_error' })
      expect(span.events).toEqual([])
    }
    expect(spans('breakwater.attempt')[0]?.attributes).toMatchObject({
      'breakwater.error.category': 'rate_limit',
    })
    expect(await points('gen_ai.client.operation.duration')).toMatchObject([
      { attributes: { ...chat, 'error.type': 'rate_limit_error' }, count: 1 },
    ])
    expect(await points('breakwater.attempt.duration')).toMatchObject([
      {
        attributes: {
          'http.response.status_code': 429,
          'error.type': 'rate_limit_error',
          'breakwater.error.category': 'rate_limit',
        },
        count: 1,
      },
    ])
    expect(
      JSON.stringify(await all()) + JSON.stringify(spans().map(({ attributes }) => attributes)),
    ).not.toContain('secret')
  })

  it.each<[string, Script, string, string]>([
    ['a network failure', [{ network: 'reset' }], 'connection_error', 'connection'],
    ['an unknown status', [{ status: 418 }], '418', 'unknown'],
    ['an overload', [529], 'overloaded_error', 'overloaded'],
    ['a page of a proxy', [{ status: 502, html: true }], '502', 'server_error'],
    ['a wrong key', [401], 'authentication_error', 'authentication'],
  ])('names %s', async (_, script, errorType, category) => {
    const { client, spans, total } = setUp(script)
    await settled(client.messages.create(params))
    for (const span of spans()) expect(span.attributes['error.type']).toBe(errorType)
    expect(
      await total('breakwater.attempt.duration', {
        'error.type': errorType,
        'breakwater.error.category': category,
      }),
    ).toBe(1)
    expect(await total('breakwater.call.attempts', { 'error.type': errorType })).toBe(1)
  })

  it('is canceled by its caller, which is no error', async () => {
    const { client, spans, total } = setUp([{ network: 'hang' }])
    const controller = new AbortController()
    const outcome = client.messages.create(params, { signal: controller.signal }).catch(() => {})
    await vi.advanceTimersByTimeAsync(1_000)
    controller.abort()
    await outcome
    expect(spans().map(({ status }) => status.code)).toEqual([SpanStatusCode.UNSET, SpanStatusCode.UNSET])
    expect(await total('gen_ai.client.operation.duration', { 'error.type': 'canceled' })).toBe(1)
    expect(await total('breakwater.attempt.active')).toBe(0)
  })

  it('counts attempts on their way until their bodies end', async () => {
    const { client, total } = setUp([{}])
    const stream = await client.messages.create({ ...params, stream: true })
    expect(await total('breakwater.attempt.active')).toBe(1)
    await readAll(stream)
    expect(await total('breakwater.attempt.active')).toBe(0)
  })

  it('leaves requests that are no messages without a GenAI span and metric', async () => {
    const { client, spans, points, total } = setUp([{}, {}])
    await settled(client.models.list())
    await settled(client.messages.countTokens({ model, messages: params.messages }))
    expect(spans().map(({ name }) => name)).toEqual(['breakwater.attempt', 'breakwater.attempt'])
    expect(await points('gen_ai.client.operation.duration')).toEqual([])
    expect(await total('breakwater.call.attempts')).toBe(2)
    expect(await total('breakwater.attempt.duration')).toBe(2)
  })

  it('is one span per upstream attempt at both ends: reason, ordinal, wait, status', async () => {
    const { client, fetch, spans, total } = setUp([529, { network: 'reset' }, {}], {}, (telemetry) => [
      telemetry,
      plainRetry(3, 50),
      plainSend,
      telemetry,
    ])
    await settled(client.messages.create(params))
    expect(fetch.requests).toHaveLength(3)
    const call = spans(callSpan)
    expect(call).toHaveLength(1)
    expect(call[0]).toMatchObject({
      status: { code: SpanStatusCode.UNSET },
      attributes: { 'breakwater.call.attempts': 3, 'breakwater.call.wait_time': 0.1 },
    })
    const attempts = spans('breakwater.attempt')
    expect(attempts.map(({ attributes }) => attributes)).toMatchObject([
      {
        'breakwater.attempt.reason': 'initial',
        'http.response.status_code': 529,
        'error.type': 'overloaded_error',
        'breakwater.error.category': 'overloaded',
      },
      {
        'breakwater.attempt.reason': 'retry',
        'http.request.resend_count': 1,
        'breakwater.attempt.wait_time': 0.05,
        'error.type': 'connection_error',
      },
      {
        'breakwater.attempt.reason': 'retry',
        'http.request.resend_count': 2,
        'http.response.status_code': 200,
      },
    ])
    expect(attempts[0]?.attributes).not.toHaveProperty(['http.request.resend_count'])
    expect(attempts.map(({ parentSpanContext }) => parentSpanContext?.spanId)).toEqual(
      attempts.map(() => call[0]?.spanContext().spanId),
    )
    // What was retried and handled is none of the call's.
    expect(call[0]?.attributes).not.toHaveProperty(['error.type'])
    expect(await total('breakwater.call.attempts')).toBe(1)
    expect(await total('gen_ai.client.operation.duration')).toBe(1)
  })

  it('says which model and route have served', async () => {
    const fallback = 'claude-opus-5-5'
    const { client, spans, points } = setUp([529, {}], {}, (telemetry) => [
      telemetry,
      plainFailover(fallback),
      telemetry,
    ])
    await settled(client.messages.create(params))
    expect(spans(callSpan)[0]?.attributes).toMatchObject({
      'gen_ai.request.model': model,
      'gen_ai.response.model': fallback,
      'breakwater.call.route': 'fallback',
      'breakwater.failover.target': fallback,
    })
    expect(
      spans('breakwater.attempt').map(({ attributes }) => [
        attributes['breakwater.attempt.reason'],
        attributes['breakwater.attempt.model'],
      ]),
    ).toEqual([
      ['initial', model],
      ['failover', fallback],
    ])
    expect(await points('gen_ai.client.operation.duration')).toMatchObject([
      {
        attributes: {
          'breakwater.call.route': 'fallback',
          'gen_ai.request.model': model,
          'gen_ai.response.model': fallback,
        },
      },
    ])
  })

  it('counts the tokens for the model that was asked, seen from anywhere', async () => {
    const fallback = 'claude-opus-5-5'
    const prices = { [fallback]: { input: 10, output: 50 } }
    const usage = { input_tokens: 100_000, output_tokens: 0 }
    for (const stack of [
      (telemetry: Middleware) => [telemetry, plainFailover(fallback)],
      (telemetry: Middleware) => [telemetry, plainFailover(fallback), telemetry],
    ]) {
      const { client, points } = setUp([529, { usage }], { prices }, stack)
      await settled(client.messages.create(params))
      expect(await points('gen_ai.client.token.usage')).toMatchObject([
        { attributes: { 'gen_ai.request.model': fallback } },
        {},
      ])
      expect(await points('breakwater.cost')).toMatchObject([
        { value: 1, attributes: { 'gen_ai.request.model': fallback } },
      ])
      expect(
        (await points('breakwater.attempt.duration')).map(
          ({ attributes }) => attributes['gen_ai.request.model'],
        ),
      ).toEqual([model, fallback])
    }
  })

  it('shows an attempt that nobody has sent in neither spans nor metrics', async () => {
    const refuse: Middleware = () =>
      Promise.reject(
        Object.assign(new Error('open'), {
          code: 'circuit_open',
          category: 'circuit_open',
          [Symbol.for('breakwater.error')]: true,
        }),
      )
    const { client, fetch, spans, points, total } = setUp([], {}, (telemetry) => [
      telemetry,
      plainSend,
      telemetry,
      refuse,
    ])
    await settled(client.messages.create(params))
    expect(fetch.requests).toHaveLength(0)
    expect(spans('breakwater.attempt')).toEqual([])
    expect(spans(callSpan)[0]).toMatchObject({
      status: { code: SpanStatusCode.ERROR },
      attributes: { 'error.type': 'breaker_open', 'breakwater.call.attempts': 0 },
    })
    expect(await points('breakwater.attempt.duration')).toEqual([])
    expect(await total('breakwater.attempt.active')).toBe(0)
    expect(await points('breakwater.call.attempts')).toMatchObject([
      { count: 1, value: 0, attributes: { 'error.type': 'breaker_open' } },
    ])
  })

  it('has its metrics where nothing is sampled', async () => {
    const { tracerProvider, meterProvider, spans, total } = sink(new AlwaysOffSampler())
    register({ tracerProvider })
    const telemetry = otel({ tracerProvider, meterProvider })
    const client = clientOf({
      middleware: [telemetry, plainRetry(2), telemetry],
      fetch: fakeFetch({ script: [529, {}] }),
    })
    await settled(client.messages.create(params))
    expect(spans()).toEqual([])
    expect(await total('breakwater.attempt.duration')).toBe(2)
    expect(await total('gen_ai.client.operation.duration')).toBe(1)
    expect(await total('gen_ai.client.token.usage')).toBe(2)
  })

  it('works without a context manager', async () => {
    const { tracerProvider, meterProvider, spans, total } = sink()
    const telemetry = otel({ tracerProvider, meterProvider })
    const client = clientOf({
      middleware: [telemetry, plainRetry(2), telemetry],
      fetch: fakeFetch({ script: [529, {}] }),
    })
    await settled(client.messages.create(params))
    const [call] = spans(callSpan)
    expect(spans('breakwater.attempt').map(({ parentSpanContext }) => parentSpanContext?.spanId)).toEqual([
      call?.spanContext().spanId,
      call?.spanContext().spanId,
    ])
    expect(await total('breakwater.attempt.duration')).toBe(2)
  })

  it('runs what is inside in the context of the attempt, and of the call where somebody inside makes the attempts', async () => {
    const seen: (string | undefined)[] = []
    const look: Middleware = async (request, next) => {
      const response = next(request)
      await Promise.resolve()
      seen.push(trace.getActiveSpan()?.spanContext().spanId)
      return response
    }
    const { client, spans } = setUp([{}, {}], {}, (telemetry) => [
      telemetry,
      look,
      plainSend,
      telemetry,
      look,
    ])
    await settled(client.messages.create(params))
    expect(seen).toEqual([
      spans('breakwater.attempt')[0]?.spanContext().spanId,
      spans(callSpan)[0]?.spanContext().spanId,
    ])
  })

  it('begins no attempt when it is over, whoever asks for the active span', async () => {
    let later: (() => unknown) | undefined
    const hold: Middleware = async (request, next) => {
      const active = context.active()
      later = () => trace.getSpan(active)
      await Promise.resolve()
      return next(request)
    }
    const { client, spans, total } = setUp([{}], {}, (telemetry) => [telemetry, hold, plainSend])
    await settled(client.messages.create(params))
    expect(later?.()).toBeUndefined()
    expect(spans('breakwater.attempt')).toHaveLength(1)
    expect(await total('breakwater.attempt.active')).toBe(0)
  })

  it('counts what the retries of the SDK send as one call where it is told of them', async () => {
    const { tracerProvider, meterProvider, spans, total } = sink()
    register({})
    const fetch = fakeFetch({ script: [529, 529, {}, 400] })
    const client = clientOf({
      middleware: otel({ tracerProvider, meterProvider, sdkMaxRetries: 2 }),
      fetch,
      maxRetries: 2,
    })
    await settled(client.messages.create(params))
    await settled(client.messages.create(params))
    expect(fetch.requests).toHaveLength(4)
    expect(await total('breakwater.attempt.duration')).toBe(4)
    // Under `createFetch` each of them is a call: nothing connects them.
    const calls = clientOf === seams[0]?.[1] ? 2 : 4
    expect(await total('gen_ai.client.operation.duration')).toBe(calls)
    expect(spans(callSpan)).toHaveLength(calls)
    if (calls === 2) {
      const attempts = spans('breakwater.attempt').slice(0, 3)
      const parents = attempts.map(({ parentSpanContext }) => parentSpanContext?.spanId)
      const [first] = spans(callSpan)
      expect(parents).toEqual(Array.from({ length: 3 }, () => first?.spanContext().spanId))
    }
  })

  it.each<[OtelOptions['semconv'], string[], string[]]>([
    [
      'published',
      ['gen_ai.client.operation.duration', 'gen_ai.client.token.usage'],
      ['gen_ai.client.inference.duration'],
    ],
    [
      'next',
      ['gen_ai.client.inference.duration', 'gen_ai.client.inference.usage.input_tokens'],
      ['gen_ai.client.operation.duration', 'gen_ai.client.token.usage'],
    ],
    [
      'both',
      [
        'gen_ai.client.operation.duration',
        'gen_ai.client.inference.duration',
        'gen_ai.client.token.usage',
        'gen_ai.client.inference.operation.output_tokens',
      ],
      [],
    ],
    [
      'none',
      ['breakwater.call.attempts'],
      ['gen_ai.client.operation.duration', 'gen_ai.client.inference.duration', 'gen_ai.client.token.usage'],
    ],
  ])('keeps the GenAI metrics in the names of %s', async (semconv, present, absent) => {
    const { client, all, total } = setUp([{ usage: { input_tokens: 100, output_tokens: 7 } }], { semconv })
    await settled(client.messages.create(params))
    const names = (await all()).map(({ name }) => name)
    for (const name of present) expect(names).toContain(name)
    for (const name of absent) expect(names).not.toContain(name)
    if (semconv === 'next')
      expect(
        await total('gen_ai.client.inference.usage.input_tokens', { 'gen_ai.token.modality': 'unknown' }),
      ).toBe(100)
  })

  it('counts tokens and what they cost', async () => {
    const prices = { [model]: { input: 1, output: 5 } }
    const usage = {
      input_tokens: 1_000,
      cache_read_input_tokens: 10_000,
      cache_creation_input_tokens: 0,
      output_tokens: 200,
    }
    const { client, points } = setUp([{ usage, model: `${model}-20261015` }], { prices })
    await settled(client.messages.create(params))
    expect(await points('gen_ai.client.token.usage')).toMatchObject([
      {
        value: 11_000,
        count: 1,
        attributes: { ...chat, 'gen_ai.token.type': 'input', 'gen_ai.response.model': `${model}-20261015` },
      },
      { value: 200, count: 1, attributes: { 'gen_ai.token.type': 'output' } },
    ])
    const [cost] = await points('breakwater.cost')
    expect(cost?.value).toBeCloseTo(0.003, 12)
    expect(cost?.attributes).toMatchObject({
      'gen_ai.request.model': model,
      'breakwater.cost.source': 'local',
    })
  })

  it('reads no answer for its usage where nobody wants it', async () => {
    const given: Response[] = []
    const got: Response[] = []
    const keep =
      (to: Response[]): Middleware =>
      async (request, next) => {
        const response = await next(request)
        to.push(response)
        return response
      }
    const { client, points } = setUp([{}], { tokens: false, callSpan: 'none' }, (telemetry) => [
      keep(got),
      telemetry,
      keep(given),
    ])
    await settled(client.messages.create(params))
    expect(got[0]).toBe(given[0])
    expect(await points('gen_ai.client.token.usage')).toEqual([])
    expect(await points('gen_ai.client.operation.duration')).toHaveLength(1)
  })

  it('reads no answer where there are spans of attempts only', async () => {
    const seen: Response[] = []
    const look: Middleware = async (request, next) => {
      const response = await next(request)
      seen.push(response)
      return response
    }
    const { tracerProvider, spans } = sink()
    register({})
    const telemetry = otel({ tracerProvider, callSpan: 'none' })
    const fetch = fakeFetch({ script: [{}] })
    await settled(clientOf({ middleware: [look, telemetry, look], fetch }).messages.create(params))
    expect(spans('breakwater.attempt')).toHaveLength(1)
    expect(seen[0]).toBe(seen[1])
  })

  it.each([true, false])(
    'leaves an answer alone that is too long to keep, said beforehand: %s',
    async (isSaid) => {
      const seen: Response[] = []
      const drop: Middleware = async (request, next) => {
        const { body, headers, status } = await next(request)
        const kept = new Headers(headers)
        if (!isSaid) kept.delete('content-length')
        seen.push(new Response(body, { status, headers: kept }))
        return seen[0]!
      }
      const look: Middleware = async (request, next) => {
        seen.push(await next(request))
        return seen[1]!
      }
      const text = 'x'.repeat(5_000_000)
      const script = [{ text, chunkBytes: 1_000_000 }]
      const { client, points, spans } = setUp(script, {}, (telemetry) => [look, telemetry, drop])
      const message = (await settled(client.messages.create(params))) as Anthropic.Message
      expect(JSON.stringify(message.content)).toContain(text)
      expect(seen[0] === seen[1]).toBe(isSaid)
      expect(await points('gen_ai.client.token.usage')).toEqual([])
      expect(spans(callSpan)).toHaveLength(1)
    },
  )

  it('counts no tokens of an answer that came from no upstream', async () => {
    const local: Middleware = async (request, next, ctx) => {
      const response = await plainSend(request, next, ctx)
      if (response.ok) return response
      const usage = { input_tokens: 7, output_tokens: 7 }
      return Response.json({
        id: 'm',
        type: 'message',
        role: 'assistant',
        model,
        content: [],
        stop_reason: 'end_turn',
        usage,
      })
    }
    const { client, points, total } = setUp([529], {}, (telemetry) => [telemetry, local])
    expect(await settled(client.messages.create(params))).toMatchObject({ id: 'm' })
    expect(await points('gen_ai.client.token.usage')).toEqual([])
    expect(await total('breakwater.attempt.duration')).toBe(1)
    expect(await total('gen_ai.client.operation.duration')).toBe(1)
  })

  it('gives the attempts that it only sees from outside their own times', async () => {
    const stack = (telemetry: Middleware): Middleware[] => [telemetry, plainRetry(1)]
    const { client, spans } = setUp([{ status: 529, delayMs: 2_000 }, { delayMs: 500 }], {}, stack)
    const before = Date.now()
    await settled(client.messages.create(params))
    const [failed, answered] = spans('breakwater.attempt').toSorted(
      ({ startTime: [a] }, { startTime: [b] }) => a - b,
    )
    const ms = ([seconds = 0, nanos = 0]: readonly number[] = []): number => seconds * 1e3 + nanos / 1e6
    expect(ms(failed?.duration)).toBeCloseTo(2_000, 2)
    expect(ms(failed?.startTime)).toBeCloseTo(before, 2)
    expect(ms(answered?.startTime)).toBeCloseTo(ms(failed?.endTime), 2)
  })

  it('says what is left of the limits', async () => {
    const limits = {
      requests: { limit: 50, remaining: 49, resetMs: 60_000 },
      outputTokens: { limit: 8_000, remaining: 0 },
    }
    vi.setSystemTime(1_800_000_000_000)
    const { client, points } = setUp([
      { rateLimit: limits },
      { status: 429, rateLimit: { requests: { limit: 50, remaining: 0 } } },
    ])
    await settled(client.messages.create(params))
    expect(await points('breakwater.rate_limit.remaining')).toMatchObject([
      { value: 49, attributes: { 'breakwater.rate_limit.type': 'requests', 'gen_ai.request.model': model } },
      { value: 0, attributes: { 'breakwater.rate_limit.type': 'output_tokens' } },
    ])
    expect((await points('breakwater.rate_limit.limit')).map(({ value }) => value)).toEqual([50, 8_000])
    expect((await points('breakwater.rate_limit.reset_time'))[0]?.value).toBe(1_800_000_060)
    await settled(client.messages.create(params))
    expect((await points('breakwater.rate_limit.remaining'))[0]?.value).toBe(0)
  })

  it('says so too where it only stands outermost', async () => {
    const rateLimit = { tokens: { limit: 9, remaining: 3 } }
    const { client, points } = setUp([{ rateLimit }], {}, (telemetry) => [telemetry, plainSend])
    await settled(client.messages.create(params))
    expect(await points('breakwater.rate_limit.remaining')).toMatchObject([{ value: 3 }])
  })

  it('tells few models apart', async () => {
    const ask = async (models?: OtelOptions['models'], count = 60): Promise<Set<unknown>> => {
      const { client, all } = setUp([{ repeat: 'forever' }], models === undefined ? {} : { models })
      for (let index = 0; index < count; index++)
        await settled(client.messages.create({ ...params, model: `model-${index}` }))
      const found = (await all()).flatMap(({ points }) =>
        points.flatMap(({ attributes }) => [
          attributes['gen_ai.request.model'],
          attributes['gen_ai.response.model'],
        ]),
      )
      return new Set(found.filter((value) => value !== undefined))
    }
    expect((await ask()).size).toBe(51)
    expect(await ask(['model-1'], 3)).toEqual(new Set(['other', 'model-1']))
    expect(await ask((name) => name.slice(0, 5), 3)).toEqual(new Set(['model']))
  })

  it('puts attributes of the application on spans and GenAI metrics', async () => {
    const { client, spans, points } = setUp([{}], {
      attributes: { 'app.team': 'search', 'gen_ai.provider.name': 'aws.bedrock' },
    })
    await settled(client.messages.create(params))
    for (const span of spans()) expect(span.attributes).toMatchObject({ 'app.team': 'search' })
    expect(await points('gen_ai.client.operation.duration')).toMatchObject([
      { attributes: { 'app.team': 'search', 'gen_ai.provider.name': 'aws.bedrock' } },
    ])
  })

  it('leaves out attempts and request ids where they are not wanted', async () => {
    const { client, spans } = setUp([{}], { attemptSpans: false })
    await settled(client.messages.create(params))
    expect(spans().map(({ name }) => name)).toEqual([`chat ${model}`])
    const without = setUp([{}], { requestIds: false })
    await settled(without.client.messages.create(params))
    expect(without.spans('breakwater.attempt')[0]?.attributes).not.toHaveProperty(['anthropic.request.id'])
  })

  it('never fails a call, whatever breaks in telemetry, and says so once', async () => {
    const broken = new Proxy(
      {},
      {
        get: () => () => {
          throw new Error('secret')
        },
      },
    )
    const getMeter = (): never => {
      throw new Error('secret')
    }
    const { lines, logger } = recordingLogger()
    const telemetry = otel({
      tracerProvider: { getTracer: () => broken as never },
      meterProvider: { getMeter },
      models: () => {
        throw new Error('secret')
      },
    })
    const client = clientOf({
      middleware: [telemetry, plainRetry(1), telemetry],
      fetch: fakeFetch({ script: [529, {}, {}, 400] }),
      logger,
    })
    expect(await settled(client.messages.create(params))).toMatchObject({ type: 'message' })
    expect(await readAll(await client.messages.create({ ...params, stream: true }))).toBeGreaterThan(3)
    expect(await settled(client.messages.create(params))).toMatchObject({ status: 400 })
    expect(lines).toEqual([['debug', '[breakwater] otel could not record: Error; said once']])
  })

  it.each<[string, 'startSpan' | 'end' | 'setAttribute' | 'setAttributes']>([
    ['beginning', 'startSpan'],
    ['end', 'end'],
    ['attributes', 'setAttributes'],
    ['attribute', 'setAttribute'],
  ])('never fails a call whose spans break at their %s', async (_, method) => {
    const { tracerProvider, meterProvider, total } = sink()
    const fail = (): never => {
      throw new Error('broken')
    }
    const breaking = {
      getTracer(name: string) {
        const tracer = tracerProvider.getTracer(name)
        if (method === 'startSpan') return Object.assign(tracer, { startSpan: fail })
        const start = tracer.startSpan.bind(tracer)
        return Object.assign(tracer, {
          startSpan: (...given: Parameters<typeof start>) =>
            Object.assign(start(...given), { [method]: fail }),
        })
      },
    }
    const telemetry = otel({ tracerProvider: breaking, meterProvider })
    const client = clientOf({
      middleware: [telemetry, plainRetry(1), telemetry],
      fetch: fakeFetch({ script: [529, {}, {}, { network: 'reset' }, 400] }),
    })
    expect(await settled(client.messages.create(params))).toMatchObject({ type: 'message' })
    expect(await readAll(await client.messages.create({ ...params, stream: true }))).toBeGreaterThan(3)
    expect(await settled(client.messages.create(params))).toMatchObject({ status: 400 })
    expect(await total('breakwater.attempt.duration')).toBe(5)
    expect(await total('breakwater.call.attempts')).toBe(3)
    expect(await total('gen_ai.client.token.usage', { 'gen_ai.token.type': 'output' })).toBe(2)
  })

  it('finds providers that are registered after it was made', async () => {
    const telemetry = otel()
    const client = clientOf({ middleware: telemetry, fetch: fakeFetch({ script: [{ repeat: 'forever' }] }) })
    await settled(client.messages.create(params))
    const { tracerProvider, meterProvider, spans, total } = sink()
    register({ tracerProvider, meterProvider })
    await settled(client.messages.create(params))
    expect(spans('breakwater.attempt')).toHaveLength(1)
    expect(await total('breakwater.attempt.duration')).toBe(1)
    metrics.disable()
  })
})

describe.each(seams)('the SDK’s own span, through %s', (_, clientOf) => {
  function setUp(
    script: Script,
    stack: (telemetry: Middleware) => Middleware[],
    options: OtelOptions = {},
    contextManager = true,
  ) {
    const { tracerProvider, meterProvider, ...seen } = sink()
    register({ tracerProvider, contextManager })
    const fetch = fakeFetch({ script })
    return {
      client: clientOf({ middleware: stack(otel({ tracerProvider, meterProvider, ...options })), fetch }),
      fetch,
      ...seen,
    }
  }

  it('is the only GenAI span, with what it does not know itself', async () => {
    const { client, spans } = setUp([529, {}], (telemetry) => [telemetry, plainRetry(2, 70), telemetry])
    await settled(client.messages.create(params))
    const genAi = spans().filter(({ attributes }) =>
      Object.keys(attributes).some((name) => name.startsWith('gen_ai.')),
    )
    expect(genAi.map(({ name }) => name)).toEqual(['anthropic.messages.create'])
    expect(genAi[0]?.attributes).toMatchObject({
      'breakwater.call.attempts': 2,
      'breakwater.call.wait_time': 0.07,
      'breakwater.call.route': 'primary',
    })
    const attempts = spans('breakwater.attempt')
    expect(attempts).toHaveLength(2)
    for (const { parentSpanContext } of attempts)
      expect(parentSpanContext?.spanId).toBe(genAi[0]?.spanContext().spanId)
  })

  it('has its attributes when the stream is left early', async () => {
    const { client, spans } = setUp([{}], (telemetry) => [telemetry])
    const stream = await client.messages.create({ ...params, stream: true })
    for await (const _ of stream) break
    expect(spans('anthropic.messages.create')[0]?.attributes).toMatchObject({ 'breakwater.call.attempts': 1 })
  })

  it('is left alone where no call span is wanted, and beside one of our own where that is', async () => {
    const none = setUp([{}], (telemetry) => [telemetry], { callSpan: 'none' })
    await settled(none.client.messages.create(params))
    expect(
      none
        .spans()
        .map(({ name }) => name)
        .toSorted(),
    ).toEqual(['anthropic.messages.create', 'breakwater.attempt'])
    expect(none.spans(callSpan)[0]?.attributes).not.toHaveProperty(['breakwater.call.attempts'])
    trace.disable()
    const own = setUp([{}], (telemetry) => [telemetry], { callSpan: 'own' })
    await settled(own.client.messages.create(params))
    const [attempt, call, sdk] = own.spans()
    expect([attempt, call, sdk].map((span) => span?.name)).toEqual([
      'breakwater.attempt',
      `chat ${model}`,
      'anthropic.messages.create',
    ])
    expect(call?.parentSpanContext?.spanId).toBe(sdk?.spanContext().spanId)
  })

  it('is found without a context manager, or at least not doubled', async () => {
    const { client, spans } = setUp(
      [529, {}],
      (telemetry) => [telemetry, plainRetry(1), telemetry],
      {},
      false,
    )
    await settled(client.messages.create(params))
    const [sdk, ...others] = spans(callSpan)
    expect(others).toEqual([])
    const attempts = spans('breakwater.attempt')
    expect(attempts).toHaveLength(2)
    for (const attempt of attempts) expect(attempt.parentSpanContext?.spanId).toBe(sdk?.spanContext().spanId)
  })

  it('is found where it is sent in no header and there is no context manager', async () => {
    const { tracerProvider, meterProvider, spans } = sink()
    register({ contextManager: false })
    const telemetry = otel({ tracerProvider, meterProvider })
    const fetch = fakeFetch({ script: [{}] })
    const openTelemetry = { tracerProvider, propagation: false }
    const client = new Anthropic({
      apiKey: 'x',
      maxRetries: 0,
      fetch,
      openTelemetry,
      middleware: [telemetry],
    })
    await settled(client.messages.create(params))
    const [sdk, ...others] = spans(callSpan)
    expect(others).toEqual([])
    expect(spans('breakwater.attempt')[0]?.parentSpanContext?.spanId).toBe(sdk?.spanContext().spanId)
  })

  it('says that a circuit has refused the call', async () => {
    const refuse: Middleware = async (request, _next, ctx) => {
      callOf(request, ctx).events.push({ type: 'breaker_rejected', key: 'x' })
      throw Object.assign(new Error('open'), {
        code: 'circuit_open',
        category: 'circuit_open',
        [Symbol.for('breakwater.error')]: true,
      })
    }
    const { client, spans } = setUp([], (telemetry) => [telemetry, refuse])
    await settled(client.messages.create(params))
    expect(spans(callSpan)[0]?.attributes).toMatchObject({
      'breakwater.breaker.rejected': true,
      'breakwater.call.attempts': 0,
    })
  })
})

describe('an attempt that another middleware makes while a body is read', () => {
  it.each(seams)('is a child of the call and not of the reader: %s', async (_, clientOf) => {
    const { tracerProvider, meterProvider, spans, total } = sink()
    register({})
    // As the SDK's refusal fallback does: the second hop is sent when the first has been read.
    const hop: Middleware = async (request, next) => {
      const first = await next(request)
      const body = new ReadableStream<Uint8Array>({
        async start(controller) {
          for await (const chunk of first.body ?? []) void chunk
          const second = await next(request)
          for await (const chunk of second.body ?? []) controller.enqueue(chunk)
          controller.close()
        },
      })
      return new Response(body, first)
    }
    const telemetry = otel({ tracerProvider, meterProvider })
    const client = clientOf({
      middleware: [telemetry, hop, telemetry],
      fetch: fakeFetch({ script: [{}, {}] }),
    })
    const stream = await client.messages.create({ ...params, stream: true })
    const reader = tracerProvider.getTracer('app').startSpan('reader')
    await context.with(trace.setSpan(ROOT_CONTEXT, reader), () => readAll(stream))
    const calls = spans(callSpan)
    expect(calls).toHaveLength(1)
    expect(spans('breakwater.attempt').map(({ parentSpanContext }) => parentSpanContext?.spanId)).toEqual([
      calls[0]?.spanContext().spanId,
      calls[0]?.spanContext().spanId,
    ])
    // Both hops are billed, the call is one.
    expect(await total('gen_ai.client.token.usage', { 'gen_ai.token.type': 'input' })).toBe(2)
    expect(await total('breakwater.attempt.duration')).toBe(2)
    expect(await total('gen_ai.client.operation.duration')).toBe(1)
  })
})

describe('the description', () => {
  it('warns of a place inside what sends again, unless there is one outside too', () => {
    const telemetry = otel()
    const stand = (name: string): Middleware => withDescription((request, next) => next(request), { name })
    for (const name of ['jitterRetry', 'modelFailover']) {
      expect(describeStack([stand(name), telemetry]).warnings).toEqual([
        expect.stringMatching(`inside \`${name}\` .*docs/choosing-an-order.md#otel-in-the-middle$`),
      ])
      expect(describeStack([telemetry, stand(name), telemetry]).warnings).toEqual([])
    }
    expect(describeStack([stand('timeout'), telemetry]).warnings).toEqual([])
    expect(describeStack([telemetry]).text).toContain('otel → upstream')
  })
})

describe('what is left', () => {
  it.each(seams)('is no timer, whatever becomes of an answer: %s', async (_, clientOf) => {
    // Without processors and readers, which have timers of their own.
    const telemetry = otel({ tracerProvider: new BasicTracerProvider(), meterProvider: new MeterProvider() })
    const script: Script = [{}, {}, {}, { fault: 'cut' }, { network: 'hang' }, 400]
    const client = clientOf({ middleware: [telemetry, plainSend, telemetry], fetch: fakeFetch({ script }) })
    const streamed = { ...params, stream: true } as const
    await client.messages.create(params)
    await readAll(await client.messages.create(streamed))
    for await (const _ of await client.messages.create(streamed)) break
    await readAll(await client.messages.create(streamed)).catch(() => {})
    const controller = new AbortController()
    const hanging = client.messages.create(params, { signal: controller.signal }).catch(() => {})
    await vi.advanceTimersByTimeAsync(10)
    controller.abort()
    await hanging
    await client.messages.create(params).catch(() => {})
    expect(vi.getTimerCount()).toBe(0)
    expect(getEventListeners(controller.signal, 'abort')).toEqual([])
  })
})

describe('an exchange of credentials', () => {
  it.each([true, false])('passes as it is, and is no call, under createFetch: %s', async (isFetch) => {
    const seen = sink()
    const telemetry = otel(seen)
    const answer = new Response('{}')
    const url = 'https://api.anthropic.com/v1/oauth/token'
    const ctx = { logger: console, parse: () => Promise.reject(new Error('no')) }
    const got = isFetch
      ? await createFetch(telemetry, { fetch: () => Promise.resolve(answer) })(url, { method: 'POST' })
      : await telemetry({ url, headers: new Headers() }, () => Promise.resolve(answer), ctx)
    expect(got).toBe(answer)
    expect(seen.spans()).toEqual([])
    expect(await seen.points('breakwater.attempt.duration')).toEqual([])
  })
})

describe('where nobody listens', () => {
  it.each(seams)('does nothing but send: %s', async (_, clientOf) => {
    const seen: unknown[] = []
    const look: Middleware = (request, next, ctx) => {
      seen.push([...(callOf(request, ctx).values?.keys() ?? [])])
      return next(request)
    }
    const telemetry = otel()
    const fetch = fakeFetch({ script: [529, {}] })
    const client = clientOf({ middleware: [telemetry, plainRetry(1), telemetry, look], fetch })
    expect(await settled(client.messages.create(params))).toMatchObject({ type: 'message' })
    expect(fetch.requests).toHaveLength(2)
    expect(seen).toEqual([[], []])
  })
})

describe('the options', () => {
  it.each<[string, object]>([
    ['tracerProvider', { tracerProvider: {} }],
    ['meterProvider', { meterProvider: 'x' }],
    ['callSpan', { callSpan: 'yes' }],
    ['semconv', { semconv: 'dup' }],
    ['propagation', { propagation: true }],
    ['attemptSpans', { attemptSpans: 1 }],
    ['keepBaggage', { keepBaggage: 'no' }],
    ['tokens', { tokens: 0 }],
    ['requestIds', { requestIds: null }],
    ['prices', { prices: [] }],
    ["prices['m'].output", { prices: { m: { input: 1 } } }],
    ["prices['m'].cacheRead", { prices: { m: { input: 1, output: 2, cacheRead: -1 } } }],
    ['models', { models: 'm' }],
    ['models', { models: [1] }],
    ['attributes', { attributes: [] }],
    ['sdkMaxRetries', { sdkMaxRetries: 1.5 }],
  ])('refuse a bad `%s`', (name, options) => {
    expect(() => otel(options)).toThrow(TypeError)
    expect(() => otel(options)).toThrow(`\`${name}\``)
  })
})

describe('a foreign middleware in between', () => {
  it.each(seams)('hides nothing: %s', async (_, clientOf) => {
    const { tracerProvider, meterProvider, spans, total } = sink()
    register({})
    const telemetry = otel({ tracerProvider, meterProvider })
    const lines: (readonly Attempt[])[] = []
    const look: Middleware = (request, next, ctx) => {
      lines.push(callOf(request, ctx).attempts)
      return next(request)
    }
    const client = clientOf({
      middleware: [telemetry, look, foreign, plainRetry(2), foreign, telemetry, foreign],
      fetch: fakeFetch({ script: [529, {}] }),
    })
    await settled(client.messages.create(params))
    expect(lines[0]).toHaveLength(2)
    expect(await total('breakwater.attempt.duration')).toBe(2)
    expect(await total('gen_ai.client.token.usage')).toBe(2)
    expect(spans('breakwater.attempt')).toHaveLength(2)
    expect(spans(callSpan)).toHaveLength(1)
  })
})
