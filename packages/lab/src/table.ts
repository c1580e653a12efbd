/** One measured case. */
export interface Row {
  readonly name: string
  readonly size: string
  /** Median, in nanoseconds per call. */
  readonly ns: number
  /** Median absolute deviation, in nanoseconds per call. */
  readonly spread: number
}

/** The rows as Markdown, a column pair per body size; the first case of a size is what the others add to. */
export function table(rows: readonly Row[]): string {
  const sizes = [...new Set(rows.map(({ size }) => size))]
  const names = [...new Set(rows.map(({ name }) => name))]
  const cell = (name: string, size: string): string => {
    const row = rows.find((candidate) => candidate.name === name && candidate.size === size)
    const bare = rows.find((candidate) => candidate.size === size)
    if (row === undefined || bare === undefined) return ' - | - |'
    return ` ${row.ns.toFixed(0)} ± ${row.spread.toFixed(0)} | ${row === bare ? '' : `+${(row.ns - bare.ns).toFixed(0)}`} |`
  }
  return [
    `| case |${sizes.map((size) => ` ${size}: ns/call | over bare |`).join('')}`,
    `| --- |${sizes.map(() => ' --: | --: |').join('')}`,
    ...names.map((name) => `| ${name} |${sizes.map((size) => cell(name, size)).join('')}`),
  ].join('\n')
}
