import { durationText } from '@breakwater/report'
import type { Play } from './play.ts'
import type { SideRecord } from './side.ts'
import { fallback, primary, type StormPhase } from './storm.ts'
import { circuitOf, standings } from './standings.ts'
import { perSecond, tally, type Tally } from './tally.ts'

/** Gives a text a colour, where there are colours. */
export type Paint = (style: 'bold' | 'dim' | 'red' | 'green' | 'yellow' | 'cyan', text: string) => string

/** A moment of the storm, for a terminal of that size. */
export function screen(
  { storm, theirs, ours }: Play,
  atMs: number,
  size: { readonly columns: number; readonly rows: number },
  paint: Paint,
): string {
  const width = Math.min(100, size.columns - 1)
  const wholeMs = (storm.phases.at(-1)?.toMs ?? 0) + storm.patienceMs
  const labels = width < 64 ? 14 : 22
  const column = Math.floor((width - labels) / 2)
  const cell = (text: string): string => text.slice(0, column - 1).padEnd(column)
  const line = (name: string, their: string, our: string): string =>
    `${paint('dim', name.slice(0, labels - 1).padEnd(labels))}${their}${our}`
  const sides = [theirs, ours].map((side) => ({ side, all: tally(side) }))
  const row = (name: string, text: (all: Tally, side: SideRecord) => string): string => {
    const [their = '', our = ''] = sides.map(({ side, all }) => cell(text(all, side)))
    return line(name, their, our)
  }
  const count = (name: string, of: (all: Tally) => number, style: 'green' | 'red' | 'yellow'): string => {
    const [their = '', our = ''] = sides.map(({ all }) => {
      const value = of(all)
      return value === 0 ? cell('0') : paint(style, cell(String(value)))
    })
    return line(name, their, our)
  }
  const scale = Math.max(...sides.map(({ side }) => Math.max(...requestsPerSecond(side, atMs))), 1)
  const spark = (values: readonly number[]): string => sparkline(values.slice(1 - column), scale)
  const done = Math.min(1, atMs / wholeMs)
  const clock = `${(atMs / 1000).toFixed(1)} s`
  const title = 'One storm, two handlers'
  const needed = [
    `${paint('bold', title)}${clock.padStart(width - title.length)}`,
    bar(done, width, paint),
    said(phaseAt(storm.phases, atMs), width, paint),
    line('', paint('bold', cell(theirs.name)), paint('bold', cell(ours.name))),
    row('calls', ({ calls }) => String(calls)),
    count('answered', ({ answered }) => answered, 'green'),
    count('failed, left', ({ failed, left }) => failed + left, 'red'),
    row('waiting', ({ waiting }) => String(waiting)),
    row('requests', ({ requests }) => String(requests)),
    count('wasted', ({ wasted }) => wasted, 'yellow'),
  ]
  const extra = [
    row('median, 99 %', ({ p50Ms, p99Ms }) => `${durationText(p50Ms)}, ${durationText(p99Ms)}`),
    row('serving now', (_, side) => serving(side, atMs, column)),
    line('primary', cell('always asked'), standing(ours, atMs, cell, paint)),
    row('requests/s', (_, side) => spark(requestsPerSecond(side, atMs))),
    row('answers/s', (_, side) => spark(answersPerSecond(side, atMs))),
  ]
  const room = Math.max(0, size.rows - needed.length - 2)
  return [...needed, ...extra.slice(0, room)].join('\n')
}

/** What is going on at a time. */
export function phaseAt(phases: readonly StormPhase[], atMs: number): StormPhase | undefined {
  return phases.find(({ fromMs, toMs }) => atMs >= fromMs && atMs < toMs)
}

function said(phase: StormPhase | undefined, width: number, paint: Paint): string {
  const text = phase?.text.replaceAll('`', '') ?? 'no more calls: the last ones are waited for'
  // A colour must not be cut, nor a line be wrapped.
  const short = text.length > width ? `${text.slice(0, width - 1)}…` : text
  if (phase === undefined) return paint('dim', short)
  return paint(phase.isCalm ? 'green' : 'yellow', short)
}

function bar(done: number, width: number, paint: Paint): string {
  const full = Math.round(done * width)
  return `${paint('cyan', '━'.repeat(full))}${paint('dim', '─'.repeat(width - full))}`
}

/** Who gave the answers of the last second; where there is no room, who gave most. */
function serving({ calls }: SideRecord, atMs: number, room: number): string {
  const lately = calls.filter(({ end, endedAt = 0 }) => end === 'answered' && endedAt > atMs - 1000)
  const by = (name: string, model: string): { name: string; answers: number } => ({
    name,
    answers: lately.filter((call) => call.model === model).length,
  })
  const models = [by('primary', primary), by('fallback', fallback)]
    .filter(({ answers }) => answers > 0)
    .sort((one, other) => other.answers - one.answers)
    .map(({ name, answers }) => `${name} ${answers}/s`)
  if (models.length === 0) return 'nobody'
  const all = models.join(', ')
  return all.length < room ? all : (models[0] ?? '')
}

/** How the primary model stands with Breakwater, and its circuit. */
function standing(
  { events }: SideRecord,
  atMs: number,
  cell: (text: string) => string,
  paint: Paint,
): string {
  const now = standings(events, primary, atMs).at(-1)?.standing ?? 'in use'
  const all = `${now}, circuit ${circuitOf(events, primary)}`
  const text = cell(all.length < cell('').length ? all : now)
  if (now === 'in use') return paint('green', text)
  return paint(now === 'probing' ? 'yellow' : 'red', text)
}

function requestsPerSecond({ requests }: SideRecord, atMs: number): readonly number[] {
  return perSecond(
    requests.map(({ at }) => at),
    Math.floor(atMs / 1000),
  )
}

function answersPerSecond({ calls }: SideRecord, atMs: number): readonly number[] {
  const answered = calls.filter(({ end }) => end === 'answered').map(({ endedAt = 0 }) => endedAt)
  return perSecond(answered, Math.floor(atMs / 1000))
}

const ticks = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'] as const

/** Values as a row of blocks, the highest of the scale full. */
export function sparkline(values: readonly number[], scale: number): string {
  return values
    .map((value) => ticks[Math.min(ticks.length - 1, Math.floor((value / scale) * ticks.length))])
    .join('')
}
