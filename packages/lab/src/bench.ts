/** What Breakwater costs, beside what people use today. Run it with `npm run bench`. */
import { fork } from 'node:child_process'
import { readFile, writeFile } from 'node:fs/promises'
import { cpus } from 'node:os'
import process from 'node:process'
import { fileURLToPath } from 'node:url'
import { argumentsOf, refuse } from './arguments.ts'
import { goalHead, goalRows, goalsOf, goalText } from './bench/goals.ts'
import { jobs, sections, type Section } from './bench/jobs.ts'
import { quickEffort, usualEffort, type Host } from './bench/measure.ts'
import { joined, markdownOf, type Findings } from './bench/results.ts'
import { markdownTable, withTable } from './markdown.ts'

/** What one Node has found. */
interface NodeFindings {
  readonly version: string
  readonly sections: Partial<Record<Section, Findings>>
}

const page = new URL('../../../docs/benchmarks.md', import.meta.url)
const machine = `${cpus().length} × ${cpus()[0]?.model ?? 'unknown processor'}`

const usage = `usage: npm run bench -- [section…] [--node path…] [--json file] [--write] [--quick]

Measures all sections, or those that are named: ${sections.join(', ')}.
  --node   the Node to measure with; several times for several
  --json   writes all that was found to a file
  --write  writes the tables to docs/benchmarks.md, each Node's to its own place
  --quick  a few seconds, to see that it runs: the numbers say nothing`

const config = {
  allowPositionals: true,
  options: {
    node: { type: 'string', multiple: true },
    json: { type: 'string' },
    write: { type: 'boolean', default: false },
    quick: { type: 'boolean', default: false },
  },
} as const

const [index, effort] = process.argv.slice(2)
if (process.send === undefined) process.exitCode = await main()
else process.send(await alone(Number(index), effort === 'quick'), () => process.exit(0))

/** A job that has this process for itself. */
async function alone(index: number, isQuick: boolean): Promise<Findings> {
  const run = jobs[index]?.alone
  if (run === undefined) throw new Error(`There is no job ${index} to be done alone.`)
  return run(isQuick ? quickEffort : usualEffort)
}

async function main(): Promise<number> {
  const { values, positionals } = argumentsOf(config, usage)
  const unknown = positionals.filter((name) => !(sections as readonly string[]).includes(name))
  if (unknown.length > 0) return refuse(`unknown section: ${unknown.join(', ')}`, usage)
  const wanted = sections.filter((name) => positionals.length === 0 || positionals.includes(name))
  const found: NodeFindings[] = []
  for (const node of values.node ?? [process.execPath]) {
    const one = await measureWith(node, wanted, values.quick)
    if (values.write) await write(one)
    found.push(one)
  }
  const whole = { version: 1, machine, nodes: found }
  if (values.json !== undefined) await writeFile(values.json, `${JSON.stringify(whole)}\n`)
  return 0
}

/** All wanted sections with one Node, told as they are found. */
async function measureWith(
  node: string,
  wanted: readonly Section[],
  isQuick: boolean,
): Promise<NodeFindings> {
  const version = await versionOf(node)
  console.log(`\n## Node ${version}, ${machine}`)
  const host: Host = { node, ...(isQuick ? quickEffort : usualEffort) }
  const found: Partial<Record<Section, Findings>> = {}
  for (const section of wanted) {
    const pieces: Findings[] = []
    for (const [index, job] of jobs.entries()) {
      if (job.section !== section) continue
      pieces.push(await (job.measure?.(host) ?? inOwnProcess(index, node, job.flags, isQuick)))
    }
    found[section] = joined(pieces)
    console.log(`\n${markdownOf(joined(pieces))}`)
  }
  const goals = goalsOf(joined(Object.values(found)).figures)
  if (goalRows(goals).length > 0) console.log(`\n${goalText(goals)}`)
  return { version, sections: found }
}

function inOwnProcess(
  index: number,
  node: string,
  flags: readonly string[] = [],
  isQuick = false,
): Promise<Findings> {
  return ask(fileURLToPath(import.meta.url), [String(index), isQuick ? 'quick' : 'usual'], node, flags)
}

function versionOf(node: string): Promise<string> {
  return ask('process.send(process.versions.node)', [], node, ['--eval'])
}

/** What a process of its own has to say. */
function ask<Answer>(
  script: string,
  args: readonly string[],
  execPath: string,
  flags: readonly string[],
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const child = fork(script, [...args], { execPath, execArgv: [...flags] })
    child.once('message', (answer) => resolve(answer as Answer))
    child.once('error', reject)
    child.once('exit', (code) => reject(new Error(`${args.join(' ')} has ended with ${code}.`)))
  })
}

/** The page has a place for each section of each major version of Node. */
async function write({ version, sections: found }: NodeFindings): Promise<void> {
  let text = await readFile(page, 'utf8')
  const major = version.split('.')[0]
  for (const [section, findings] of Object.entries(found)) {
    text = withTable(text, `${section}-${major}`, markdownOf(findings, ` on Node ${major}`))
  }
  // Goals of some sections would take the place of all.
  if (Object.keys(found).length === sections.length) {
    const goals = goalRows(goalsOf(joined(Object.values(found)).figures))
    const table = markdownTable(goalHead, goals)
    text = withTable(text, `goals-${major}`, `Node ${version}, ${machine}.\n\n${table}`)
  }
  await writeFile(page, text)
}
