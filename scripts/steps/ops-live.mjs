import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { single, sum } from '../lib/results.mjs'
import { root } from '../lib/workspace.mjs'
import { filledIn } from './ops-files.mjs'
import { startProgram } from './ops-prometheus.mjs'

/**
 * @typedef {import('../lib/results.mjs').StepResult} StepResult
 * @typedef {{ title: string, expr: string }} Query
 */

/** How long Prometheus looks at the service under load: its API fails from second 3 to 5 and from 7 to 9. */
const watchMs = 14_000

/** @type {import('./ops-prometheus.mjs').Program} */
const nothing = { url: '', output: () => '', stop: () => Promise.resolve(null) }

/**
 * Starts the example service under load and a Prometheus that scrapes it, then asks for every rule and every query.
 * @param {string} prometheus
 * @param {readonly string[]} ruleFiles
 * @param {readonly Query[]} queries
 * @param {ReadonlyMap<string, string>} mayBeEmpty Titles of queries without data under this load, and why.
 * @returns {Promise<StepResult>}
 */
export async function checkLive(prometheus, ruleFiles, queries, mayBeEmpty) {
  const dir = mkdtempSync(join(tmpdir(), 'breakwater-ops-'))
  const traces = await startTraceSink()
  let service = nothing
  let server = nothing
  try {
    service = await startProgram(
      process.execPath,
      [join(root, 'examples/dist/service/main.js'), '--port', '0'],
      {
        ready: /^listening (\S+)$/m,
        env: { OTEL_EXPORTER_OTLP_ENDPOINT: traces.url, OTEL_BSP_SCHEDULE_DELAY: '1000' },
      },
    )
    if (service.url === '') return single([`the example service did not start\n${service.output()}`])
    writeFileSync(join(dir, 'prometheus.json'), JSON.stringify(config(service.url, ruleFiles)))
    const args = [
      `--config.file=${join(dir, 'prometheus.json')}`,
      `--storage.tsdb.path=${join(dir, 'data')}`,
      '--web.listen-address=127.0.0.1:0',
    ]
    server = await startProgram(prometheus, args, { ready: /msg="Listening on" address=(\S+)/, cwd: dir })
    if (server.url === '') return single([`Prometheus did not start\n${server.output()}`])
    const { url } = server
    await sleep(watchMs)
    const rules = await checkRules(url)
    const answers = sum(await Promise.all(queries.map((query) => checkQuery(url, query, mayBeEmpty))))
    const code = await service.stop()
    const end = single(code === 0 ? [] : [`the example service ended with ${code}\n${service.output()}`])
    const spans = ['breakwater.attempt', 'anthropic.messages.create']
    const missing = spans.filter((name) => !traces.names.has(name))
    const traced = single(missing.map((name) => `no span ${name} came over OTLP`))
    return sum([rules, answers, end, traced])
  } finally {
    await Promise.all([service.stop(), server.stop(), traces.close()])
    rmSync(dir, { recursive: true, force: true })
  }
}

/**
 * Prometheus takes YAML, of which JSON is a part.
 * @param {string} serviceUrl
 * @param {readonly string[]} ruleFiles
 */
function config(serviceUrl, ruleFiles) {
  return {
    global: { scrape_interval: '1s', evaluation_interval: '1s' },
    rule_files: ruleFiles,
    scrape_configs: [{ job_name: 'example', static_configs: [{ targets: [new URL(serviceUrl).host] }] }],
  }
}

/**
 * Every rule is evaluated without an error, and no text of an alert has a hole.
 * @param {string} url
 * @returns {Promise<StepResult>}
 */
async function checkRules(url) {
  const { groups } = await ask(`${url}/api/v1/rules`)
  const results = groups.flatMap((/** @type {any} */ group) =>
    group.rules.map((/** @type {any} */ rule) => {
      const texts = (rule.alerts ?? []).flatMap((/** @type {any} */ alert) =>
        Object.values(alert.annotations),
      )
      const holes = texts.filter((/** @type {string} */ text) => /<error|<no value>/.test(text))
      const problems = rule.health === 'ok' ? holes : [`${rule.health} ${rule.lastError ?? ''}`]
      return single(problems.map((/** @type {string} */ problem) => `rule ${rule.name}: ${problem}`))
    }),
  )
  return results.length === 0 ? single(['Prometheus has no rules']) : sum(results)
}

/**
 * @param {string} url
 * @param {Query} query
 * @param {ReadonlyMap<string, string>} mayBeEmpty
 * @returns {Promise<StepResult>}
 */
async function checkQuery(url, { title, expr }, mayBeEmpty) {
  try {
    const { result } = await ask(`${url}/api/v1/query?query=${encodeURIComponent(filledIn(expr))}`)
    return single(result.length > 0 || mayBeEmpty.has(title) ? [] : [`${title}: no data for ${expr}`])
  } catch (error) {
    return single([`${title}: ${error instanceof Error ? error.message : error}`])
  }
}

/**
 * @param {string} url
 * @returns {Promise<any>} The data of an answer of Prometheus.
 */
async function ask(url) {
  const response = await fetch(url)
  const { status, data, error } = /** @type {any} */ (await response.json())
  if (status !== 'success') throw new Error(error)
  return data
}

/** An OTLP endpoint that keeps the names of the spans it gets. */
async function startTraceSink() {
  /** @type {Set<string>} */
  const names = new Set()
  const server = createServer(async (request, response) => {
    let text = ''
    for await (const chunk of request.setEncoding('utf8')) text += chunk
    for (const [, name = ''] of text.matchAll(/"name":"([^"]+)"/g)) names.add(name)
    response.setHeader('content-type', 'application/json').end('{}')
  })
  await new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(undefined)))
  const address = server.address()
  const port = typeof address === 'object' ? address?.port : 0
  return {
    url: `http://127.0.0.1:${port}`,
    names,
    close: () => new Promise((resolve) => server.close(resolve).closeAllConnections()),
  }
}
