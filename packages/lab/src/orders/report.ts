import type { Tally } from './examine.ts'

/** Adds one tally to another. */
export function addTally(sum: Tally, { runs, checks, violations }: Tally): void {
  sum.runs += runs
  for (const [law, count] of checks) sum.checks.set(law, (sum.checks.get(law) ?? 0) + count)
  for (const violation of violations) sum.violations.push(violation)
}

/** Laws × checks × violations, as Markdown that is formatted already. */
export function lawTable({ checks, violations }: Tally): string {
  const rows = [...checks]
    .sort(([one], [other]) => (one < other ? -1 : 1))
    .map(([law, count]) => {
      const broken = violations.filter((violation) => violation.law === law).length
      return [law, count.toLocaleString('en'), broken.toLocaleString('en')]
    })
  const lines = [['law', 'checks', 'violations'], ...rows]
  const widths = [0, 1, 2].map((column) => Math.max(...lines.map((cells) => cells[column]?.length ?? 0), 4))
  const cell = (text: string, column: number): string =>
    column === 0 ? text.padEnd(widths[column] ?? 0) : text.padStart(widths[column] ?? 0)
  const ruler = widths.map((width, column) =>
    column === 0 ? '-'.repeat(width) : `${'-'.repeat(width - 1)}:`,
  )
  const [head = [], ...body] = lines
  return [head.map(cell), ruler, ...body.map((cells) => cells.map(cell))]
    .map((cells) => `| ${cells.join(' | ')} |`)
    .join('\n')
}

/** Some violations of each law, a line each. */
export function samplesOf({ violations }: Tally, most: number): readonly string[] {
  const laws = new Set(violations.map(({ law }) => law))
  return [...laws].flatMap((law) => {
    const all = violations.filter((violation) => violation.law === law)
    return [`${law}: ${all.length}`, ...all.slice(0, most).map(({ run, what }) => `  ${run}: ${what}`)]
  })
}

/** The page with another table between its markers. */
export function withTable(page: string, name: string, table: string): string {
  const [begin, end] = [`<!-- table:${name} -->`, '<!-- /table -->']
  const from = page.indexOf(begin)
  const to = page.indexOf(end, from)
  if (from < 0 || to < 0) throw new Error(`The page has no ${begin} … ${end}.`)
  return `${page.slice(0, from + begin.length)}\n\n${table}\n\n${page.slice(to)}`
}
