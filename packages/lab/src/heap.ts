import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

/** A function that collects garbage. */
export function collector(): () => void {
  setFlagsFromString('--expose-gc')
  const collect: unknown = runInNewContext('gc')
  if (typeof collect !== 'function') throw new Error('This runtime does not collect garbage on demand.')
  return () => void collect()
}

/** Collects garbage until nothing more goes, and says what is left on the heap, in bytes. */
export async function heapInUse(): Promise<number> {
  const collect = collector()
  for (let round = 0; round < 5; round++) {
    collect()
    // Finalizers, and what they free, need turns of their own.
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
  return process.memoryUsage().heapUsed
}
