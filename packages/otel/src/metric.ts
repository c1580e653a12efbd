/** What a metric can be. */
export type MetricKind = 'counter' | 'up_down_counter' | 'histogram' | 'gauge'

/** A metric, as data: the instruments are made of it, and `METRICS.md` is checked against it. */
export interface MetricDefinition<Kind extends MetricKind = MetricKind> {
  readonly kind: Kind
  readonly name: string
  readonly unit: string
  readonly description: string
  readonly attributes: readonly string[]
  readonly buckets?: readonly number[]
}

/** The buckets of the conventions for a duration, extended to the 10 minutes that a call may take. */
const durationBuckets: readonly number[] = [
  0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92, 163.84, 327.68,
  655.36,
]

const tokenBuckets: readonly number[] = [
  1, 4, 16, 64, 256, 1024, 4096, 16_384, 65_536, 262_144, 1_048_576, 4_194_304, 16_777_216, 67_108_864,
]

/** A sum that only grows. */
export function counter(
  name: string,
  unit: string,
  description: string,
  attributes: readonly string[],
): MetricDefinition<'counter'> {
  return { kind: 'counter', name, unit, description, attributes }
}

/** A sum that goes up and down. */
export function upDownCounter(
  name: string,
  unit: string,
  description: string,
  attributes: readonly string[],
): MetricDefinition<'up_down_counter'> {
  return { kind: 'up_down_counter', name, unit, description, attributes }
}

/** The last of what was measured. */
export function gauge(
  name: string,
  unit: string,
  description: string,
  attributes: readonly string[],
): MetricDefinition<'gauge'> {
  return { kind: 'gauge', name, unit, description, attributes }
}

/** A distribution. */
export function histogram(
  name: string,
  unit: string,
  description: string,
  attributes: readonly string[],
  buckets: readonly number[],
): MetricDefinition<'histogram'> {
  return { kind: 'histogram', name, unit, description, attributes, buckets }
}

/** A distribution of seconds. */
export function duration(
  name: string,
  description: string,
  attributes: readonly string[],
): MetricDefinition<'histogram'> {
  return histogram(name, 's', description, attributes, durationBuckets)
}

/** A distribution of tokens. */
export function tokens(
  name: string,
  description: string,
  attributes: readonly string[],
): MetricDefinition<'histogram'> {
  return histogram(name, '{token}', description, attributes, tokenBuckets)
}
