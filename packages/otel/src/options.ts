import { assertOption } from '@breakwater/core'
import type { Attributes, MeterProvider, TracerProvider } from '@opentelemetry/api'
import { bounded, other } from './bounded.ts'
import { assertPrices, type Prices } from './prices.ts'

/** Under which names the GenAI metrics are kept. */
export type Semconv = 'published' | 'next' | 'both' | 'none'

/** Options of {@link otel}. */
export interface OtelOptions {
  /** Where the spans go. @default the one registered with `@opentelemetry/api` */
  tracerProvider?: TracerProvider | undefined
  /** Where the metrics go. @default the one registered with `@opentelemetry/api` */
  meterProvider?: MeterProvider | undefined
  /**
   * The span of the whole call. `auto`: the SDK's own gets attributes, and where it has none there is one `chat {model}`.
   * `own`: always one. `none`: neither, where another instrumentation has a span of its own.
   * @default 'auto'
   */
  callSpan?: 'auto' | 'own' | 'none' | undefined
  /** Whether each upstream attempt has a span. @default true */
  attemptSpans?: boolean | undefined
  /**
   * The names of the GenAI metrics: those of the published conventions, those of the next, both, or none of them, where
   * another instrumentation keeps them.
   * @default 'published'
   */
  semconv?: Semconv | undefined
  /**
   * What becomes of a trace header that stands on a request. `keep`: it stays, and names the attempt where `otel` stands at
   * both ends. `strip`: it goes. `auto`: it goes where an HTTP instrumentation writes its own, as two make none; until the
   * first answer has told, it goes.
   * @default 'auto'
   */
  propagation?: 'auto' | 'keep' | 'strip' | undefined
  /** Whether the application's baggage goes upstream, where a propagator writes it. @default false */
  keepBaggage?: boolean | undefined
  /**
   * Whether answers that are no streams are read for their usage, up to 4 MiB each. Streams are, in any case.
   * @default true
   */
  tokens?: boolean | undefined
  /** Prices in USD per million tokens, by model, for `breakwater.cost`. @default no costs */
  prices?: Prices | undefined
  /**
   * The models that metrics tell apart: a list, all others being `other`, or a function that gives the value for a name.
   * @default the first 50 names that come
   */
  models?: readonly string[] | ((model: string) => string) | undefined
  /** Attributes for every span that is made here, and for the GenAI metrics. @default none */
  attributes?: Attributes | undefined
  /** Whether attempts have the API's request id. @default true */
  requestIds?: boolean | undefined
  /**
   * The client's `maxRetries`, where it is not 0: the SDK's own retries then are one call and not one each.
   * @default 0
   */
  sdkMaxRetries?: number | undefined
}

/** Default options of {@link otel}. */
export const otelDefaults = {
  callSpan: 'auto',
  attemptSpans: true,
  semconv: 'published',
  propagation: 'auto',
  keepBaggage: false,
  tokens: true,
  requestIds: true,
  sdkMaxRetries: 0,
} as const

/** The options, checked, with their defaults. */
export interface Settings {
  readonly tracerProvider: TracerProvider | undefined
  readonly meterProvider: MeterProvider | undefined
  readonly callSpan: 'auto' | 'own' | 'none'
  readonly attemptSpans: boolean
  readonly semconv: Semconv
  readonly propagation: 'auto' | 'keep' | 'strip'
  readonly keepBaggage: boolean
  readonly tokens: boolean
  readonly prices: Prices | undefined
  /** The value of a label for a model. */
  readonly nameOf: (model: string) => string
  readonly attributes: Attributes
  readonly requestIds: boolean
  readonly sdkMaxRetries: number
}

/** How many models are told apart by default. */
const maxModels = 50

/**
 * Checks the options and applies the defaults.
 *
 * @throws {TypeError} for a bad option, naming it.
 */
export function settingsOf({
  tracerProvider,
  meterProvider,
  callSpan = otelDefaults.callSpan,
  attemptSpans = otelDefaults.attemptSpans,
  semconv = otelDefaults.semconv,
  propagation = otelDefaults.propagation,
  keepBaggage = otelDefaults.keepBaggage,
  tokens = otelDefaults.tokens,
  prices,
  models,
  attributes = {},
  requestIds = otelDefaults.requestIds,
  sdkMaxRetries = otelDefaults.sdkMaxRetries,
}: OtelOptions): Settings {
  assertProvider('tracerProvider', tracerProvider, typeof tracerProvider?.getTracer === 'function')
  assertProvider('meterProvider', meterProvider, typeof meterProvider?.getMeter === 'function')
  assertOneOf('callSpan', callSpan, ['auto', 'own', 'none'])
  assertOneOf('semconv', semconv, ['published', 'next', 'both', 'none'])
  assertOneOf('propagation', propagation, ['auto', 'keep', 'strip'])
  for (const [name, value] of Object.entries({ attemptSpans, keepBaggage, tokens, requestIds })) {
    assertOption(typeof value === 'boolean', name, 'true or false', value)
  }
  assertPrices(prices)
  const isList = Array.isArray(models) && models.every((model) => typeof model === 'string')
  const validModels = models === undefined || isList || typeof models === 'function'
  assertOption(validModels, 'models', 'an array of model names, or a function', models)
  const isRecord = typeof attributes === 'object' && attributes !== null && !Array.isArray(attributes)
  assertOption(isRecord, 'attributes', 'an object', attributes)
  const isCount = Number.isInteger(sdkMaxRetries) && sdkMaxRetries >= 0
  assertOption(isCount, 'sdkMaxRetries', 'a whole number, 0 or more', sdkMaxRetries)

  return {
    tracerProvider,
    meterProvider,
    callSpan,
    attemptSpans,
    semconv,
    propagation,
    keepBaggage,
    tokens,
    prices,
    nameOf: namer(models),
    attributes,
    requestIds,
    sdkMaxRetries,
  }
}

function namer(models: OtelOptions['models']): (model: string) => string {
  if (models === undefined) return bounded(maxModels)
  if (typeof models === 'function') return guarded(models)
  const listed = new Set(models)
  return (model) => (listed.has(model) ? model : other)
}

function guarded(nameOf: (model: string) => string): (model: string) => string {
  return (model) => {
    try {
      return String(nameOf(model))
    } catch {
      return other
    }
  }
}

function assertProvider(name: string, provider: unknown, valid: boolean): void {
  assertOption(provider === undefined || valid, name, 'a provider of OpenTelemetry', provider)
}

function assertOneOf(name: string, value: string, values: readonly string[]): void {
  assertOption(values.includes(value), name, values.map((one) => `'${one}'`).join(', '), value)
}
