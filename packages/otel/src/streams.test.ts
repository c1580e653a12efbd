import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { createFetch, discard, tapOf, tapped, type Middleware } from '@breakwater/core'
import { params, seams } from '@breakwater/testing'
import { fakeFetch, type Reply } from '@breakwater/testkit'
import { SpanStatusCode } from '@opentelemetry/api'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { otel } from './otel.ts'
import type { OtelOptions } from './options.ts'
import { plainRetry, plainSend, register, sink } from './testing/set-up.ts'

const streamed = { ...params, stream: true } as const
const usage = { input_tokens: 40, output_tokens: 12 }

afterEach(() => void vi.useRealTimers())

setFlagsFromString('--expose_gc')
const gc: () => void = runInNewContext('gc')

/** Collects what nobody holds, until `isDone`. */
async function collect(isDone: () => boolean | Promise<boolean>): Promise<void> {
  for (let round = 0; round < 50 && !(await isDone()); round++) {
    gc()
    await new Promise((resolve) => void setImmediate(resolve))
  }
}

describe.each(seams)('a stream, through %s', (_, clientOf) => {
  function setUp(
    reply: Reply,
    stack: (telemetry: Middleware) => Middleware[] = (telemetry) => [telemetry, plainSend, telemetry],
    options: OtelOptions = {},
  ) {
    const seen = sink()
    register({})
    const fetch = fakeFetch({
      script: [typeof reply === 'number' || 'body' in reply ? reply : { usage, ...reply }],
    })
    return { ...seen, fetch, client: clientOf({ middleware: stack(otel({ ...seen, ...options })), fetch }) }
  }

  async function read(client: ReturnType<typeof clientOf>, most = Infinity): Promise<unknown> {
    let events = 0
    try {
      for await (const _ of await client.messages.create(streamed)) if (++events === most) break
      return events
    } catch (error) {
      return error
    }
  }

  const full = { input: 1, output: 1 }
  const begun = { input: 1, output: 0 }
  const cases: [
    string,
    Reply,
    number,
    { end: string; type?: string; tokens: { input: number; output: number }; chunk: boolean; ok?: boolean },
  ][] = [
    ['read to its end', {}, Infinity, { end: 'complete', tokens: full, chunk: true, ok: true }],
    [
      'ended by an error',
      { fault: { kind: 'error', at: 4 } },
      Infinity,
      { end: 'error_event', type: 'overloaded_error', tokens: begun, chunk: true },
    ],
    [
      'of an error that nobody documents',
      { fault: { kind: 'error', at: 4, type: 'made_up_error' } },
      Infinity,
      { end: 'error_event', type: 'api_error', tokens: begun, chunk: true },
    ],
    [
      'that begins with an error',
      { fault: { kind: 'error', at: 'start' } },
      Infinity,
      { end: 'error_event', type: 'overloaded_error', tokens: { input: 0, output: 0 }, chunk: false },
    ],
    [
      'that ends without its end',
      { fault: { kind: 'end', at: 4 } },
      Infinity,
      { end: 'truncated', type: 'stream_truncated', tokens: begun, chunk: true },
    ],
    [
      'that is cut',
      { fault: { kind: 'cut', at: 4 } },
      Infinity,
      { end: 'failed', type: 'stream_truncated', tokens: begun, chunk: true },
    ],
    [
      'that is left early',
      {},
      4,
      { end: 'cancelled', type: 'canceled', tokens: begun, chunk: true, ok: true },
    ],
    [
      'of nothing',
      { body: '', contentType: 'text/event-stream' },
      Infinity,
      { end: 'empty', type: 'stream_truncated', tokens: { input: 0, output: 0 }, chunk: false },
    ],
  ]

  describe.each([
    ['at both ends', (telemetry: Middleware) => [telemetry, plainSend, telemetry]],
    ['alone', (telemetry: Middleware) => [telemetry]],
    ['outermost', (telemetry: Middleware) => [telemetry, plainSend]],
    ['innermost', (telemetry: Middleware) => [plainSend, telemetry]],
  ])('watched from %s', (_, stack) => {
    it.each(cases)('%s', async (_, reply, most, { end, type, tokens, chunk, ok = false }) => {
      const { client, spans, points, total } = setUp(reply, stack)
      await read(client, most)
      const [attempt, call] = spans()
      expect(spans().map(({ name }) => name)).toEqual(['breakwater.attempt', `chat ${params.model}`])
      for (const span of [attempt, call]) {
        expect(span?.status.code).toBe(ok ? SpanStatusCode.UNSET : SpanStatusCode.ERROR)
        expect(span?.attributes['error.type']).toBe(type)
      }
      expect(attempt?.attributes['breakwater.stream.end']).toBe(end)
      expect(await points('breakwater.stream.duration')).toMatchObject([
        { count: 1, attributes: { 'breakwater.stream.end': end } },
      ])
      expect(
        await total('gen_ai.client.operation.duration', type === undefined ? {} : { 'error.type': type }),
      ).toBe(1)
      expect(await total('gen_ai.client.operation.duration')).toBe(1)
      expect(await total('gen_ai.client.token.usage', { 'gen_ai.token.type': 'input' })).toBe(tokens.input)
      expect(await total('gen_ai.client.token.usage', { 'gen_ai.token.type': 'output' })).toBe(tokens.output)
      expect(await total('breakwater.attempt.time_to_first_chunk')).toBe(chunk ? 1 : 0)
      expect(await total('gen_ai.client.operation.time_to_first_chunk')).toBe(chunk ? 1 : 0)
      expect('breakwater.attempt.time_to_first_chunk' in (attempt?.attributes ?? {})).toBe(chunk)
      expect(await total('breakwater.attempt.active')).toBe(0)
      expect(await total('breakwater.attempt.duration')).toBe(1)
    })
  })

  it('is measured by the clock: headers, first content, the whole', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance', 'Date'] })
    const { client, spans, points } = setUp({ delayMs: 1_000, gapMs: 100, text: 'x'.repeat(24) })
    const outcome = read(client)
    await vi.advanceTimersByTimeAsync(60_000)
    expect(await outcome).toBe(7)
    vi.useRealTimers()
    // message_start, content_block_start, then the first delta: three pieces, a gap between each.
    expect(spans('breakwater.attempt')[0]?.attributes).toMatchObject({
      'breakwater.attempt.time_to_headers': 1,
      'breakwater.attempt.time_to_first_chunk': expect.closeTo(1.3, 6),
    })
    expect((await points('gen_ai.client.operation.time_to_first_chunk'))[0]?.value).toBeCloseTo(1.3, 6)
    expect((await points('breakwater.attempt.duration'))[0]?.value).toBe(1)
    expect((await points('gen_ai.client.operation.duration'))[0]?.value).toBeGreaterThan(1.6)
    expect((await points('gen_ai.client.operation.duration'))[0]?.value).toBeCloseTo(
      1 + ((await points('breakwater.stream.duration'))[0]?.value ?? 0),
      6,
    )
  })

  it('ends with the call that is aborted', async () => {
    const { client, spans, total } = setUp({ fault: { kind: 'stall', at: 4 } })
    const controller = new AbortController()
    const stream = await client.messages.create(streamed, { signal: controller.signal })
    let events = 0
    await (async () => {
      for await (const _ of stream) if (++events === 3) controller.abort()
    })().catch(() => {})
    expect(spans().map(({ status }) => status.code)).toEqual([SpanStatusCode.UNSET, SpanStatusCode.UNSET])
    expect(await total('gen_ai.client.operation.duration', { 'error.type': 'canceled' })).toBe(1)
  })

  it('takes the last word on the usage', async () => {
    const events = [
      {
        type: 'message_start',
        message: {
          type: 'message',
          id: 'msg_1',
          model: 'm',
          usage: { input_tokens: 10, cache_read_input_tokens: 1, output_tokens: 1 },
        },
      },
      { type: 'message_delta', delta: { stop_reason: null }, usage: { output_tokens: 5 } },
      {
        type: 'message_delta',
        delta: { stop_reason: 'end_turn' },
        usage: {
          input_tokens: 30,
          cache_read_input_tokens: null,
          output_tokens: 50,
          output_tokens_details: { thinking_tokens: 20 },
        },
      },
      { type: 'message_stop' },
    ]
    const body = events.map((event) => `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`).join('')
    const { client, spans, points } = setUp({ body, contentType: 'text/event-stream' })
    await read(client)
    expect(spans(/^chat/)[0]?.attributes).toMatchObject({
      'gen_ai.response.id': 'msg_1',
      'gen_ai.response.finish_reasons': ['end_turn'],
      'gen_ai.usage.input_tokens': 31,
      'gen_ai.usage.output_tokens': 50,
      'gen_ai.usage.reasoning.output_tokens': 20,
    })
    expect((await points('gen_ai.client.token.usage')).map(({ value }) => value)).toEqual([31, 50])
  })

  it('that fails is counted in the next conventions, but in none of their histograms', async () => {
    const { client, total } = setUp({ fault: { kind: 'error', at: 4 } }, undefined, { semconv: 'next' })
    await read(client)
    expect(await total('gen_ai.client.inference.usage.input_tokens')).toBe(40)
    expect(await total('gen_ai.client.inference.operation.input_tokens')).toBe(0)
    expect(await total('gen_ai.client.inference.duration', { 'error.type': 'overloaded_error' })).toBe(1)
  })

  it('passes byte for byte, and its events at the pace of the reader', async () => {
    const { client } = setUp({ chunkBytes: 7 })
    const response = await client.messages.create(streamed).asResponse()
    expect(await response.text()).toContain('event: message_stop')
  })

  it('is counted by its own attempt when a guard replaces it with a failure, and healed by a retry', async () => {
    const guard: Middleware = async (request, next, ctx) => {
      const response = tapped(await plainSend(request, next, ctx))
      let failed = false
      tapOf(response)?.add({ onEvent: ({ type }) => void (failed ||= type === 'error') })
      const isOver = (): boolean => failed
      while (!isOver() && (await tapOf(response)?.peek()) === true);
      if (!failed) return response
      discard(response)
      return new Response('{"type":"error","error":{"type":"overloaded_error","message":"x"}}', {
        status: 529,
        headers: { 'request-id': response.headers.get('request-id') ?? '' },
      })
    }
    const seen = sink()
    register({})
    const telemetry = otel(seen)
    const fetch = fakeFetch({ script: [{ fault: { kind: 'error', at: 1 } }, { usage }] })
    const client = clientOf({ middleware: [telemetry, plainRetry(1), guard, telemetry], fetch })
    expect(await read(client)).toBeGreaterThan(3)
    expect(
      seen
        .spans('breakwater.attempt')
        .map(({ attributes }) => [
          attributes['error.type'],
          attributes['breakwater.stream.end'],
          attributes['http.response.status_code'],
        ]),
    ).toEqual([
      ['overloaded_error', 'error_event', 200],
      [undefined, 'complete', 200],
    ])
    expect(await seen.total('breakwater.attempt.duration')).toBe(2)
    // The one that failed had said how much it has read: that is billed.
    expect(await seen.total('gen_ai.client.token.usage', { 'gen_ai.token.type': 'input' })).toBe(2)
    expect(await seen.points('gen_ai.client.operation.duration')).toHaveLength(1)
    expect((await seen.points('gen_ai.client.operation.duration'))[0]?.attributes).not.toHaveProperty([
      'error.type',
    ])
  })

  it.each<[string, (telemetry: Middleware) => Middleware[]]>([
    ['alone', (telemetry) => [telemetry]],
    ['at both ends', (telemetry) => [telemetry, plainSend, telemetry]],
  ])('that nobody reads ends when it is collected, as of its headers: %s', async (_, stack) => {
    vi.useFakeTimers({ toFake: ['Date', 'performance'] })
    const { client, spans, total } = setUp({}, stack)
    await (async () => void (await client.messages.create(streamed)))()
    expect(spans()).toEqual([])
    vi.advanceTimersByTime(60_000)
    await collect(() => spans().length === 2)
    vi.useRealTimers()
    expect(spans().map(({ name }) => name)).toEqual(['breakwater.attempt', `chat ${params.model}`])
    expect(spans()[0]?.attributes['breakwater.stream.end']).toBe('abandoned')
    for (const {
      duration: [seconds, nanos],
      status,
    } of spans()) {
      expect(seconds * 1e3 + nanos / 1e6).toBeLessThan(30_000)
      expect(status.code).toBe(SpanStatusCode.UNSET)
    }
    expect(await total('breakwater.stream.duration', { 'breakwater.stream.end': 'abandoned' })).toBe(1)
    expect(await total('breakwater.attempt.active')).toBe(0)
    expect(await total('gen_ai.client.operation.duration')).toBe(1)
  })
})

describe('an answer that is no stream', () => {
  it('that nobody reads ends when it is collected', async () => {
    const seen = sink()
    register({})
    const send = createFetch(otel(seen), { fetch: fakeFetch({ script: [{}] }) })
    await (async () =>
      void (await send('http://fake.invalid/v1/messages', {
        method: 'POST',
        body: JSON.stringify(params),
      })))()
    await collect(() => seen.spans().length === 2)
    expect(seen.spans()).toHaveLength(2)
    expect(await seen.total('breakwater.stream.duration')).toBe(0)
  })

  it('that is cut is an error of the call', async () => {
    const seen = sink()
    register({})
    const client = seams[0]?.[1]({
      middleware: otel(seen),
      fetch: fakeFetch({ script: [{ fault: { kind: 'cut', at: 50 } }] }),
    })
    await client?.messages.create(params).catch(() => {})
    for (const { status, attributes } of seen.spans()) {
      expect(status.code).toBe(SpanStatusCode.ERROR)
      expect(attributes['error.type']).toBe('stream_truncated')
    }
    expect(await seen.total('gen_ai.client.operation.duration', { 'error.type': 'stream_truncated' })).toBe(1)
  })
})
