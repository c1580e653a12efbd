import { durationText, numberText } from '@breakwater/report'
import { lessons, periods } from './periods.ts'
import type { Play } from './play.ts'
import { tally, type Tally } from './tally.ts'

/** A line of the table at the end. */
export interface SummaryRow {
  readonly name: string
  readonly theirs: string
  readonly ours: string
}

/** The whole storm in a few numbers. */
export function summaryRows(theirs: Tally, ours: Tally, patienceMs: number): readonly SummaryRow[] {
  const row = (name: string, text: (side: Tally) => string): SummaryRow => ({
    name,
    theirs: text(theirs),
    ours: text(ours),
  })
  return [
    row('calls made', ({ calls }) => numberText(calls)),
    row('answered', ({ answered, calls }) => `${numberText(answered)} (${share(answered, calls)})`),
    row('failed', ({ failed }) => numberText(failed)),
    row(`left after ${secondsText(patienceMs)}`, ({ left }) => numberText(left)),
    row('requests sent', ({ requests }) => numberText(requests)),
    row('of them wasted', ({ wasted }) => numberText(wasted)),
    row('requests for an answer', ({ requests, answered }) =>
      answered === 0 ? '–' : (requests / answered).toFixed(2),
    ),
    row('time to an answer, median', ({ p50Ms }) => durationText(p50Ms)),
    row('99 of 100 within', ({ p99Ms }) => durationText(p99Ms)),
  ]
}

/** The end of the demo, as plain text. */
export function summaryText({ storm, theirs, ours }: Play): string {
  const rows = summaryRows(tally(theirs), tally(ours), storm.patienceMs)
  const lines = [row('', theirs.name, ours.name), ...rows.map((one) => row(one.name, one.theirs, one.ours))]
  const told = lessons(periods(storm, theirs, ours), theirs.name, ours.name).flatMap(
    ({ name, numbers, why = '' }) => [
      '',
      ...wrap(`${name}: ${numbers} ${why}`.replaceAll('`', '').trimEnd(), 97).map((line, index) =>
        index === 0 ? line : `  ${line}`,
      ),
    ],
  )
  return [...lines, ...told].join('\n')
}

function row(name: string, theirs: string, ours: string): string {
  return `${name.padEnd(28)}${theirs.padStart(16)}${ours.padStart(16)}`
}

/** A length that somebody has chosen: 5 s, not 5.0 s. */
export function secondsText(ms: number): string {
  return `${Number((ms / 1000).toFixed(1))} s`
}

/** A part in percent, never rounded up to all. */
export function share(part: number, whole: number): string {
  return whole === 0 ? '–' : `${Math.floor((part * 100) / whole)} %`
}

/** Lines of at most so many characters. */
export function wrap(text: string, width: number): readonly string[] {
  const lines: string[] = []
  for (const word of text.split(' ')) {
    const last = lines.at(-1)
    if (last !== undefined && last.length + word.length < width) lines[lines.length - 1] = `${last} ${word}`
    else lines.push(word)
  }
  return lines
}
