import { platform, versions } from 'node:process'
import { Bench } from 'tinybench'
import { cases } from './cases.ts'
import { table, type Row } from './table.ts'

/** Calls of one measured iteration: one alone would be shorter than the clock can tell. */
const batch = 100

const sizes = { '1 kB': 1_000, '10 MB': 10_000_000 }

console.log(`Cost of a successful call. Node ${versions.node}, ${platform}; median of batches of ${batch}.\n`)
const rows: Row[] = []
for (const [size, bytes] of Object.entries(sizes)) {
  const bench = new Bench({ time: 500, warmupTime: 200 })
  for (const { name, call } of cases(bytes)) {
    bench.add(name, async () => {
      for (let index = 0; index < batch; index++) await call()
    })
  }
  await bench.run()
  for (const { name, result } of bench.tasks) {
    if (result.state !== 'completed') throw new Error(`${name} with a body of ${size} did not complete.`)
    const nanoseconds = (milliseconds: number): number => (milliseconds * 1e6) / batch
    rows.push({ name, size, ns: nanoseconds(result.latency.p50), spread: nanoseconds(result.latency.mad) })
  }
}
console.log(table(rows))
