import { markdownTable } from '../markdown.ts'

/** A table of the benchmark, as text. */
export interface BenchTable {
  readonly title: string
  readonly head: readonly string[]
  readonly rows: readonly (readonly string[])[]
}

/** What was found in one section. */
export interface Findings {
  readonly tables: readonly BenchTable[]
  /** Single numbers by name: what the goals are judged by. */
  readonly figures: Readonly<Record<string, number>>
  /** Sentences below the tables. */
  readonly notes: readonly string[]
}

/** Puts together what was found piece by piece. */
export function joined(pieces: readonly Findings[]): Findings {
  return {
    tables: pieces.flatMap(({ tables }) => tables),
    figures: Object.assign({}, ...pieces.map(({ figures }) => figures)) as Record<string, number>,
    notes: pieces.flatMap(({ notes }) => notes),
  }
}

/** All tables under their titles, to which `suffix` is added, and the notes, as Markdown. */
export function markdownOf({ tables, notes }: Findings, suffix = ''): string {
  const parts = tables.map(({ title, head, rows }) => `### ${title}${suffix}\n\n${markdownTable(head, rows)}`)
  return [...parts, ...notes].join('\n\n')
}
