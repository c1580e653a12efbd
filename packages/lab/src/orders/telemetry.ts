import type { Attributes, Meter, MeterProvider, Span, Tracer, TracerProvider } from '@opentelemetry/api'

/** Telemetry that is kept as it comes: cheap enough for one a run. */
export interface Telemetry {
  readonly tracerProvider: TracerProvider
  readonly meterProvider: MeterProvider
  /** All that was written, as values that JSON takes. */
  readonly written: unknown[]
  /** How many values a metric was given. */
  count(metric: string): number
  /** Forgets all that was written. */
  clear(): void
}

/** Makes a {@link Telemetry}. */
export function recordTelemetry(): Telemetry {
  const written: unknown[] = []
  const counts = new Map<string, number>()
  let ids = 0

  function instrument(name: string): object {
    const note = (_value: number, attributes?: Attributes): void => {
      counts.set(name, (counts.get(name) ?? 0) + 1)
      written.push(name, attributes)
    }
    return { add: note, record: note }
  }

  function startSpan(name: string, options: unknown): Span {
    const spanId = String(++ids).padStart(16, '0')
    written.push(name, options)
    const note = (...values: unknown[]): Span => {
      written.push(values)
      return span
    }
    const span: Span = {
      spanContext: () => ({ traceId: '1'.padStart(32, '0'), spanId, traceFlags: 1 }),
      setAttribute: note,
      setAttributes: note,
      addEvent: note,
      addLink: note,
      addLinks: note,
      setStatus: note,
      updateName: note,
      end() {},
      isRecording: () => true,
      recordException: (exception) => void note(String(exception)),
    }
    return span
  }

  // What `otel` asks of a tracer and a meter, and no more.
  const tracer = { startSpan } as unknown as Tracer
  const meter = {
    createCounter: instrument,
    createUpDownCounter: instrument,
    createGauge: instrument,
    createHistogram: instrument,
  } as unknown as Meter
  return {
    tracerProvider: { getTracer: () => tracer },
    meterProvider: { getMeter: () => meter },
    written,
    count: (metric) => counts.get(metric) ?? 0,
    clear() {
      written.length = 0
      counts.clear()
    },
  }
}
