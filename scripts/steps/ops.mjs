import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { mapLimit, run } from '../lib/exec.mjs'
import { counts, single, sum } from '../lib/results.mjs'
import { readJson, root } from '../lib/workspace.mjs'
import { alertProblems, dashboardProblems, queriesOf } from './ops-files.mjs'
import { checkLive } from './ops-live.mjs'
import { knownNames, respell, sampleCases, unknownNames } from './ops-names.mjs'
import { findPrometheus } from './ops-prometheus.mjs'

/**
 * @typedef {import('../lib/results.mjs').StepResult} StepResult
 * @typedef {import('./ops-names.mjs').Definition} Definition
 */

const dir = join(root, 'ops', 'prometheus')
const ruleFiles = ['breakwater.rules.yml', 'breakwater.alerts.yml']

/** Queries that have no data under the example's load. */
const mayBeEmpty = new Map([['Circuits that are isolated (A)', 'the load isolates none']])

/**
 * Rules, alerts and dashboard: that they name what there is, that they fire when they should, and that a live Prometheus
 * answers every query while the example service is under load.
 * @returns {Promise<StepResult>}
 */
export async function checkOps() {
  const [rules = '', alerts = ''] = ruleFiles.map((file) => readFileSync(join(dir, file), 'utf8'))
  const tests = readdirSync(join(dir, 'tests')).map((file) => ({
    file,
    text: readFileSync(join(dir, 'tests', file), 'utf8'),
  }))
  const definitions = await metricDefinitions()
  const dashboard = readJson(join(root, 'ops', 'grafana', 'breakwater.json'))
  const queries = queriesOf(dashboard)

  const known = knownNames(definitions, rules)
  const asked = queries.map(({ expr }) => expr).join('\n')
  const written = sum([
    named('breakwater.rules.yml', unknownNames(rules, known)),
    named('breakwater.alerts.yml', unknownNames(alerts, known, { recordedOnly: true })),
    named('breakwater.json', unknownNames(asked, known, { recordedOnly: true })),
    named('breakwater.json', dashboardProblems(dashboard)),
    named(
      'breakwater.alerts.yml',
      alertProblems(
        alerts,
        readFileSync(join(root, 'docs', 'production.md'), 'utf8'),
        tests.map(({ text }) => text).join('\n'),
      ),
    ),
  ])

  const programs = await findPrometheus()
  if ('missing' in programs) {
    const skipped =
      ruleFiles.length + queries.length + tests.reduce((total, { text }) => total + casesIn(text), 0)
    const note = `rules and dashboard were not run, as there is no Prometheus here (${programs.missing})`
    return sum([written, { passed: 0, failed: 0, skipped, notes: [note] }])
  }
  const { promtool, prometheus } = programs
  const paths = ruleFiles.map((file) => join(dir, file))
  const valid = sum(await Promise.all(paths.map((path) => tool(promtool, ['check', 'rules', path]))))
  // The live check waits most of its time.
  const [tested, live] = await Promise.all([
    testRules(promtool, tests, definitions),
    checkLive(prometheus, paths, queries, mayBeEmpty),
  ])
  const notes = [
    `unit tests of the rules: ${counts(tested)}`,
    `live, against the example service: ${counts(live)}`,
    ...[...mayBeEmpty].map(([title, reason]) => `may be empty: ${title}: ${reason}`),
  ]
  return sum([written, valid, tested, live, { passed: 0, failed: 0, notes }])
}

/**
 * What `@breakwater/otel` writes, by its build.
 * @returns {Promise<Definition[]>}
 */
async function metricDefinitions() {
  const files = ['metrics.js', 'gen-ai-metrics.js'].map((file) => join(root, 'packages/otel/dist', file))
  const modules = await Promise.all(files.map((file) => import(file)))
  return modules.flatMap((module) => Object.values(module).flatMap((group) => Object.values(group)))
}

/**
 * Runs the unit tests as they stand, and of each alert two in the other spelling with the other names. What concerns the
 * names alone is run in the two pairs that are left, too.
 * @param {string} promtool
 * @param {readonly { file: string, text: string }[]} tests
 * @param {readonly Definition[]} definitions
 * @returns {Promise<StepResult>}
 */
async function testRules(promtool, tests, definitions) {
  const temporary = mkdtempSync(join(tmpdir(), 'breakwater-rules-'))
  const names = tests.filter(({ file }) => file === 'names.test.yml')
  // A process that writes both names has no other ones.
  const sample = tests
    .filter(({ file }) => file !== 'both.test.yml')
    .map(({ file, text }) => ({ file, text: sampleCases(text) }))
  const runs = [
    { name: 'exporter', to: {}, files: tests },
    { name: 'otlp-next', to: { otlp: true, next: true }, files: sample },
    { name: 'exporter-next', to: { next: true }, files: names },
    { name: 'otlp', to: { otlp: true }, files: names },
  ]
  const jobs = runs.flatMap(({ name, to, files }) =>
    files.map(({ file, text }) => ({
      path: join(temporary, `${name}-${file}`),
      text: respell(text, definitions, to),
    })),
  )
  try {
    const results = await mapLimit(jobs, 2, async ({ path, text }) => {
      writeFileSync(path, text.replaceAll('../breakwater', join(dir, 'breakwater')))
      const { failed, notes } = await tool(promtool, ['test', 'rules', path])
      return { passed: failed === 0 ? casesIn(text) : 0, failed, ...(notes !== undefined && { notes }) }
    })
    return sum(results)
  } finally {
    rmSync(temporary, { recursive: true, force: true })
  }
}

/** @param {string} text Of a test file. */
function casesIn(text) {
  return text.match(/^ {2}- name: /gm)?.length ?? 0
}

/**
 * @param {string} command
 * @param {readonly string[]} args
 * @returns {Promise<StepResult>}
 */
async function tool(command, args) {
  const { code, output } = await run(command, args, { timeoutMs: 120_000 })
  return single(code === 0 ? [] : [output.trimEnd()])
}

/**
 * @param {string} file
 * @param {readonly string[]} problems
 * @returns {StepResult}
 */
function named(file, problems) {
  return single(problems.map((problem) => `${file}: ${problem}`))
}
