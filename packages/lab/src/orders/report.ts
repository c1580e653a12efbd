import { markdownTable } from '../markdown.ts'
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
  return markdownTable(['law', 'checks', 'violations'], rows)
}

/** Some violations of each law, a line each. */
export function samplesOf({ violations }: Tally, most: number): readonly string[] {
  const laws = new Set(violations.map(({ law }) => law))
  return [...laws].flatMap((law) => {
    const all = violations.filter((violation) => violation.law === law)
    return [`${law}: ${all.length}`, ...all.slice(0, most).map(({ run, what }) => `  ${run}: ${what}`)]
  })
}
