import { labelOf, type FaultCourse, type FaultReports } from './describe-faults.ts'
import type { FaultName, Step } from './rehearsal.ts'

/** The width of a terminal that the text is made for. */
const columns = 100

/** What is drawn. */
export interface Drawn {
  /** The names of the stack, outermost first. */
  readonly names: readonly string[]
  readonly maxRequests: number
  readonly maxWaitMs: number
  readonly faults: FaultReports
  readonly warnings: readonly string[]
}

/** A stack, its worst case, and what each fault leads to, for a terminal of 100 columns. */
export function draw({ names, maxRequests, maxWaitMs, faults, warnings }: Drawn): string {
  const limit = maxWaitMs === Infinity ? 'waits of any length' : `waits of at most ${seconds(maxWaitMs)}`
  const waits = maxWaitMs === 0 ? 'no waits' : limit
  return [
    ...wrap([...names, 'upstream'].join(' → '), 2),
    `at most ${maxRequests} request${maxRequests === 1 ? '' : 's'} a call, ${waits}`,
    '',
    ...table(faults),
    ...(warnings.length === 0 ? [] : ['']),
    ...warnings.flatMap((warning) => wrap(`warning: ${warning}`, 2)),
  ].join('\n')
}

function table(faults: FaultReports): string[] {
  const reports = Object.entries(faults) as [FaultName, FaultCourse][]
  const hasMoves = reports.some(([, { moves }]) => moves > 0)
  const rows = reports.map(([name, { requests, waitMs }]) => [
    labelOf(name),
    String(requests),
    waitMs === 0 ? '' : seconds(waitMs),
  ])
  const head = [hasMoves ? 'where every target says' : 'where upstream says', 'sent', 'waits']
  const widths = head.map((cell, index) =>
    Math.max(cell.length, ...rows.map((row) => row[index]?.length ?? 0)),
  )
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, index) => (index === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[index] ?? 0)))
      .join('  ')
  const left = line(head).length + 2
  const legend = `● a request,${hasMoves ? ' ⇒ the next target,' : ''} → what the caller gets`
  return [
    `${line(head)}  ${legend}`,
    ...reports.map(
      ([, course], index) => `${line(rows[index] ?? [])}  ${drawCourse(course, columns - left)}`,
    ),
  ]
}

/** The steps of a course and what the caller gets; the middle is left out where it is too long. */
export function drawCourse({ steps, outcome, category }: FaultCourse, width: number): string {
  const end = `→ ${outcome === 'error' ? category : outcome.replace('_', ' ')}`
  const words = drawSteps(steps)
  const room = width - end.length - 1
  let [head, tail] = [words.length, words.length]
  const text = (): string =>
    (head >= tail ? words : [...words.slice(0, head), '…', ...words.slice(tail)]).join(' ')
  for (; text().length > room && head > 1; head--) tail = words.length - Math.floor(head / 3)
  return `${text()} ${end}`
}

/** The steps in words: legs between moves that are like the first are not told again, nor are waits that repeat. */
function drawSteps(steps: readonly Step[]): string[] {
  const legs: string[][] = [[]]
  let waitMs = 0
  for (const [index, step] of steps.entries()) {
    if (step.kind === 'move') legs.push([])
    else if (step.kind === 'wait') waitMs += step.ms
    // Waits in a row are one.
    const isWhole = waitMs > 0 && steps[index + 1]?.kind !== 'wait'
    if (isWhole) legs.at(-1)?.push(seconds(waitMs))
    if (isWhole) waitMs = 0
    if (step.kind === 'request') legs.at(-1)?.push('●')
    if (step.kind === 'more') legs.at(-1)?.push(`+ ${step.requests} ● ${seconds(step.waitMs)}`)
  }
  const [first = [], ...others] = legs.map(shorten)
  const isSame = (leg: readonly string[]): boolean => leg.length > 1 && leg.join() === first.join()
  if (others.length > 1 && others.every(isSame)) return [...first, '⇒', `${others.length} × the same`]
  return [...first, ...others.flatMap((leg) => ['⇒', ...(isSame(leg) ? ['the same'] : leg)])]
}

/** `● 11 s ● 11 s ● 11 s ●` becomes `● 3 × (11 s ●)`. */
function shorten(words: readonly string[]): string[] {
  const short: string[] = []
  for (let index = 0; index < words.length;) {
    let count = 0
    const isPair = (at: number): boolean => words[at] === words[index] && words[at + 1] === '●'
    if (words[index] !== '●') while (isPair(index + 2 * count)) count++
    if (count > 2) short.push(`${count} × (${words[index]} ●)`)
    else short.push(...words.slice(index, index + 1))
    index += count > 2 ? 2 * count : 1
  }
  return short
}

function seconds(ms: number): string {
  return ms === Infinity ? 'any time' : `${Number((ms / 1000).toFixed(2))} s`
}

/** Lines of at most 100 columns; all but the first are indented. A word that is longer stands alone. */
function wrap(text: string, indent: number): string[] {
  const lines: string[] = []
  let line = ''
  for (const word of text.split(' ')) {
    if (line !== '' && line.length + 1 + word.length > columns) {
      lines.push(line)
      line = ' '.repeat(indent) + word
    } else {
      line = line === '' ? word : `${line} ${word}`
    }
  }
  return [...lines, line]
}
