import { classifyOutcome } from '@breakwater/classify'
import { discard, isResponse, onEvent, send, type Middleware } from '@breakwater/core'
import { context, metrics, propagation, trace, type Attributes } from '@opentelemetry/api'
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks'
import { CompositePropagator, W3CBaggagePropagator, W3CTraceContextPropagator } from '@opentelemetry/core'
import { PrometheusExporter } from '@opentelemetry/exporter-prometheus'
import { MeterProvider } from '@opentelemetry/sdk-metrics'
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  SimpleSpanProcessor,
  type ReadableSpan,
  type Sampler,
} from '@opentelemetry/sdk-trace-base'
import { onTestFinished } from 'vitest'

/** One value of a metric. */
export interface Point {
  readonly attributes: Attributes
  /** The value, or the sum of a histogram. */
  readonly value: number
  /** How often a histogram was recorded. */
  readonly count: number
}

/** OpenTelemetry in memory. */
export interface Sink {
  readonly tracerProvider: BasicTracerProvider
  readonly meterProvider: MeterProvider
  /** The spans that have ended, or those of one name. */
  spans(name?: string | RegExp): ReadableSpan[]
  points(metric: string): Promise<Point[]>
  /** The sum of a metric's values, or of a histogram's counts, over the points with these attributes. */
  total(metric: string, attributes?: Attributes): Promise<number>
  /** Every metric that has a point. */
  all(): Promise<{ name: string; unit: string; points: Point[] }[]>
}

/** Makes providers that keep what they get; nothing is registered. */
export function sink(sampler?: Sampler): Sink {
  const exporter = new InMemorySpanExporter()
  const spanProcessors = [new SimpleSpanProcessor(exporter)]
  const tracerProvider = new BasicTracerProvider({
    spanProcessors,
    ...(sampler !== undefined && { sampler }),
  })
  const reader = new PrometheusExporter({ preventServerStart: true })
  const meterProvider = new MeterProvider({ readers: [reader] })

  async function all(): Promise<{ name: string; unit: string; points: Point[] }[]> {
    const { resourceMetrics } = await reader.collect()
    return resourceMetrics.scopeMetrics.flatMap(({ metrics: found }) =>
      found.map(({ descriptor, dataPoints }) => ({
        name: descriptor.name,
        unit: descriptor.unit,
        points: dataPoints.map(({ attributes, value }) =>
          typeof value === 'number'
            ? { attributes, value, count: 1 }
            : { attributes, value: value.sum ?? 0, count: value.count },
        ),
      })),
    )
  }

  const points: Sink['points'] = async (metric) =>
    (await all()).find(({ name }) => name === metric)?.points ?? []
  return {
    tracerProvider,
    meterProvider,
    spans(name) {
      const spans = exporter.getFinishedSpans()
      if (name === undefined) return spans
      return spans.filter((span) => (typeof name === 'string' ? span.name === name : name.test(span.name)))
    },
    points,
    async total(metric, attributes = {}) {
      const found = (await points(metric)).filter((point) =>
        Object.entries(attributes).every(([key, value]) => point.attributes[key] === value),
      )
      const isHistogram =
        !/(active|state|rejections|transitions|switches|exhausted|timeouts|interruptions|cost|usage\..*tokens)$/.test(
          metric,
        )
      return found.reduce((sum, point) => sum + (isHistogram ? point.count : point.value), 0)
    },
    all,
  }
}

/** Registers what an application would: a context manager, propagators, and a tracer provider, which turns on the SDK's own spans. */
export function register({
  contextManager = true,
  tracerProvider,
  meterProvider,
}: {
  contextManager?: boolean
  tracerProvider?: BasicTracerProvider
  meterProvider?: MeterProvider
}): void {
  if (contextManager) context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable())
  propagation.setGlobalPropagator(
    new CompositePropagator({ propagators: [new W3CTraceContextPropagator(), new W3CBaggagePropagator()] }),
  )
  if (tracerProvider !== undefined) trace.setGlobalTracerProvider(tracerProvider)
  if (meterProvider !== undefined) metrics.setGlobalMeterProvider(meterProvider)
  onTestFinished(() => {
    context.disable()
    propagation.disable()
    trace.disable()
    metrics.disable()
  })
}

/** A retry as plain as can be; it sends at most `retries` times again, at once. */
export function plainRetry(retries: number, waitMs = 0): Middleware {
  return async function plainRetry(request, next, ctx) {
    for (let retry = 0; ; retry++) {
      const note = retry === 0 ? undefined : ({ reason: 'retry', waitMs } as const)
      const outcome: unknown = await send(request, next, ctx, note).catch((error: unknown) => error)
      const failure = await classifyOutcome(outcome, request, ctx)
      if (isResponse(outcome) && failure === undefined) return outcome
      if (failure?.retry === 'never' || retry === retries) {
        if (isResponse(outcome)) return outcome
        throw outcome
      }
      if (isResponse(outcome)) discard(outcome)
    }
  }
}

/** A failover as plain as can be: another model after a failure, its name in the header that says who served. */
export function plainFailover(model: string): Middleware {
  return async function plainFailover(request, next, ctx) {
    const first: unknown = await send(request, next, ctx).catch((error: unknown) => error)
    if (isResponse(first) && first.ok) return first
    await classifyOutcome(first, request, ctx)
    if (isResponse(first)) discard(first)
    const body = JSON.stringify({ ...JSON.parse(String(request.body)), model })
    const response = await send({ ...request, body }, next, ctx, { reason: 'failover' })
    const headers = new Headers(response.headers)
    headers.set('breakwater-served-by', model)
    const { status, statusText } = response
    return new Response(response.body, { status, statusText, headers })
  }
}

/** Sends and does nothing else, as a breaker, a guard or a timeout does with a healthy call. */
export const plainSend: Middleware = function plainSend(request, next, ctx) {
  return send(request, next, ctx)
}

/** Somebody else's middleware, which waits before it goes on and knows nothing of Breakwater. */
export const foreign: Middleware = async (request, next) => {
  await Promise.resolve()
  return next(request)
}

/** How many listen to the events of the process. */
export function listeners(): number {
  const found: unknown = Reflect.get(globalThis, Symbol.for('breakwater.call/1'))
  onEvent(() => {})()
  return (found as { listeners: Set<unknown> }).listeners.size
}
