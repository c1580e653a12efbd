/** What 10,000 mixed calls through the whole stack leave behind. Run it with `npm run lab:leaks`. */
import { getEventListeners } from 'node:events'
import { argv, exit } from 'node:process'
import { heapInUse } from './heap.ts'
import { mixedCalls } from './mixed-calls.ts'

const total = Number(argv[2] ?? 10_000)
const steps = 5
const calls = mixedCalls()
await calls.run(2_000)
await heapInUse()
calls.responsesLeft()
const heaps = [await heapInUse()]
for (let step = 0; step < steps; step++) {
  await calls.run(total / steps)
  await heapInUse()
  // What it keeps to find them would be counted with the rest.
  calls.responsesLeft()
  heaps.push(await heapInUse())
}
console.log(
  `heap after every ${total / steps} calls, MB: ${heaps.map((bytes) => (bytes / 1e6).toFixed(2)).join(', ')}`,
)
console.log(
  `slope: ${slope(heaps.map((bytes, index) => [(index * total) / steps, bytes])).toFixed(1)} bytes per call`,
)
const timers = process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length
console.log(
  `left: ${timers} timers, ${getEventListeners(calls.shared, 'abort').length} listeners on the shared signal, ${calls.responsesLeft()} responses`,
)
exit(0)

/** Least squares. */
function slope(points: readonly (readonly [x: number, y: number])[]): number {
  const mean = (values: readonly number[]): number =>
    values.reduce((sum, value) => sum + value, 0) / values.length
  const [x, y] = [mean(points.map(([at]) => at)), mean(points.map(([, value]) => value))]
  const over = points.reduce((sum, [at, value]) => sum + (at - x) * (value - y), 0)
  return over / points.reduce((sum, [at]) => sum + (at - x) ** 2, 0)
}
