import { wrapName } from '../behaviour-cases.ts'
import type { CaseSet } from './case-sets.ts'
import { costTable, nsOf } from './cost-table.ts'
import { measure, type Host } from './measure.ts'
import type { BenchTable, Findings } from './results.ts'
import { classifyAndFive, five, fiveInTime, fiveOnBodies, recipe, three, threeOnBodies } from './stacks.ts'
import { shareOfAdded } from './stats.ts'

/** A request of the usual size, in bytes. */
export const usualBytes = 1_000

const bare = 'bare call'

/** Whole stacks beside what people use. */
export async function stackCosts(host: Host): Promise<Findings> {
  const measured = await measure([{ set: 'stacks', bytes: usualBytes }], host)
  const [base, theirs] = [nsOf(measured, bare), nsOf(measured, wrapName)]
  const figures = [three, threeOnBodies, five, fiveOnBodies, fiveInTime, classifyAndFive, recipe].map(
    ({ name }) => [`share of wrap: ${name}`, shareOfAdded(nsOf(measured, name), theirs, base)] as const,
  )
  return {
    tables: [costTable(measured, { title: 'A call', bare, unit: { name: wrapName, label: 'of the wrap' } })],
    figures: Object.fromEntries(figures),
    notes: [],
  }
}

/** Each package beside what does a part of the same. */
export async function partCosts(host: Host): Promise<Findings> {
  const measured = await measure([{ set: 'parts', bytes: usualBytes }], host)
  return only(costTable(measured, { title: 'A call through one package', bare }))
}

/** What all packages stand on. */
export async function foundationCosts(host: Host): Promise<Findings> {
  const asMiddleware = await table('foundation', 'The foundation, as middleware', bare, host)
  const asFetch = await table('foundationFetch', 'The foundation, around a fetch', 'bare fetch', host)
  return { tables: [asMiddleware, asFetch], figures: {}, notes: [] }
}

/** Circuits, closed and open. */
export async function circuitCosts(host: Host): Promise<Findings> {
  const closed = await table('closed', 'A closed circuit', bare, host)
  const open = await table('open', 'A call that an open circuit refuses', 'bare rejection', host)
  return { tables: [closed, open], figures: {}, notes: [] }
}

async function table(set: CaseSet, title: string, bare: string, host: Host): Promise<BenchTable> {
  return costTable(await measure([{ set, bytes: usualBytes }], host), { title, bare })
}

function only(one: BenchTable): Findings {
  return { tables: [one], figures: {}, notes: [] }
}
