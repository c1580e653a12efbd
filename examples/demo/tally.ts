import type { RecordedRequest } from '@breakwater/testkit'
import type { CallRecord, SideRecord } from './side.ts'

/** The numbers of a side, of all or of a part of the time. */
export interface Tally {
  readonly calls: number
  readonly answered: number
  /** Ended with an error. */
  readonly failed: number
  /** Whose callers did not wait any longer. */
  readonly left: number
  readonly waiting: number
  readonly requests: number
  /** Requests that gave no caller an answer. */
  readonly wasted: number
  /** Of answered calls. */
  readonly p50Ms: number | undefined
  readonly p99Ms: number | undefined
  readonly byModel: ReadonlyMap<string, number>
}

/** Counts what was begun in a time: calls, and requests. */
export function tally({ calls, requests }: SideRecord, fromMs = 0, toMs: number = Infinity): Tally {
  const begun = calls.filter(({ startedAt }) => startedAt >= fromMs && startedAt < toMs)
  const sent = requests.filter(({ at }) => at >= fromMs && at < toMs)
  const answered = begun.filter(({ end }) => end === 'answered')
  const times = answered.map(durationOf)
  const byModel = new Map<string, number>()
  for (const { model = '' } of answered) byModel.set(model, (byModel.get(model) ?? 0) + 1)
  return {
    calls: begun.length,
    answered: answered.length,
    failed: begun.filter(({ end }) => end === 'failed').length,
    left: begun.filter(({ end }) => end === 'left').length,
    waiting: begun.filter(({ end }) => end === undefined).length,
    requests: sent.length,
    wasted: sent.filter(isWasted).length,
    p50Ms: percentile(times, 0.5),
    p99Ms: percentile(times, 0.99),
    byModel,
  }
}

/** How long a call took, in milliseconds. */
export function durationOf({ startedAt, endedAt = startedAt }: CallRecord): number {
  return endedAt - startedAt
}

/** Whether a request is over and gave no caller an answer. */
export function isWasted({ closedAt, reply, aborted }: RecordedRequest): boolean {
  return closedAt !== undefined && (aborted || reply?.status !== 200 || reply.fault !== undefined)
}

/** The value below which a share of the values lies, by the nearest rank. */
export function percentile(values: readonly number[], share: number): number | undefined {
  const sorted = [...values].sort((one, other) => one - other)
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)]
}

/** How many of the times lie in each second. */
export function perSecond(times: readonly number[], seconds: number): readonly number[] {
  const counts = Array.from({ length: seconds }, () => 0)
  for (const time of times) {
    const second = Math.floor(time / 1000)
    if (second >= 0 && second < seconds) counts[second] = (counts[second] ?? 0) + 1
  }
  return counts
}
