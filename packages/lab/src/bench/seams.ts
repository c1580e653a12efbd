import { nameOf } from '../seam-cases.ts'
import { usualBytes } from './calls.ts'
import type { CaseSet } from './case-sets.ts'
import { nanoseconds, nsOf, signed } from './cost-table.ts'
import { measure, namesOf, type Host, type Measured } from './measure.ts'
import type { Findings } from './results.ts'
import { median } from './stats.ts'

const bare = nameOf(undefined)

/** Each package alone and the stacks, in both seams. */
export function seamCosts(host: Host): Promise<Findings> {
  return sideBySide('In both seams', 'middleware', 'fetch', host)
}

/** The stacks through the SDK's own `create()`. */
export function createCosts(host: Host): Promise<Findings> {
  return sideBySide("Through the SDK's own create()", 'create', 'createFetch', host)
}

/** All of them take turns with each other. */
async function sideBySide(
  title: string,
  asMiddleware: CaseSet,
  asFetch: CaseSet,
  host: Host,
): Promise<Findings> {
  const measured = await measure(
    [
      { set: asMiddleware, bytes: usualBytes, label: 'middleware: ' },
      { set: asFetch, bytes: usualBytes, label: 'fetch: ' },
    ],
    host,
  )
  const rows = (await namesOf(asMiddleware)).map((name) => [
    name,
    ...cells(measured, 'middleware', name),
    ...cells(measured, 'fetch', name),
  ])
  const head = ['case', '`middleware`: ns/call', 'over bare', '`fetch`: ns/call', 'over bare']
  return { tables: [{ title, head, rows }], figures: {}, notes: [] }
}

function cells(measured: readonly Measured[], seam: string, name: string): readonly string[] {
  const ns = median(nsOf(measured, `${seam}: ${name}`))
  const base = median(nsOf(measured, `${seam}: ${bare}`))
  return [nanoseconds(ns), name === bare ? '' : signed(ns - base)]
}
