import type { Counter, Gauge, Histogram, Meter, UpDownCounter } from '@opentelemetry/api'
import { attribute } from './names.ts'
import { nextMetrics, publishedMetrics, type NextMetrics, type PublishedMetrics } from './gen-ai-metrics.ts'
import type { MetricDefinition } from './metric.ts'
import { breakwaterMetrics, type BreakwaterMetrics } from './metrics.ts'
import type { Semconv } from './options.ts'

/** The instrument of each kind. */
interface Kinds {
  counter: Counter
  up_down_counter: UpDownCounter
  histogram: Histogram
  gauge: Gauge
}

type Made<Definitions> = {
  readonly [Key in keyof Definitions]: Definitions[Key] extends MetricDefinition<infer Kind>
    ? Kinds[Kind]
    : never
}

/** All instruments of one meter. */
export interface Instruments {
  readonly own: Made<BreakwaterMetrics>
  readonly published: Made<PublishedMetrics> | undefined
  readonly next: Made<NextMetrics> | undefined
}

/** Makes the instruments, once per meter. */
export function createInstruments(meter: Meter, semconv: Semconv): Instruments {
  const isBoth = semconv === 'both'
  const instruments: Instruments = {
    own: make(meter, breakwaterMetrics),
    published: isBoth || semconv === 'published' ? make(meter, publishedMetrics) : undefined,
    next: isBoth || semconv === 'next' ? make(meter, nextMetrics) : undefined,
  }
  startAtZero(instruments.own)
  return instruments
}

function make<Definitions extends object>(meter: Meter, definitions: Definitions): Made<Definitions> {
  const entries: [string, MetricDefinition][] = Object.entries(definitions)
  const made = entries.map(([key, definition]) => [key, instrument(meter, definition)])
  // The keys and kinds are those of the definitions.
  return Object.fromEntries(made) as Made<Definitions>
}

function instrument(meter: Meter, { name, kind, unit, description, buckets }: MetricDefinition): unknown {
  switch (kind) {
    case 'counter':
      return meter.createCounter(name, { unit, description })
    case 'up_down_counter':
      return meter.createUpDownCounter(name, { unit, description })
    case 'gauge':
      return meter.createGauge(name, { unit, description })
    default:
      return meter.createHistogram(name, {
        unit,
        description,
        ...(buckets !== undefined && { advice: { explicitBucketBoundaries: [...buckets] } }),
      })
  }
}

const exhaustedReasons = ['attempts', 'budget', 'deadline', 'hint_too_long', 'not_replayable'] as const
const limits = ['attempt', 'firstToken', 'idle', 'total'] as const
const interruptions = ['error_event', 'truncated', 'cut', 'malformed', 'tool_input', 'empty'] as const

/** A counter that is born at its first error has no rate: those whose attributes are known beforehand begin at 0. */
function startAtZero(own: Instruments['own']): void {
  own.failoverExhausted.add(0)
  for (const reason of exhaustedReasons) own.retryExhausted.add(0, { [attribute.reason]: reason })
  for (const limit of limits) own.timeouts.add(0, { [attribute.limit]: limit })
  for (const reason of interruptions) {
    own.streamInterruptions.add(0, { [attribute.reason]: reason, [attribute.committed]: true })
    own.streamInterruptions.add(0, { [attribute.reason]: reason, [attribute.committed]: false })
  }
}
