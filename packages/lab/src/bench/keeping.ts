import { nanoseconds } from './cost-table.ts'
import { bytesPerKey, keepers } from './memory.ts'
import type { Findings } from './results.ts'

const keys = 1_000

/** What is kept for each key. */
export async function memoryPerKey(): Promise<Findings> {
  const rows: string[][] = []
  const figures: Record<string, number> = {}
  for (const keeper of keepers()) {
    const bytes = await bytesPerKey(keeper, keys)
    rows.push([keeper.name, nanoseconds(bytes)])
    figures[`memory: ${keeper.name}`] = bytes
  }
  const title = `What is kept for each of ${keys.toLocaleString('en')} keys`
  return { tables: [{ title, head: ['kept', 'bytes each'], rows }], figures, notes: [] }
}
