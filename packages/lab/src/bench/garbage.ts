import { GCProfiler } from 'node:v8'
import type { Case } from '../call-parts.ts'
import { collector } from '../heap.ts'
import { median } from './stats.ts'

/** What a call of one case leaves on the heap. */
export interface Garbage {
  readonly name: string
  /** Bytes per call, of each window in which no garbage was collected. */
  readonly bytes: readonly number[]
}

/** So much is allocated between two collections: well below what the process is given for what is young. */
const windowBytes = 8_000_000

/**
 * Counts what calls allocate on the heap: a number of calls between two collections, in a process whose young generation is so
 * large that there is none meanwhile. What lies outside of the heap (bodies, handles) is not counted.
 */
export async function garbage(cases: readonly Case[], windows: number): Promise<Garbage[]> {
  const collect = collector()
  const contenders: { name: string; call: Case['call']; calls: number; bytes: number[] }[] = []
  for (const { name, call } of cases) {
    await repeat(call, 3_000)
    const rough = await allocated(call, 500, collect)
    const calls = Math.max(1, Math.round(windowBytes / Math.max(rough, 100)))
    contenders.push({ name, call, calls, bytes: [] })
  }
  for (let window = 0; window < windows; window++) {
    for (const { call, calls, bytes } of contenders) {
      const perCall = await allocated(call, calls, collect)
      if (Number.isFinite(perCall)) bytes.push(perCall)
    }
  }
  return contenders.map(({ name, bytes }) => ({ name, bytes }))
}

/** The bytes of one call, `NaN` where garbage was collected meanwhile. */
async function allocated(call: Case['call'], calls: number, collect: () => void): Promise<number> {
  collect()
  const profiler = new GCProfiler()
  profiler.start()
  const before = process.memoryUsage().heapUsed
  await repeat(call, calls)
  const after = process.memoryUsage().heapUsed
  const { statistics } = profiler.stop()
  return statistics.length > 0 ? NaN : (after - before) / calls
}

async function repeat(call: Case['call'], times: number): Promise<void> {
  for (let index = 0; index < times; index++) await call()
}

/** The median of what a case leaves; an error where no window was quiet. */
export function bytesOf(measured: readonly Garbage[], name: string): number {
  const bytes = measured.find((one) => one.name === name)?.bytes ?? []
  if (bytes.length === 0) throw new Error(`Garbage was collected in every window of ${name}.`)
  return median(bytes)
}
