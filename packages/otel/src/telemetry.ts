import type { MiddlewareContext } from '@breakwater/core'
import {
  createNoopMeter,
  metrics,
  ProxyTracerProvider,
  trace,
  type MeterProvider,
  type Tracer,
} from '@opentelemetry/api'
import { createInstruments, type Instruments } from './instruments.ts'
import { scopeName } from './names.ts'
import type { Settings } from './options.ts'

/** What one `otel()` writes with. */
export interface Telemetry {
  readonly settings: Settings
  readonly tracer: Tracer
  /** The instruments; `undefined` while no meter provider is registered. */
  instruments(): Instruments | undefined
  /** Whether there is nobody to write for. */
  isIdle(): boolean
  /** The meter provider in force. */
  provider(): MeterProvider
  /** Runs a step that calls OpenTelemetry or reads what others have made: if it throws, the call goes on without it. */
  guard<Result>(ctx: MiddlewareContext | undefined, step: () => Result): Result | undefined
  /** Says once, at the level `debug`, that telemetry has failed. */
  report(ctx: MiddlewareContext | undefined, error: unknown): void
}

/** Makes tracer and instruments. A provider that is registered later is found when the next call begins. */
export function createTelemetry(settings: Settings): Telemetry {
  const { tracerProvider, meterProvider, semconv } = settings
  const noopMeter = createNoopMeter()
  let isReported = false
  let provider: MeterProvider | undefined
  let instruments: Instruments | undefined

  const telemetry: Telemetry = {
    settings,
    // The global one hands out proxies, which find a provider that comes later.
    tracer: tracerProvider === undefined ? trace.getTracer(scopeName) : tracerProvider.getTracer(scopeName),
    isIdle() {
      if (tracerProvider !== undefined || telemetry.instruments() !== undefined) return false
      const global = trace.getTracerProvider()
      return global instanceof ProxyTracerProvider && global.getDelegateTracer(scopeName) === undefined
    },
    provider: () => meterProvider ?? metrics.getMeterProvider(),
    instruments() {
      const current = telemetry.provider()
      if (current !== provider) {
        provider = current
        const meter = current.getMeter(scopeName)
        instruments = meter === noopMeter ? undefined : createInstruments(meter, semconv)
      }
      return instruments
    },
    guard(ctx, step) {
      try {
        return step()
      } catch (error) {
        telemetry.report(ctx, error)
        return undefined
      }
    },
    report(ctx, error) {
      if (isReported || ctx === undefined) return
      isReported = true
      const name = error instanceof Error ? error.name : typeof error
      ctx.logger.debug(`[breakwater] otel could not record: ${name}; said once`)
    },
  }
  return telemetry
}
