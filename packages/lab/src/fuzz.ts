/** Calls through any stack to an API that does anything. Run it with `npm run lab:fuzz`. */
import { fork } from 'node:child_process'
import process from 'node:process'
import { fileURLToPath } from 'node:url'
import { argumentsOf, wholeNumber } from './arguments.ts'
import { playBatch } from './fuzz/batch.ts'
import { heapInUse } from './heap.ts'
import { installClock } from './orders/clock.ts'

/** What one process does: batches of these seeds, until it has made so many exchanges. */
interface Share {
  readonly seed: number
  readonly step: number
  readonly exchanges: number
}

interface Result {
  readonly batches: number
  readonly calls: number
  readonly exchanges: number
  readonly problems: readonly string[]
  /** Bytes of heap after each quarter, the first left out. */
  readonly heaps: readonly number[]
}

const usage = `usage: npm run lab:fuzz -- [--seed 1] [--exchanges 100000] [--processes 2]

Plays stacks with any options to an upstream that sends anything, and looks for what should never happen.`

const config = {
  options: {
    seed: { type: 'string', default: '1' },
    exchanges: { type: 'string', default: '100000' },
    processes: { type: 'string', default: '2' },
  },
} as const

const [share] = process.argv.slice(2)
if (process.send !== undefined && share !== undefined) {
  process.send(await work(JSON.parse(share) as Share), () => process.disconnect())
} else {
  await main()
}

async function work({ seed, step, exchanges }: Share): Promise<Result> {
  let clock = installClock()
  const sum = { batches: 0, calls: 0, exchanges: 0 }
  const problems: string[] = []
  const heaps: number[] = []
  for (let next = seed; sum.exchanges < exchanges; next += step) {
    const batch = await playBatch(next, clock)
    sum.batches++
    sum.calls += batch.calls
    sum.exchanges += batch.exchanges
    problems.push(...batch.problems.map((what) => `seed ${next}: ${what}`))
    if (sum.exchanges >= (exchanges * (heaps.length + 1)) / 4) {
      // It waits for finalizers, in real time.
      clock.uninstall()
      heaps.push(await heapInUse())
      clock = installClock()
    }
  }
  clock.uninstall()
  return { ...sum, problems, heaps: heaps.slice(1) }
}

async function main(): Promise<void> {
  const { values } = argumentsOf(config, usage)
  const of = wholeNumber('--processes', values.processes, usage)
  const seed = wholeNumber('--seed', values.seed, usage, 0)
  const exchanges = wholeNumber('--exchanges', values.exchanges, usage)
  const startedAt = Date.now()
  const shares = Array.from({ length: of }, (_, index) => ({
    seed: seed + index,
    step: of,
    exchanges: Math.ceil(exchanges / of),
  }))
  const results = await Promise.all(shares.map(run))
  const total = (field: 'batches' | 'calls' | 'exchanges'): string =>
    results.reduce((sum, result) => sum + result[field], 0).toLocaleString('en')
  const problems = results.flatMap((result) => result.problems)
  for (const problem of problems.slice(0, 40)) console.log(problem)
  for (const { heaps } of results) {
    console.log(
      `heap in use after each quarter, MB: ${heaps.map((bytes) => (bytes / 1e6).toFixed(1)).join(', ')}`,
    )
  }
  const seconds = Math.round((Date.now() - startedAt) / 1000)
  console.log(
    `${total('exchanges')} exchanges of ${total('calls')} calls through ${total('batches')} stacks: ${problems.length} problems, ${seconds} s.`,
  )
  process.exitCode = problems.length === 0 ? 0 : 1
}

function run(share: Share): Promise<Result> {
  return new Promise((resolve, reject) => {
    const child = fork(fileURLToPath(import.meta.url), [JSON.stringify(share)], { serialization: 'advanced' })
    child.once('message', (result) => resolve(result as Result))
    child.once('exit', (code) => {
      if (code !== 0) reject(new Error(`A part of the fuzz has ended with ${code}.`))
    })
  })
}
