import type { RecordedRequest } from '@breakwater/testkit'
import type { CallRecord } from './call-record.ts'
import type { Fault } from './scene.ts'

/** What is counted in a run. Times in milliseconds; `null` where the scene has no such thing. */
export interface Measures {
  readonly calls: number
  readonly answered: number
  /** Of the calls that were made, 0 to 1. */
  readonly answeredShare: number
  /** Streams that ended too early without an error. */
  readonly truncated: number
  /** Failed calls by error. */
  readonly errors: Readonly<Record<string, number>>
  readonly upstream: number
  readonly upstreamPerAnswered: number | null
  readonly upstreamPerCall: number
  /** Of answered calls. */
  readonly p50Ms: number | null
  readonly p99Ms: number | null
  /** Of failed calls: how long it takes to hear no. */
  readonly failedP50Ms: number | null
  /** Until the last call was over. */
  readonly totalMs: number
  /** Answers per second, until the last call was over. */
  readonly goodputPerSecond: number
  /** That as a share of what the scene could answer, 0 to 1. */
  readonly goodputShare: number | null
  /** Requests while something was wrong. */
  readonly faultRequests: number
  /** Calls that were under way meanwhile. */
  readonly faultCalls: number
  readonly faultRequestsPerCall: number | null
  /** From the end of the fault to the first five seconds with 95 % of the goodput before it. `null`: never, or no fault. */
  readonly recoveredMs: number | null
  /** The most requests in one second of the minute after the fault. */
  readonly peakPerSecond: number | null
  /** That over the rate before the fault. */
  readonly peakRatio: number | null
  /** Input and output tokens of answers, or beginnings of them, of which no caller had a use. */
  readonly wastedTokens: number
  /** Answers by the model that gave them. */
  readonly byModel: Readonly<Record<string, number>>
  /** Per second: requests upstream, calls answered, calls failed. */
  readonly timeline: {
    readonly requests: readonly number[]
    readonly answered: readonly number[]
    readonly failed: readonly number[]
  }
}

/** What a run is measured by. */
export interface Run {
  readonly records: readonly CallRecord[]
  readonly requests: readonly RecordedRequest[]
  readonly fault: Fault | undefined
  /** What the API could have answered: so many at once, and so many a second; where the scene limits that. */
  readonly capacity: { readonly atOnce: number; readonly perSecond: number } | undefined
  /** Tokens of a whole answer, and of each piece of a stream. */
  readonly outputTokens: number
  readonly deltaTokens: number
}

/** When the API has found its pace before a fault: what comes earlier is not its rate. */
const warmMs = 5000
const windowMs = 5000
const stepMs = 250
const afterMs = 60_000

/** Counts all. */
export function measure(run: Run): Measures {
  const { records, requests, fault, capacity } = run
  const answered = records.filter(({ end }) => end === 'answered')
  const failed = records.filter(({ end }) => end === 'failed')
  const totalMs = Math.max(0, ...records.map(({ endedAt }) => endedAt))
  const sent = requests.filter(({ at }) => at <= totalMs)
  const answeredAt = answered.map(({ endedAt }) => endedAt)
  const times = answered.map(lasted)
  const goodput = totalMs === 0 ? 0 : (answered.length * 1000) / totalMs
  const { fromMs, toMs } = fault ?? { fromMs: 0, toMs: Infinity }
  const faultRequests = countIn(sent.map(at), fromMs, toMs)
  const faultCalls = records.filter(({ startedAt, endedAt }) => startedAt < toMs && endedAt >= fromMs).length
  const isBounded = fault !== undefined && Number.isFinite(toMs) && fromMs > warmMs
  const healthy = isBounded ? rate(answeredAt, warmMs, fromMs) : undefined
  const healthyRequests = isBounded ? rate(sent.map(at), warmMs, fromMs) : undefined
  const peak = isBounded ? peakIn(sent.map(at), toMs, toMs + afterMs) : null
  const possible =
    capacity === undefined ? healthy : capacity.perSecond + (capacity.atOnce * 1000) / Math.max(1, totalMs)
  return {
    calls: records.length,
    answered: answered.length,
    answeredShare: records.length === 0 ? 0 : answered.length / records.length,
    truncated: records.filter(({ end }) => end === 'truncated').length,
    errors: tally(failed.map(({ error }) => error ?? '')),
    upstream: sent.length,
    upstreamPerAnswered: ratio(sent.length, answered.length),
    upstreamPerCall: ratio(sent.length, records.length) ?? 0,
    p50Ms: percentile(times, 0.5),
    p99Ms: percentile(times, 0.99),
    failedP50Ms: percentile(failed.map(lasted), 0.5),
    totalMs,
    goodputPerSecond: goodput,
    goodputShare: possible === undefined ? null : ratio(goodput, possible),
    faultRequests,
    faultCalls,
    faultRequestsPerCall: ratio(faultRequests, faultCalls),
    recoveredMs: healthy === undefined ? null : recoveredAfter(answeredAt, toMs, totalMs, healthy),
    peakPerSecond: peak,
    peakRatio: peak === null || healthyRequests === undefined ? null : ratio(peak, healthyRequests),
    wastedTokens:
      sum(sent.map((request) => paidTokens(request, run))) - sum(answered.map(({ tokens }) => tokens)),
    byModel: tally(answered.map(({ model }) => model ?? '')),
    timeline: {
      requests: perSecond(sent.map(at), totalMs),
      answered: perSecond(answeredAt, totalMs),
      failed: perSecond(
        failed.map(({ endedAt }) => endedAt),
        totalMs,
      ),
    },
  }
}

