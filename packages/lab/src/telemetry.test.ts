import { circuitBreaker } from '@breakwater/circuit-breaker'
import { classify } from '@breakwater/classify'
import type { Middleware } from '@breakwater/core'
import { jitterRetry } from '@breakwater/jitter-retry'
import { modelFailover } from '@breakwater/model-failover'
import { otel } from '@breakwater/otel'
import { streamGuard } from '@breakwater/stream-guard'
import type { Script } from '@breakwater/testkit'
import { seams } from '@breakwater/testing'
import type { Attributes } from '@opentelemetry/api'
import {
  AggregationTemporality,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from '@opentelemetry/sdk-metrics'
import { BasicTracerProvider, InMemorySpanExporter, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-base'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { ordersOf, play } from './testing/play.ts'

type Part = 'classify' | 'retry' | 'breaker' | 'failover' | 'otel'

const primary = 'claude-opus-5-5'
const fallback = 'claude-haiku-5-5'
const orders = ordersOf<Part>(['classify', 'retry', 'breaker', 'failover', 'otel'])
const usage = { input_tokens: 11, output_tokens: 7 }

/** What the telemetry of one stack has collected. */
interface Collected {
  readonly attemptSpans: number
  /** The count of a histogram's records, or the value of any other metric. */
  total(metric: string, attributes?: Attributes): number
  sum(metric: string, attributes?: Attributes): number
}

async function observe(
  order: readonly Part[],
  script: Script,
  stream: boolean,
  clientOf: (typeof seams)[number][1],
): Promise<{ requests: number; collected: Collected }> {
  const spans = new InMemorySpanExporter()
  const metrics = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE)
  const reader = new PeriodicExportingMetricReader({ exporter: metrics, exportIntervalMillis: 1e9 })
  const meterProvider = new MeterProvider({ readers: [reader] })
  const telemetry = otel({
    tracerProvider: new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(spans)] }),
    meterProvider,
  })
  const parts: Record<Part, Middleware> = {
    classify: classify(),
    retry: jitterRetry({ random: () => 1 }),
    breaker: circuitBreaker(),
    failover: modelFailover({ to: [fallback] }),
    otel: telemetry,
  }
  // Innermost, so that a failure inside a stream is one of the attempt's for all orders alike.
  const stack = [...order.map((part) => parts[part]), ...(stream ? [streamGuard()] : [])]
  const { requests } = await play(clientOf, stack, script, { model: primary, stream })
  vi.useRealTimers()
  await meterProvider.forceFlush()
  await meterProvider.shutdown()
  const batches = metrics.getMetrics()
  const found = batches.at(-1)?.scopeMetrics.flatMap((scope) => scope.metrics) ?? []
  const fold = (metric: string, attributes: Attributes, of: (value: unknown) => number): number => {
    let total = 0
    for (const { descriptor, dataPoints } of found) {
      for (const point of descriptor.name === metric ? dataPoints : []) {
        const fits = Object.entries(attributes).every(([key, value]) => point.attributes[key] === value)
        if (fits) total += of(point.value)
      }
    }
    return total
  }
  const field = (value: unknown, name: string): number =>
    typeof value === 'number' ? value : Number(Reflect.get(Object(value), name))
  return {
    requests: requests.length,
    collected: {
      attemptSpans: spans.getFinishedSpans().filter(({ name }) => name === 'breakwater.attempt').length,
      total: (metric, attributes = {}) => fold(metric, attributes, (value) => field(value, 'count')),
      sum: (metric, attributes = {}) => fold(metric, attributes, (value) => field(value, 'sum')),
    },
  }
}

const answer = { text: 'Hello there', usage }
const scripts: readonly [name: string, script: Script, stream: boolean][] = [
  ['a success', [answer], false],
  ['a stream', [answer], true],
  ['a 500 that passes', [500, answer], false],
  ['a 529 of the primary', ({ model }) => (model === primary ? 529 : answer), false],
  ['a mixture', [429, 500, answer], false],
  ['a stream that is overloaded in band', [{ fault: { kind: 'error', at: 0 } }, answer], true],
]

describe('otel in all orders of the five packages', () => {
  beforeEach(() => void vi.useFakeTimers())
  afterEach(() => void vi.useRealTimers())

  describe.each(orders.map((order) => [order.join(' > '), order] as const))('%s', (_, order) => {
    it.each(scripts)(
      'counts the attempts and tokens of %s as upstream does',
      async (_name, script, stream) => {
        for (const [, clientOf] of seams) {
          vi.useFakeTimers()
          const { requests, collected } = await observe(order, script, stream, clientOf)
          expect(collected.total('breakwater.attempt.duration')).toBe(requests)
          expect(collected.attemptSpans).toBe(requests)
          const tokens = 'gen_ai.client.token.usage'
          expect(collected.sum(tokens, { 'gen_ai.token.type': 'input' })).toBe(usage.input_tokens)
          expect(collected.sum(tokens, { 'gen_ai.token.type': 'output' })).toBe(usage.output_tokens)
          // Inside what sends again it sees tries, and says nothing of calls.
          const outside = new Set(order.slice(0, order.indexOf('otel')))
          const seesCalls = !outside.has('retry') && !outside.has('failover')
          expect(collected.total('gen_ai.client.operation.duration')).toBe(seesCalls ? 1 : 0)
        }
      },
    )
  })
})
