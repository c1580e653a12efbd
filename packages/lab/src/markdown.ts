/** Rows as a Markdown table that is formatted already: the first column to the left, the others to the right. */
export function markdownTable(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = head.map((_, column) =>
    Math.max(...[head, ...rows].map((cells) => cells[column]?.length ?? 0), 4),
  )
  const ruler = widths.map((width, column) =>
    column === 0 ? '-'.repeat(width) : `${'-'.repeat(width - 1)}:`,
  )
  const line = (cells: readonly string[]): readonly string[] =>
    widths.map((width, column) => {
      const cell = cells[column] ?? ''
      return column === 0 ? cell.padEnd(width) : cell.padStart(width)
    })
  return [line(head), ruler, ...rows.map(line)].map((cells) => `| ${cells.join(' | ')} |`).join('\n')
}

/**
 * The page with another text between its markers, `<!-- table:name -->` and `<!-- /table -->`.
 *
 * @throws {Error} for a page without them.
 */
export function withTable(page: string, name: string, table: string): string {
  const [begin, end] = [`<!-- table:${name} -->`, '<!-- /table -->']
  const from = page.indexOf(begin)
  const to = page.indexOf(end, from)
  if (from < 0 || to < 0) throw new Error(`The page has no ${begin} … ${end}.`)
  return `${page.slice(0, from + begin.length)}\n\n${table}\n\n${page.slice(to)}`
}
