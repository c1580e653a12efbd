import { nanoseconds, nsOf } from './cost-table.ts'
import { measure, namesOf, type Host, type Measured } from './measure.ts'
import type { Findings } from './results.ts'
import { median, share } from './stats.ts'

const sizes: readonly (readonly [label: string, bytes: number])[] = [
  ['1 kB', 1_000],
  ['10 kB', 10_000],
  ['100 kB', 100_000],
  ['1 MB', 1_000_000],
  ['10 MB', 10_000_000],
]
const first = '1 kB'
const last = '10 MB'

/** What a call costs with a larger and larger request. All sizes of all cases take turns with each other. */
export async function bodyCosts(host: Host): Promise<Findings> {
  const measured = await measure(
    sizes.map(([size, bytes]) => ({ set: 'bodies', bytes, label: `${size}: ` })),
    host,
  )
  const names = await namesOf('bodies')
  const growths = names.map((name) => [name, growthOf(measured, name)] as const)
  const rows = growths.map(([name, growth]) => [
    name,
    ...sizes.map(([size]) => nanoseconds(median(nsOf(measured, `${size}: ${name}`)))),
    growth.toFixed(2),
  ])
  const head = ['ns/call', ...sizes.map(([size]) => size), `${last} / ${first}`]
  return {
    tables: [{ title: 'A call, by the size of its request', head, rows }],
    figures: Object.fromEntries(growths.map(([name, growth]) => [`growth: ${name}`, growth])),
    notes: [],
  }
}

function growthOf(measured: readonly Measured[], name: string): number {
  return share(nsOf(measured, `${last}: ${name}`), nsOf(measured, `${first}: ${name}`))
}
