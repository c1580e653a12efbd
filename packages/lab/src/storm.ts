import { readFile, writeFile } from 'node:fs/promises'
import { availableParallelism } from 'node:os'
import { isMainThread, parentPort, Worker } from 'node:worker_threads'
import { renderPage, stormPage } from '@breakwater/report'
import { argumentsOf, refuse, wholeNumber } from './arguments.ts'
import { withTable } from './markdown.ts'
import { contenders, contendersOf } from './storm/contenders.ts'
import { docsTables } from './storm/docs-tables.ts'
import { goalsOf, goalsTable } from './storm/goals.ts'
import { play } from './storm/play.ts'
import type { StormReport, StormResult, StormRun } from './storm/results.ts'
import { scenes } from './storm/scenes.ts'
import { tables } from './storm/tables.ts'

/** One run of one contender in one scene. */
interface Job {
  readonly scene: string
  readonly contender: string
  readonly seed: number
}

const docs = new URL('../../../docs/benchmarks.md', import.meta.url)

const usage = `usage: npm run storm -- [scene…] [--contender name…] [--seed 1] [--json file] [--report file] [--write] [--list]

Plays the scenes (all, or those that are named; \`fleet\` names its variants too) to all contenders on simulated time.
\`--write\` puts the tables of all scenes and contenders into docs/benchmarks.md.`

const config = {
  allowPositionals: true,
  options: {
    contender: { type: 'string', multiple: true },
    seed: { type: 'string', default: '1' },
    json: { type: 'string' },
    report: { type: 'string' },
    write: { type: 'boolean', default: false },
    list: { type: 'boolean', default: false },
  },
} as const

if (isMainThread) process.exitCode = await main()
else parentPort?.on('message', (job: Job) => void work(job))

async function main(): Promise<number> {
  const { values, positionals } = argumentsOf(config, usage)
  const seed = wholeNumber('--seed', values.seed, usage, 0)
  const wanted = scenes.filter(
    ({ name }) =>
      positionals.length === 0 ||
      positionals.some((positional) => name === positional || name.startsWith(`${positional}/`)),
  )
  if (values.list) {
    console.log(scenes.map(({ name, about }) => `${name.padEnd(20)} ${about}`).join('\n'))
    return 0
  }
  const unknown = positionals.filter(
    (positional) => !wanted.some(({ name }) => name === positional || name.startsWith(`${positional}/`)),
  )
  if (unknown.length > 0) return refuse(`unknown scene: ${unknown.join(', ')}`, usage)
  const only = values.contender
  if (values.write && (positionals.length > 0 || only !== undefined))
    return refuse('--write is for all scenes and contenders', usage)
  const stranger = only?.find((name) => !contenders.some((contender) => contender.name === name))
  if (stranger !== undefined) {
    const names = contenders.map(({ name }) => name).join(', ')
    return refuse(`unknown contender: ${stranger}; there are ${names}`, usage)
  }
  const jobs = wanted.flatMap((scene) =>
    contendersOf(scene)
      .filter(({ name }) => only === undefined || only.includes(name))
      .map(({ name }): Job => ({ scene: scene.name, contender: name, seed })),
  )
  const results = await playAll(jobs)
  const run: StormRun = {
    version: 1,
    seed,
    node: process.version,
    scenes: wanted.map(({ name, about, fault, requestsPerSecond }) => ({
      name,
      about,
      fault: fault ?? null,
      requestsPerSecond: requestsPerSecond ?? null,
    })),
    contenders: contenders
      .filter(({ name }) => jobs.some(({ contender }) => contender === name))
      .map(({ name, note, isOurs }) => ({ name, note, isOurs })),
    results,
  }
  // Of some contenders only nothing can be said.
  const report: StormReport = { ...run, goals: only === undefined ? goalsOf(run) : [] }
  console.log(tables(report))
  if (report.goals.length > 0) console.log(`\n${goalsTable(report.goals)}`)
  if (values.json !== undefined) await writeFile(values.json, `${JSON.stringify(report)}\n`)
  if (values.write)
    await writeFile(docs, withTable(await readFile(docs, 'utf8'), 'storms', docsTables(report)))
  if (values.report !== undefined) await writeFile(values.report, renderPage(stormPage(report)))
  return 0
}

/** Plays all jobs, one at a time on each core; the results are in the order of the jobs. */
async function playAll(jobs: readonly Job[]): Promise<readonly StormResult[]> {
  const results: StormResult[] = []
  let next = 0
  await Promise.all(
    Array.from({ length: Math.min(jobs.length, Math.max(2, availableParallelism())) }, async () => {
      const worker = new Worker(new URL(import.meta.url))
      try {
        for (let index = next++; index < jobs.length; index = next++) {
          results[index] = await ask(worker, jobs[index])
          if (process.stderr.isTTY) process.stderr.write(`\r${next} of ${jobs.length} `)
        }
      } finally {
        await worker.terminate()
      }
    }),
  )
  if (process.stderr.isTTY) process.stderr.write('\r')
  return results
}

function ask(worker: Worker, job: Job | undefined): Promise<StormResult> {
  return new Promise((resolve, reject) => {
    worker.removeAllListeners()
    worker.once('message', ({ result, error }: { result?: StormResult; error?: string }) => {
      if (result === undefined) reject(new Error(`${job?.contender} in ${job?.scene}: ${error}`))
      else resolve(result)
    })
    worker.once('error', reject)
    worker.once('exit', (code) => reject(new Error(`The worker has ended with ${code}.`)))
    worker.postMessage(job, [])
  })
}

async function work({ scene: sceneName, contender: name, seed }: Job): Promise<void> {
  try {
    const scene = scenes.find((one) => one.name === sceneName)
    const contender = contenders.find((one) => one.name === name)
    if (scene === undefined || contender === undefined) throw new Error('There is no such job.')
    const from = performance.now()
    const measures = await play(scene, contender, seed)
    const result = {
      scene: sceneName,
      contender: name,
      ...measures,
      realMs: performance.now() - from,
    } satisfies StormResult
    parentPort?.postMessage({ result }, [])
  } catch (error) {
    const text = error instanceof Error ? (error.stack ?? error.message) : String(error)
    parentPort?.postMessage({ error: text }, [])
  }
}
