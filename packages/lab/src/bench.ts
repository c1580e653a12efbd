import { platform, versions } from 'node:process'
import { Bench } from 'tinybench'
import { abortToSettle } from './abort.ts'
import { behaviourCases } from './behaviour-cases.ts'
import { closedCases, openCases } from './breaker-cases.ts'
import type { Case } from './call-parts.ts'
import { firstContent } from './first-content.ts'
import { foundationCases } from './foundation-cases.ts'
import { retained, streamTable } from './stream-bench.ts'
import { table, type Row } from './table.ts'
import { telemetryTable } from './telemetry-bench.ts'

/** Calls of one measured iteration: one alone would be shorter than the clock can tell. */
const batch = 100

const sizes = { '1 kB': 1_000, '10 MB': 10_000_000 }
const groups = {
  'The foundation': foundationCases,
  'The behaviours': behaviourCases,
  'A closed circuit': closedCases,
}

console.log(`Cost of a successful call. Node ${versions.node}, ${platform}; median of batches of ${batch}.`)
for (const [title, cases] of Object.entries(groups)) {
  const rows: Row[] = []
  for (const [size, bytes] of Object.entries(sizes)) rows.push(...(await measure(size, cases(bytes))))
  console.log(`\n### ${title}\n\n${table(rows)}`)
}

console.log(
  `\n### A call that an open circuit refuses\n\n${table(await measure('1 kB', await openCases(1_000)))}`,
)

console.log(`\n### A stream\n\n${await streamTable()}`)
for (const name of ['bare pass-through stream', 'streamGuard']) {
  console.log(`\nIn use at most while 100 MB pass, ${name}: ${(await retained(name)).toFixed(1)} MB.`)
}
const first = await firstContent(200)
console.log(
  `\nFrom the call to the first text, over HTTP: ${first.without.toFixed(2)} ms, with streamGuard ${first.with.toFixed(2)} ms.`,
)

console.log(`\n### Telemetry, through the SDK\n\n${await telemetryTable()}`)

const aborts = await abortToSettle(1_000)
const at = (share: number): string => (aborts[Math.floor(share * (aborts.length - 1))] ?? NaN).toFixed(2)
console.log(
  `\nFrom an abort to the end of a call that waits for its next try: median ${at(0.5)} ms, p99 ${at(0.99)} ms.`,
)

async function measure(size: string, cases: readonly Case[]): Promise<Row[]> {
  const bench = new Bench({ time: 500, warmupTime: 200 })
  for (const { name, call } of cases) {
    bench.add(name, async () => {
      for (let index = 0; index < batch; index++) await call()
    })
  }
  await bench.run()
  const nanoseconds = (milliseconds: number): number => (milliseconds * 1e6) / batch
  return bench.tasks.map(({ name, result }) => {
    if (result.state !== 'completed') throw new Error(`${name} with a body of ${size} did not complete.`)
    return { name, size, ns: nanoseconds(result.latency.p50), spread: nanoseconds(result.latency.mad) }
  })
}
