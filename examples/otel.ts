/** A failure that a retry heals, seen by OpenTelemetry: the spans of the call and its attempts, and what was counted. */
import Anthropic from '@anthropic-ai/sdk'
import { jitterRetry } from '@breakwater/jitter-retry'
import { otel } from '@breakwater/otel'
import { createFakeAnthropic } from '@breakwater/testkit'
import { context } from '@opentelemetry/api'
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks'
import {
  AggregationTemporality,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from '@opentelemetry/sdk-metrics'
import { BasicTracerProvider, InMemorySpanExporter, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-base'

// In an application `@opentelemetry/sdk-node` does this, and `otel()` finds it by itself.
const spans = new InMemorySpanExporter()
const metrics = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE)
const tracerProvider = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(spans)] })
const meterProvider = new MeterProvider({
  readers: [new PeriodicExportingMetricReader({ exporter: metrics })],
})
context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable())

const fake = await createFakeAnthropic({
  script: [{ status: 429, retryAfterMs: 200 }, { text: 'Here I am.' }],
})
const telemetry = otel({ tracerProvider, meterProvider })
const client = new Anthropic({
  apiKey: 'not-a-key',
  baseURL: fake.url,
  maxRetries: 0,
  // At both ends: the outer place sees the call, the inner one its attempts.
  middleware: [telemetry, jitterRetry(), telemetry],
})
await client.messages.create({
  model: 'claude-haiku-5-5',
  max_tokens: 10,
  messages: [{ role: 'user', content: 'Hello' }],
})

for (const { name, attributes } of spans.getFinishedSpans()) {
  console.log(
    name,
    attributes['http.response.status_code'] ?? '',
    attributes['breakwater.attempt.reason'] ?? '',
  )
}
await meterProvider.forceFlush()
for (const { descriptor, dataPoints } of metrics.getMetrics()[0]?.scopeMetrics[0]?.metrics ?? []) {
  const values = dataPoints.map(({ value }) => (typeof value === 'number' ? value : `${value.count} times`))
  if (/call|duration|token/.test(descriptor.name)) console.log(descriptor.name, ...values)
}
await meterProvider.shutdown()
await fake.close()
