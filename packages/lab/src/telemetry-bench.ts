import Anthropic from '@anthropic-ai/sdk'
import { AnthropicInstrumentation } from '@arizeai/openinference-instrumentation-anthropic'
import { otel } from '@breakwater/otel'
import { context } from '@opentelemetry/api'
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks'
import { MeterProvider, MetricReader } from '@opentelemetry/sdk-metrics'
import { BasicTracerProvider, type SpanProcessor } from '@opentelemetry/sdk-trace-base'
import type { Findings } from './bench/results.ts'
import { median } from './bench/stats.ts'
import { transcript } from './stream-cases.ts'

/** Takes every span, and keeps none: an exporter would cost all the same. */
const nowhere: SpanProcessor = {
  onStart: () => {},
  onEnd: () => {},
  forceFlush: () => Promise.resolve(),
  shutdown: () => Promise.resolve(),
}

/** Aggregates, and is never read. */
class IdleReader extends MetricReader {
  protected onForceFlush(): Promise<void> {
    return Promise.resolve()
  }
  protected onShutdown(): Promise<void> {
    return Promise.resolve()
  }
}

const message = {
  id: 'msg',
  type: 'message',
  role: 'assistant',
  model: 'claude-bench',
  content: [{ type: 'text', text: 'x'.repeat(800) }],
  stop_reason: 'end_turn',
  stop_sequence: null,
  usage: { input_tokens: 10, output_tokens: 200 },
}
const headers = { 'content-type': 'application/json', 'request-id': 'req_bench' }
const params = {
  model: 'claude-bench',
  max_tokens: 1,
  messages: [{ role: 'user' as const, content: 'x'.repeat(800) }],
}
const stream = transcript(2_000, 12, 1)
const rounds = 15
const batch = 300

/** What telemetry costs through the real SDK: a call, and an event of a stream. */
export async function telemetryCosts(): Promise<Findings> {
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable())
  const tracerProvider = new BasicTracerProvider({ spanProcessors: [nowhere] })
  const meterProvider = new MeterProvider({ readers: [new IdleReader()] })
  const telemetry = otel({ tracerProvider, meterProvider })
  const noTokens = otel({ tracerProvider, meterProvider, tokens: false })
  const options = {
    apiKey: 'not-a-key',
    maxRetries: 0,
    logLevel: 'off',
    fetch: (_: unknown, init?: RequestInit) =>
      Promise.resolve(
        String(init?.body).includes('"stream":true')
          ? stream.response()
          : new Response(JSON.stringify(message), { headers }),
      ),
  } as const
  const off = { ...options, openTelemetry: false } as const
  const on = { ...options, openTelemetry: { tracerProvider } } as const
  const cases: [name: string, client: Anthropic][] = [
    ['no telemetry', new Anthropic(off)],
    ["the SDK's own spans", new Anthropic(on)],
    ['otel at both ends', new Anthropic({ ...off, middleware: [telemetry, telemetry] })],
    ['otel at both ends, `tokens: false`', new Anthropic({ ...off, middleware: [noTokens, noTokens] })],
    [
      "otel at both ends, with the SDK's own spans",
      new Anthropic({ ...on, middleware: [telemetry, telemetry] }),
    ],
  ]
  const rows: string[][] = []
  const measure = async (name: string, client: Anthropic): Promise<void> => {
    const perCall = await medianUs(batch, async () => {
      for (let index = 0; index < batch; index++) await client.messages.create(params)
    })
    const perEvent = await medianUs(stream.events, async () => {
      for await (const event of await client.messages.create({ ...params, stream: true })) void event
    })
    rows.push([name, perCall.toFixed(1), perEvent.toFixed(2)])
  }
  for (const [name, client] of cases) await measure(name, client)
  // Last: it patches the class.
  new AnthropicInstrumentation({ tracerProvider }).manuallyInstrument(Anthropic)
  await measure('OpenInference', new Anthropic(off))
  const head = ['case', 'µs per call', 'µs per event']
  return { tables: [{ title: 'Telemetry, through the SDK', head, rows }], figures: {}, notes: [] }
}

async function medianUs(divisor: number, run: () => Promise<void>): Promise<number> {
  await run()
  const times: number[] = []
  for (let round = 0; round < rounds; round++) {
    const from = performance.now()
    await run()
    times.push(((performance.now() - from) * 1_000) / divisor)
  }
  return median(times)
}
