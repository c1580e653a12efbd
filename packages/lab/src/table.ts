/** One measured case. */
export interface Row {
  readonly name: string
  readonly size: string
  /** Median, in nanoseconds per call. */
  readonly ns: number
  /** Median absolute deviation, in nanoseconds per call. */
  readonly spread: number
}

/** The rows as Markdown, a pair of columns per body size. A case whose name begins with `bare` is what the next add to. */
export function table(rows: readonly Row[]): string {
  const sizes = [...new Set(rows.map(({ size }) => size))]
  const names = [...new Set(rows.map(({ name }) => name))]
  const find = (name: string, size: string): Row | undefined =>
    rows.find((row) => row.name === name && row.size === size)
  const lines: string[] = []
  let bare = ''
  for (const name of names) {
    if (name.startsWith('bare')) bare = name
    const cells = sizes.map((size) => {
      const [row, base] = [find(name, size), find(bare, size)]
      const added = name === bare || !row || !base ? '' : `+${(row.ns - base.ns).toFixed(0)}`
      return ` ${row ? `${row.ns.toFixed(0)} ± ${row.spread.toFixed(0)}` : ''} | ${added} |`
    })
    lines.push(`| ${name} |${cells.join('')}`)
  }
  return [
    `| case |${sizes.map((size) => ` ${size}: ns/call | over bare |`).join('')}`,
    `| --- |${sizes.map(() => ' --: | --: |').join('')}`,
    ...lines,
  ].join('\n')
}
