import { isDeepStrictEqual } from 'node:util'

let passed = 0
let failed = 0

/** Compares what was seen with what should be, prints a difference, and lets the process end with 1 for it. */
export function check(what: string, seen: unknown, expected: unknown): void {
  if (isDeepStrictEqual(seen, expected)) {
    passed++
    return
  }
  failed++
  process.exitCode = 1
  console.log(`WRONG ${what}:`, seen, 'instead of', expected)
}

/** Prints the last line of an example. */
export function conclude(name: string): void {
  if (passed === 0) process.exitCode = 1
  console.log(`${name}: ${passed} right, ${failed} wrong`)
}

/** Waits until something holds, two seconds at most: the other side of a connection hears of its end a little later. */
export async function until(holds: () => boolean): Promise<boolean> {
  for (let turn = 0; turn < 200 && !holds(); turn++) await new Promise((resolve) => setTimeout(resolve, 10))
  return holds()
}
