import type { IncomingMessage, ServerResponse } from 'node:http'
import { context, metrics, trace } from '@opentelemetry/api'
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks'
import { PrometheusExporter } from '@opentelemetry/exporter-prometheus'
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http'
import { resourceFromAttributes } from '@opentelemetry/resources'
import { MeterProvider } from '@opentelemetry/sdk-metrics'
import { BasicTracerProvider, BatchSpanProcessor } from '@opentelemetry/sdk-trace-base'

/** What a service has of OpenTelemetry. */
export interface Telemetry {
  /** Answers a scrape of Prometheus. */
  readonly scrape: (request: IncomingMessage, response: ServerResponse) => void
  /** Sends what has not been sent, and ends. */
  readonly shutdown: () => Promise<void>
}

/** Registers metrics for a scrape, and traces over OTLP where the usual variables name an endpoint. */
export function startTelemetry(name: string): Telemetry {
  const resource = resourceFromAttributes({ 'service.name': process.env['OTEL_SERVICE_NAME'] ?? name })
  const exporter = new PrometheusExporter({ preventServerStart: true })
  const meters = new MeterProvider({ resource, readers: [exporter] })
  metrics.setGlobalMeterProvider(meters)

  const { OTEL_EXPORTER_OTLP_ENDPOINT, OTEL_EXPORTER_OTLP_TRACES_ENDPOINT } = process.env
  const hasTraces = (OTEL_EXPORTER_OTLP_TRACES_ENDPOINT ?? OTEL_EXPORTER_OTLP_ENDPOINT ?? '') !== ''
  const tracers = hasTraces
    ? new BasicTracerProvider({
        resource,
        spanProcessors: [new BatchSpanProcessor(new OTLPTraceExporter())],
      })
    : undefined
  if (tracers !== undefined) {
    context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable())
    trace.setGlobalTracerProvider(tracers)
  }

  return {
    scrape: (request, response) => exporter.getMetricsRequestHandler(request, response),
    async shutdown() {
      await Promise.allSettled([tracers?.shutdown(), meters.shutdown()])
    },
  }
}