/** The value below which a share of the values lies, by the nearest rank. */
export function percentile(values: readonly number[], share: number): number | null {
  const sorted = [...values].sort((one, other) => one - other)
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? null
}

/** The most of the times that lie within one second, of those from `fromMs` to `toMs`. */
export function peakIn(times: readonly number[], fromMs: number, toMs: number): number {
  const sorted = times.filter((time) => time >= fromMs && time < toMs).sort((one, other) => one - other)
  let first = 0
  let most = 0
  for (const [index, time] of sorted.entries()) {
    while ((sorted[first] ?? time) <= time - 1000) first++
    most = Math.max(most, index - first + 1)
  }
  return most
}

/** How long after `fromMs` the first five seconds with 95 % of a rate begin; `null` when there are none. */
export function recoveredAfter(
  answeredAt: readonly number[],
  fromMs: number,
  untilMs: number,
  perSecond: number,
): number | null {
  const least = (0.95 * perSecond * windowMs) / 1000
  for (let from = fromMs; from + windowMs <= untilMs; from += stepMs) {
    if (countIn(answeredAt, from, from + windowMs) >= least) return from - fromMs
  }
  return null
}

/** The input and output tokens of an answer, as far as it was given. */
function paidTokens(
  { reply, text, stream, eventsSent }: RecordedRequest,
  { outputTokens, deltaTokens }: Pick<Run, 'outputTokens' | 'deltaTokens'>,
): number {
  if (reply?.status !== 200) return 0
  const input = Math.ceil(text.length / 4)
  if (!stream) return input + outputTokens
  if (!eventsSent.includes('message_start')) return 0
  if (eventsSent.includes('message_stop')) return input + outputTokens
  const deltas = eventsSent.filter((name) => name === 'content_block_delta').length
  return input + Math.min(outputTokens, deltas * deltaTokens)
}

function lasted({ startedAt, endedAt }: CallRecord): number {
  return endedAt - startedAt
}

function at({ at }: RecordedRequest): number {
  return at
}

function rate(times: readonly number[], fromMs: number, toMs: number): number {
  return (countIn(times, fromMs, toMs) * 1000) / (toMs - fromMs)
}

function countIn(times: readonly number[], fromMs: number, toMs: number): number {
  return times.reduce((count, time) => (time >= fromMs && time < toMs ? count + 1 : count), 0)
}

function perSecond(times: readonly number[], totalMs: number): readonly number[] {
  const seconds = Array.from({ length: Math.floor(totalMs / 1000) + 1 }, () => 0)
  for (const time of times) {
    const second = Math.floor(time / 1000)
    seconds[second] = (seconds[second] ?? 0) + 1
  }
  return seconds
}

function tally(names: readonly string[]): Readonly<Record<string, number>> {
  const counts: Record<string, number> = {}
  for (const name of names) counts[name] = (counts[name] ?? 0) + 1
  return counts
}

function ratio(one: number, other: number): number | null {
  return other === 0 ? null : one / other
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0)
}
