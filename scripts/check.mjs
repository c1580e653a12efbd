/**
 * The whole check: `npm test`, or some steps of it: `npm test -- lint docs`.
 * The last line is `N passed, N failed`, summed over every runner.
 */
import { build } from './lib/build.mjs'
import { run } from './lib/exec.mjs'
import { install } from './lib/install.mjs'
import { lock } from './lib/lock.mjs'
import { packAll } from './lib/pack.mjs'
import { counts, sum } from './lib/results.mjs'
import { smoke } from './smoke.mjs'
import { checkChangesets } from './steps/changesets.mjs'
import { checkDocs } from './steps/docs.mjs'
import { runExamples } from './steps/examples.mjs'
import { checkOps } from './steps/ops.mjs'
import { checkPackages } from './steps/packages.mjs'
import { checkReports } from './steps/report.mjs'
import { runRuntimes } from './steps/runtimes.mjs'
import { runTests, testScripts } from './steps/tests.mjs'

/**
 * @typedef {import('./lib/results.mjs').StepResult} StepResult
 * @typedef {object} Step
 * @property {string} name
 * @property {string} title
 * @property {() => Promise<StepResult>} work
 * @property {readonly string[]} [needs] Steps without which this one says nothing.
 */

/** @type {ReturnType<typeof packAll> | undefined} */
let packing
const packed = () => (packing ??= packAll())

/** @type {readonly Step[]} */
const steps = [
  { name: 'install', title: 'Install what the lockfile says', work: installed },
  { name: 'build', title: 'Types and build (tsc -b)', work: () => tool(build()), needs: ['install'] },
  {
    name: 'lint',
    title: 'Lint (oxlint)',
    work: () => tool(run('oxlint', ['--deny-warnings'])),
    needs: ['install'],
  },
  {
    name: 'format',
    title: 'Format (oxfmt)',
    work: () => tool(run('oxfmt', ['--check'])),
    needs: ['install'],
  },
  { name: 'scripts', title: 'Tests of the scripts (vitest)', work: testScripts, needs: ['install'] },
  { name: 'tests', title: 'Tests of every package (turbo, vitest)', work: runTests, needs: ['install'] },
  {
    name: 'packages',
    title: 'Packed packages (house style, publint, attw)',
    work: async () => await checkPackages(await packed()),
    needs: ['build'],
  },
  { name: 'docs', title: 'Documentation (code blocks, links)', work: checkDocs, needs: ['build'] },
  { name: 'examples', title: 'Examples and the demo', work: runExamples, needs: ['build'] },
  {
    name: 'report',
    title: 'The live demo, and the pages with charts in a browser',
    work: checkReports,
    needs: ['build'],
  },
  { name: 'ops', title: 'Alerts, dashboard and the example service', work: checkOps, needs: ['build'] },
  { name: 'changesets', title: 'Changesets', work: checkChangesets },
  {
    name: 'smoke',
    title: 'First use of the packed packages, as their READMEs say',
    work: async () => await smoke(await packed()),
    needs: ['build'],
  },
  {
    name: 'runtimes',
    title: 'Every runtime, with the packed packages',
    work: async () => await runRuntimes(await packed()),
    needs: ['build'],
  },
]

await lock()
const total = await check(process.argv.slice(2))
if (total.failed > 0 || total.passed === 0) process.exitCode = 1
console.log(`${total.passed} passed, ${total.failed} failed`)

/** @param {readonly string[]} names */
async function check(names) {
  /** @type {Map<string, StepResult>} */
  const results = new Map()
  for (const name of names.filter((wanted) => !steps.some((step) => step.name === wanted))) {
    console.log(`There is no step ${name}; the steps are ${steps.map((step) => step.name).join(', ')}.`)
    results.set(name, { passed: 0, failed: 1 })
  }
  for (const step of chosen(names)) {
    console.log(`\n== ${step.title}`)
    const start = Date.now()
    const blocker = step.needs?.find((name) => (results.get(name)?.failed ?? 0) > 0)
    const result =
      blocker === undefined
        ? await step.work().catch(crashed)
        : { passed: 0, failed: 1, notes: [`not run, because of: ${blocker}`] }
    for (const note of result.notes ?? []) console.log(note)
    console.log(`-- ${step.name}: ${counts(result)} (${((Date.now() - start) / 1000).toFixed(1)} s)`)
    results.set(step.name, result)
  }
  const sums = sum([...results.values()])
  const bad = [...results].filter(([, result]) => result.failed > 0).map(([name]) => name)
  console.log(`\n== Result${sums.skipped > 0 ? `: ${sums.skipped} skipped` : ''}`)
  if (bad.length > 0) console.log(`Failed: ${bad.join(', ')}`)
  return sums
}

/**
 * The steps that were asked for, with what they need; all when none was named.
 * @param {readonly string[]} names
 * @returns {readonly Step[]}
 */
function chosen(names) {
  if (names.length === 0) return steps
  const wanted = new Set(names)
  for (const step of steps.toReversed()) {
    if (wanted.has(step.name)) for (const need of step.needs ?? []) wanted.add(need)
  }
  return steps.filter((step) => wanted.has(step.name))
}

/** @returns {Promise<StepResult>} */
async function installed() {
  const { code, output } = await install()
  return code === 0 ? { passed: 0, failed: 0 } : { passed: 0, failed: 1, notes: [output.trimEnd()] }
}

/**
 * A tool that says yes or no: one check.
 * @param {Promise<{ code: number, output: string }>} result
 * @returns {Promise<StepResult>}
 */
async function tool(result) {
  const { code, output } = await result
  return code === 0 ? { passed: 1, failed: 0 } : { passed: 0, failed: 1, notes: [output.trimEnd()] }
}

/**
 * @param {unknown} error
 * @returns {StepResult}
 */
function crashed(error) {
  return {
    passed: 0,
    failed: 1,
    notes: [error instanceof Error ? (error.stack ?? error.message) : String(error)],
  }
}
