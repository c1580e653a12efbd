import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import Anthropic from '@anthropic-ai/sdk'
import { createFetch, type Middleware } from '@breakwater/core'
import { params } from '@breakwater/testing'
import { createFakeAnthropic, type FakeAnthropic, type Script } from '@breakwater/testkit'
import { context, propagation, ROOT_CONTEXT, SpanKind } from '@opentelemetry/api'
import { UndiciInstrumentation } from '@opentelemetry/instrumentation-undici'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { otel } from './otel.ts'
import type { OtelOptions } from './options.ts'
import { plainRetry, plainSend, register, sink, type Sink } from './testing/set-up.ts'

const valid = /^00-[\da-f]{32}-[\da-f]{16}-0[01]$/
const clients = [
  [
    'middleware',
    (baseURL: string, middleware: Middleware[]) =>
      new Anthropic({ apiKey: 'x', baseURL, maxRetries: 0, middleware }),
  ],
  [
    'createFetch',
    (baseURL: string, middleware: Middleware[]) =>
      new Anthropic({ apiKey: 'x', baseURL, maxRetries: 0, fetch: createFetch(middleware) }),
  ],
] as const

let close: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const end of close) await end()
  close = []
})

async function start(script: Script): Promise<FakeAnthropic> {
  const fake = await createFakeAnthropic({ script })
  close.push(() => fake.close())
  return fake
}

/** The spans of HTTP, with the names of their parents. */
function httpParents(seen: Sink): (string | undefined)[] {
  const spans = seen.spans()
  const http = spans.filter(({ name, kind }) => kind === SpanKind.CLIENT && name === 'POST')
  return http.map(
    ({ parentSpanContext }) =>
      spans.find((span) => span.spanContext().spanId === parentSpanContext?.spanId)?.name,
  )
}

describe.each(clients)(
  'an HTTP instrumentation below, and the SDK’s spans above, through %s',
  (_, clientOf) => {
    let seen: Sink
    beforeEach(() => {
      seen = sink()
      register({ tracerProvider: seen.tracerProvider })
      const instrumentation = new UndiciInstrumentation()
      instrumentation.setTracerProvider(seen.tracerProvider)
      instrumentation.enable()
      close.push(async () => instrumentation.disable())
    })

    it.each<[string, (telemetry: Middleware) => Middleware[], string]>([
      ['at both ends', (telemetry) => [telemetry, plainRetry(2), plainSend, telemetry], 'breakwater.attempt'],
      ['alone', (telemetry) => [telemetry], 'breakwater.attempt'],
      ['outermost', (telemetry) => [telemetry, plainRetry(2)], 'anthropic.messages.create'],
    ])('send one valid traceparent, from the first request: %s', async (place, stack, parent) => {
      const fake = await start(place === 'alone' ? [{}, {}] : [529, {}, {}])
      const client = clientOf(fake.url, stack(otel(seen)))
      await client.messages.create(params)
      for await (const _ of await client.messages.create({ ...params, stream: true }));
      const sent = fake.requests.map(({ headers }) => headers['traceparent'])
      expect(sent).toHaveLength(place === 'alone' ? 2 : 3)
      for (const header of sent) expect(header).toMatch(valid)
      // It names the span of the very request.
      const ids = seen.spans('POST').map((span) => span.spanContext().spanId)
      expect(sent.map((header) => header?.split('-')[2])).toEqual(ids)
      expect(httpParents(seen)).toEqual(sent.map(() => parent))
    })

    it('send no baggage, unless it is kept', async () => {
      const fake = await start([{ repeat: 'forever' }])
      const bag = propagation.createBaggage({ 'user.email': { value: 'a@example.com' } })
      const ask = (options: OtelOptions): Promise<unknown> =>
        context.with(propagation.setBaggage(ROOT_CONTEXT, bag), () =>
          clientOf(fake.url, [otel({ ...seen, ...options })]).messages.create(params),
        )
      await ask({})
      await ask({ keepBaggage: true })
      expect(fake.requests[0]?.headers).not.toHaveProperty('baggage')
      expect(fake.requests[1]?.headers['baggage']).toContain('user.email')
    })

    it('are doubled without `otel`, as is known of them', async () => {
      const fake = await start([{}])
      await clientOf(fake.url, []).messages.create(params)
      expect(fake.requests[0]?.headers['traceparent']).toContain(',')
    })
  },
)

