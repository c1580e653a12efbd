import { stackCases, wrapName } from '../behaviour-cases.ts'
import { createCases, nameOf } from '../seam-cases.ts'
import { usualBytes } from './calls.ts'
import { nanoseconds, signed } from './cost-table.ts'
import { bytesOf, garbage, type Garbage } from './garbage.ts'
import type { Effort } from './measure.ts'
import type { Findings } from './results.ts'
import { five, recipe, three } from './stacks.ts'
import { quantile } from './stats.ts'

const bare = 'bare call'
const ofTheSdk = "the SDK's create()"

/** What a call leaves to the garbage collector. */
export async function garbagePerCall({ lives, rounds }: Effort): Promise<Findings> {
  const shown = new Set([nameOf(undefined), three.name, five.name, recipe.name])
  const created = createCases(usualBytes)
    .filter(({ name }) => shown.has(name))
    .map(({ name, call }) => ({ name: `${ofTheSdk}: ${name}`, call }))
  const measured = await garbage([...stackCases(usualBytes), ...created], lives * rounds)
  const rows = measured.map(({ name, bytes }) => {
    const base = bytesOf(measured, name.startsWith(ofTheSdk) ? `${ofTheSdk}: ${nameOf(undefined)}` : bare)
    const own = bytesOf(measured, name)
    const spread = (100 * (quantile(bytes, 0.75) - quantile(bytes, 0.25))) / own
    return [name, nanoseconds(own), own === base ? '' : signed(own - base), `${spread.toFixed(1)} %`]
  })
  const title = 'Garbage of a call'
  const head = ['case', 'bytes/call', 'over bare', 'middle half within']
  return {
    tables: [{ title, head, rows }],
    figures: { 'garbage of wrap: three': shareOf(measured, three.name) },
    notes: [],
  }
}

function shareOf(measured: readonly Garbage[], name: string): number {
  const base = bytesOf(measured, bare)
  return (bytesOf(measured, name) - base) / (bytesOf(measured, wrapName) - base)
}
