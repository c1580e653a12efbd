/** Every order of the packages, under every fault, against the laws of the design. Run it with `npm run lab:orders`. */
import { fork } from 'node:child_process'
import { readFile, writeFile } from 'node:fs/promises'
import process from 'node:process'
import { fileURLToPath } from 'node:url'
import { argumentsOf, wholeNumber } from './arguments.ts'
import { withTable } from './markdown.ts'
import { catalogue } from './orders/catalogue.ts'
import { installClock } from './orders/clock.ts'
import { examine, newTally, type Tally } from './orders/examine.ts'
import { basicOrders, jobName, wholePlan } from './orders/plan.ts'
import { addTally, lawTable, samplesOf } from './orders/report.ts'

/** Which part of the lab one process does. */
interface Shard {
  readonly seed: number
  readonly samples: number
  /** One job of so many, for a quick look. */
  readonly every: number
  /** Only those whose name has this in it. */
  readonly only: string
  readonly index: number
  readonly of: number
}

const page = new URL('../../../docs/any-order.md', import.meta.url)

const usage = `usage: npm run lab:orders -- [--seed 1] [--samples 5] [--every 1] [--only text] [--processes 2] [--write]

Plays every stack to every fault, and holds what came of it against the laws of the design.
\`--every 50\` plays one of fifty; \`--only\` those whose name has the text in it; \`--write\` puts the table into docs/any-order.md.`

const config = {
  options: {
    seed: { type: 'string', default: '1' },
    samples: { type: 'string', default: '5' },
    every: { type: 'string', default: '1' },
    only: { type: 'string', default: '' },
    processes: { type: 'string', default: '2' },
    write: { type: 'boolean', default: false },
  },
} as const

const [job] = process.argv.slice(2)
if (process.send !== undefined && job !== undefined) {
  process.send(await work(JSON.parse(job) as Shard), () => process.disconnect())
} else {
  await main()
}

async function work({ seed, samples, every, only, index, of }: Shard): Promise<Tally> {
  const clock = installClock()
  const tally = newTally()
  let number = 0
  for (const job of wholePlan(seed, samples)) {
    const turn = number++
    // In turns of the same fault's neighbours, so that all get as much to do.
    const isMine = turn % every === 0 && Math.floor(turn / every) % of === index
    if (isMine && jobName(job).includes(only)) await examine(job, clock, tally)
  }
  clock.uninstall()
  return tally
}

async function main(): Promise<void> {
  const { values } = argumentsOf(config, usage)
  const of = wholeNumber('--processes', values.processes, usage)
  const shard = {
    seed: wholeNumber('--seed', values.seed, usage, 0),
    samples: wholeNumber('--samples', values.samples, usage, 0),
    every: wholeNumber('--every', values.every, usage),
    only: values.only,
    of,
  }
  const startedAt = Date.now()
  const sum = newTally()
  const shards = Array.from({ length: of }, (_, index) => run({ ...shard, index }))
  for (const tally of await Promise.all(shards)) addTally(sum, tally)

  const { runs, violations } = sum
  const seconds = Math.round((Date.now() - startedAt) / 1000)
  for (const line of samplesOf(sum, 10)) console.log(line)
  console.log(lawTable(sum))
  console.log(
    `${runs.toLocaleString('en')} runs: ${basicOrders.length} stacks of five packages and a sample of more ` +
      `(seed ${shard.seed}), ${catalogue.length} faults; ${violations.length} violations, ${seconds} s.`,
  )
  if (values.write) await writeFile(page, withTable(await readFile(page, 'utf8'), 'laws', lawTable(sum)))
  process.exitCode = violations.length === 0 ? 0 : 1
}

function run(shard: Shard): Promise<Tally> {
  return new Promise((resolve, reject) => {
    const child = fork(fileURLToPath(import.meta.url), [JSON.stringify(shard)], {
      serialization: 'advanced',
      // Runs are short and leave much behind: with more room for what is young, less of it is copied.
      execArgv: ['--max-semi-space-size=64'],
    })
    child.once('message', (tally) => resolve(tally as Tally))
    child.once('exit', (code) => {
      if (code !== 0) reject(new Error(`A part of the lab has ended with ${code}.`))
    })
  })
}