describe.each(clients)(
  'the SDK’s trace headers without an HTTP instrumentation, through %s',
  (_, clientOf) => {
    const setUp = async (
      options: OtelOptions,
      stack: (telemetry: Middleware) => Middleware[],
      script: Script = [{ repeat: 'forever' }],
    ) => {
      const seen = sink()
      register({ tracerProvider: seen.tracerProvider })
      const fake = await start(script)
      return { seen, fake, client: clientOf(fake.url, stack(otel({ ...seen, ...options }))) }
    }
    const both = (telemetry: Middleware): Middleware[] => [telemetry, plainRetry(2), telemetry]

    it('name the attempt at both ends, each its own', async () => {
      const { seen, fake, client } = await setUp({ propagation: 'keep' }, both, [529, {}])
      await client.messages.create(params)
      const ids = seen.spans('breakwater.attempt').map((span) => span.spanContext())
      expect(fake.requests.map(({ headers }) => headers['traceparent'])).toEqual(
        ids.map(({ traceId, spanId }) => `00-${traceId}-${spanId}-01`),
      )
    })

    it('name the call elsewhere', async () => {
      const { seen, fake, client } = await setUp({ propagation: 'keep' }, (telemetry) => [
        telemetry,
        plainSend,
      ])
      await client.messages.create(params)
      expect(fake.requests[0]?.headers['traceparent']).toContain(
        seen.spans('anthropic.messages.create')[0]?.spanContext().spanId,
      )
    })

    it('stay away from the first request, which shows that nobody else writes them', async () => {
      const { fake, client } = await setUp({}, both)
      await client.messages.create(params)
      await client.messages.create(params)
      expect(fake.requests[0]?.headers).not.toHaveProperty('traceparent')
      expect(fake.requests[1]?.headers['traceparent']).toMatch(valid)
    })

    it('go where they are not wanted', async () => {
      const { fake, client } = await setUp({ propagation: 'strip' }, both)
      await client.messages.create(params)
      await client.messages.create(params)
      for (const { headers } of fake.requests) expect(headers).not.toHaveProperty('traceparent')
    })

    it('are on copies: whoever stands outside keeps his', async () => {
      const outside: (string | null)[] = []
      const look: Middleware = async (request, next) => {
        const response = await next(request)
        outside.push(request.headers.get('traceparent'))
        return response
      }
      const { seen, client } = await setUp({ propagation: 'strip' }, (telemetry) => [
        look,
        telemetry,
        telemetry,
      ])
      await client.messages.create(params)
      expect(outside[0]).toContain(seen.spans('anthropic.messages.create')[0]?.spanContext().spanId)
    })

    it('are mended where somebody outside has doubled them', async () => {
      const doubling: Middleware = (request, next) => {
        const headers = new Headers(request.headers)
        headers.append('traceparent', `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`)
        return next({ ...request, headers })
      }
      for (const stack of [both, (telemetry: Middleware) => [telemetry]]) {
        const { fake, client } = await setUp({ propagation: 'keep' }, (telemetry) => [
          doubling,
          ...stack(telemetry),
        ])
        await client.messages.create(params)
        expect(fake.requests[0]?.headers['traceparent']).toMatch(valid)
      }
    })

    it('are none where the SDK has put none', async () => {
      const seen = sink()
      register({})
      const fake = await start([{}])
      await clientOf(fake.url, [otel({ ...seen, propagation: 'keep' })]).messages.create(params)
      expect(fake.requests[0]?.headers).not.toHaveProperty('traceparent')
    })
  },
)

setFlagsFromString('--expose_gc')
const gc: () => void = runInNewContext('gc')

it.each<[string, Middleware[]]>([
  ['as without `otel`', []],
  ['with it', [otel(sink())]],
])('an answer that nobody reads is closed when it is collected, %s', async (_, middleware) => {
  const fake = await start([{ fault: { kind: 'stall', at: 4 } }])
  const send = createFetch(middleware)
  await (async () => {
    const body = JSON.stringify({ ...params, stream: true })
    const headers = { 'x-api-key': 'x', 'anthropic-version': '2026-10-21' }
    const response = await send(`${fake.url}/v1/messages`, { method: 'POST', headers, body })
    expect(response.status).toBe(200)
  })()
  for (let round = 0; round < 200 && fake.requests[0]?.aborted !== true; round++) {
    gc()
    await new Promise((resolve) => void setImmediate(resolve))
  }
  expect(fake.requests[0]?.aborted).toBe(true)
})
