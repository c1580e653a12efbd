import { durationText, type Chart, type Lane, type Phase } from '@breakwater/report'
import type { Period } from './periods.ts'
import type { Play } from './play.ts'
import type { CallRecord, SideRecord, TimedEvent } from './side.ts'
import { standings, type Standing } from './standings.ts'
import { fallback, primary } from './storm.ts'
import { durationOf, percentile, perSecond, tally } from './tally.ts'

/** Requests by the second, of both. */
export function requestsChart({ theirs, ours }: Play, seconds: number, phases: readonly Phase[]): Chart {
  const values = ({ requests }: SideRecord): readonly number[] =>
    perSecond(
      requests.map(({ at }) => at),
      seconds,
    )
  const most = (side: SideRecord): number => Math.max(...values(side))
  return {
    kind: 'time',
    shape: 'lines',
    unit: 'requests per second',
    stepSeconds: 1,
    phases,
    description: `Requests per second over ${seconds} seconds: at most ${most(theirs)} of ${theirs.name}, at most ${most(ours)} of ${ours.name}.`,
    panels: [
      {
        series: [
          { name: ours.name, tone: 'first', values: values(ours) },
          { name: theirs.name, tone: 'second', values: values(theirs) },
        ],
      },
    ],
  }
}

/** Calls by the second and by their end, each side for itself. */
export function outcomesChart({ theirs, ours }: Play, seconds: number, phases: readonly Phase[]): Chart {
  const ended = ({ calls }: SideRecord, end: CallRecord['end']): readonly number[] =>
    perSecond(
      calls.filter((call) => call.end === end).map(({ endedAt = 0 }) => endedAt),
      seconds,
    )
  const told = (side: SideRecord): string => {
    const { answered, failed, left } = tally(side)
    return `${side.name}: ${answered} answered, ${failed} failed, ${left} left`
  }
  return {
    kind: 'time',
    shape: 'bars',
    unit: 'calls per second',
    stepSeconds: 1,
    phases,
    description: `Calls per second by their end. ${told(ours)}. ${told(theirs)}.`,
    panels: [ours, theirs].map((side) => ({
      name: side.name,
      series: [
        { name: 'answered', tone: 'good', values: ended(side, 'answered') },
        { name: 'failed', tone: 'bad', values: ended(side, 'failed') },
        { name: 'caller left', tone: 'warn', values: ended(side, 'left') },
      ],
    })),
  }
}

/** How long answered calls took, by the second in which they began. */
export function timesChart({ theirs, ours }: Play, seconds: number, phases: readonly Phase[]): Chart {
  const values = ({ calls }: SideRecord, part: number): readonly (number | null)[] =>
    Array.from({ length: seconds }, (_, second) => {
      const begun = calls.filter(
        ({ startedAt, end }) => end === 'answered' && Math.floor(startedAt / 1000) === second,
      )
      const ms = percentile(begun.map(durationOf), part)
      return ms === undefined ? null : ms / 1000
    })
  const told = (side: SideRecord): string => {
    const { p50Ms, p99Ms } = tally(side)
    return `${side.name}: half within ${durationText(p50Ms)}, 99 of 100 within ${durationText(p99Ms)}`
  }
  return {
    kind: 'time',
    shape: 'lines',
    unit: 'seconds to the answer',
    stepSeconds: 1,
    phases,
    description: `Time to an answer. ${told(ours)}. ${told(theirs)}.`,
    panels: [
      {
        series: [
          { name: `${ours.name}, slowest`, tone: 'first', values: values(ours, 0.99) },
          { name: `${ours.name}, median`, tone: 'first', isDashed: true, values: values(ours, 0.5) },
          { name: `${theirs.name}, slowest`, tone: 'second', values: values(theirs, 0.99) },
          { name: `${theirs.name}, median`, tone: 'second', isDashed: true, values: values(theirs, 0.5) },
        ],
      },
    ],
  }
}

/** Requests that gave nobody an answer, by fault. */
export function wasteChart(all: readonly Period[], { theirs, ours }: Play): Chart {
  const parts = all.filter((part) => part.theirs.wasted + part.ours.wasted > 0)
  return {
    kind: 'bars',
    unit: 'wasted requests',
    description: `Wasted requests by fault: ${tally(ours).wasted} of ${ours.name} in all, ${tally(theirs).wasted} of ${theirs.name}.`,
    categories: parts.map(({ phase }) => phase.name),
    series: [
      { name: ours.name, tone: 'first', values: parts.map((part) => part.ours.wasted) },
      { name: theirs.name, tone: 'second', values: parts.map((part) => part.theirs.wasted) },
    ],
  }
}

const standingTones = {
  'in use': 'good',
  probing: 'warn',
  'cooling down': 'bad',
  'circuit open': 'bad',
} as const satisfies Record<Standing, string>

/** How the primary model stood, and what Breakwater did about it. */
export function doingsChart({ events }: SideRecord, seconds: number, phases: readonly Phase[]): Chart {
  const stretches = standings(events, primary, seconds * 1000).map(({ standing, from, to }) => ({
    name: standing,
    tone: standingTones[standing],
    from: from / 1000,
    to: to / 1000,
  }))
  const lane = (name: string, tone: Lane['tone'], isOf: (event: TimedEvent['event']) => boolean): Lane => ({
    name,
    tone,
    stretches: [],
    moments: events.filter(({ event }) => isOf(event)).map(({ at }) => at / 1000),
  })
  const lanes = [
    { name: `Primary model (${primary})`, tone: 'good' as const, stretches, moments: [] },
    lane(`Call moved to ${fallback}`, 'first', ({ type }) => type === 'failover'),
    lane('Call waits for its turn', 'third', ({ type }) => type === 'queued'),
    lane('Call is retried', 'warn', ({ type }) => type === 'retry'),
    lane('Stream breaks', 'bad', ({ type }) => type === 'stream_interrupted'),
  ].filter((one) => one.stretches.length + one.moments.length > 0)
  const told = lanes.slice(1).map(({ name, moments }) => `${name}: ${moments.length} times`)
  return {
    kind: 'lanes',
    seconds,
    phases,
    description: `The state of the primary model, and each time that something happened. ${told.join('. ')}.`,
    lanes,
  }
}
