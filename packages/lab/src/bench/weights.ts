import type { Findings } from './results.ts'
import { nanoseconds } from './cost-table.ts'
import { published, weigh, type Reach } from './sizes.ts'

const reaches: readonly Reach[] = ['own', 'ours', 'all']

/** What each package weighs in a bundle. */
export async function weights(): Promise<Findings> {
  const rows: string[][] = []
  const figures: Record<string, number> = {}
  for (const name of published) {
    const cells = [name === 'breakwater' ? name : `@breakwater/${name}`]
    for (const reach of reaches) {
      const { bytes, gzipped } = await weigh(name, reach)
      cells.push(nanoseconds(bytes), nanoseconds(gzipped))
      figures[`${reach}: ${name}`] = gzipped
    }
    rows.push(cells)
  }
  const head = [
    'package',
    'its own code',
    'gzipped',
    'with Breakwater',
    'gzipped',
    'with everything',
    'gzipped',
  ]
  return { tables: [{ title: 'In a bundle, minified, in bytes', head, rows }], figures, notes: [] }
}
