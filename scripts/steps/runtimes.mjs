import { cpSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { mapLimit, run } from '../lib/exec.mjs'
import { tempDir } from '../lib/pack.mjs'
import { single, sum } from '../lib/results.mjs'
import { readJson, root } from '../lib/workspace.mjs'
import { startControl } from '../runtimes/control.mjs'
import { cache, installRuntime, tidyCache } from '../runtimes/install.mjs'
import { runtimes, supported, workerd, workers } from '../runtimes/list.mjs'
import { checkSharedCalls } from '../runtimes/shared-calls.mjs'
import { startWorker } from '../runtimes/workerd.mjs'

/**
 * @typedef {import('../lib/results.mjs').StepResult} StepResult
 * @typedef {import('../lib/pack.mjs').Packed} Packed
 * @typedef {import('../runtimes/list.mjs').Runtime} Runtime
 * @typedef {{ passed: number, failures: { name: string, reason: string }[], ms: number }} Outcome
 * @typedef {{ dir: string, control: string }} Place Where the packages are installed, and who starts fake APIs.
 */

/** After its last case a process has this long to end by itself. */
const endMs = 3000

/**
 * The suite of `scripts/runtimes` with the packed packages, on every runtime. What cannot be installed is a failure; what
 * there is no program of for this platform is skipped, and said so.
 * @param {readonly Packed[]} packages
 * @returns {Promise<StepResult>}
 */
export async function runRuntimes(packages) {
  const dir = tempDir('runtimes')
  const problem = await createProject(dir, packages)
  if (problem !== '') return { passed: 0, failed: 1, notes: [problem] }
  const { url: control, close } = await startControl(dir)
  const place = { dir, control }
  try {
    if (process.platform !== supported.platform || process.arch !== supported.arch) {
      return sum([await onThisNode(place), ...notHere()])
    }
    tidyCache()
    const jobs = [...runtimes.map((runtime) => () => onRuntime(runtime, place)), () => onWorkerd(place)]
    // Two at a time: the suite mostly waits.
    return sum(await mapLimit(jobs, 2, (job) => job()))
  } finally {
    await close()
  }
}

/**
 * An empty project with the packed packages and the SDK.
 * @param {string} dir
 * @param {readonly Packed[]} packages
 * @returns {Promise<string>} What went wrong, or nothing.
 */
async function createProject(dir, packages) {
  const tarballs = packages.map(({ workspace, tarball }) => [workspace.manifest.name, `file:${tarball}`])
  const broken = packages.filter(({ tarball }) => tarball === '')
  if (broken.length > 0) return broken.map(({ workspace, error }) => `${workspace.path}: ${error}`).join('\n')
  const sdk = readJson(join(root, 'examples', 'node_modules', '@anthropic-ai', 'sdk', 'package.json')).version
  const manifest = {
    private: true,
    type: 'module',
    dependencies: { ...Object.fromEntries(tarballs), '@anthropic-ai/sdk': sdk },
  }
  writeFileSync(join(dir, 'package.json'), JSON.stringify(manifest))
  const suite = join(root, 'scripts', 'runtimes')
  cpSync(suite, join(dir, 'suite'), { recursive: true, filter: (file) => !file.endsWith('.mjs') })
  const args = ['install', '--ignore-scripts', '--no-audit', '--no-fund', '--prefer-offline']
  const { code, output } = await run('npm', args, { cwd: dir, timeoutMs: 180_000 })
  return code === 0 ? '' : `npm install of the packed packages failed\n${output}`
}

/**
 * @param {Runtime} runtime
 * @param {Place} place
 */
async function onRuntime(runtime, place) {
  const installed = await installRuntime(runtime)
  const title = `${runtime.name} ${runtime.version}`
  if ('problem' in installed) return single([`${title} ${installed.problem}`])
  return await runMain(title, installed.program, runtime.args, runtime.version, place)
}

/** @param {Place} place */
async function onThisNode(place) {
  const version = process.versions.node
  return await runMain(`Node ${version}`, process.execPath, [], version, place)
}

/**
 * @param {string} title
 * @param {string} program
 * @param {readonly string[]} args
 * @param {string} version
 * @param {Place} place
 * @returns {Promise<StepResult>}
 */
async function runMain(title, program, args, version, { dir, control }) {
  mkdirSync(cache, { recursive: true })
  const { code, output } = await run(program, [...args, join('suite', 'main.js'), control], {
    cwd: dir,
    env: { DENO_DIR: join(dir, '.deno'), DENO_NO_UPDATE_CHECK: '1' },
    timeoutMs: 180_000,
  })
  const endedAt = Date.now()
  const line = output.split('\n').find((text) => text.startsWith('{"version"'))
  if (line === undefined) return single([`${title}: the suite did not run\n${output.trimEnd()}`])
  /** @type {Outcome & { version: string, lastAt: number }} */
  const outcome = JSON.parse(line)
  const lateMs = endedAt - outcome.lastAt
  return sum([
    countCases(title, outcome),
    single(outcome.version === version ? [] : [`${title}: it is ${outcome.version} that ran`]),
    single(code === 0 ? [] : [`${title}: ended with ${code}\n${output.trimEnd()}`]),
    single(lateMs < endMs ? [] : [`${title}: something kept the process alive for ${lateMs} ms`]),
  ])
}

/**
 * @param {Place} place
 * @returns {Promise<StepResult>}
 */
async function onWorkerd({ dir, control }) {
  const installed = await installRuntime(workerd)
  if ('problem' in installed) return single([`workerd ${workerd.version} ${installed.problem}`])
  /** @type {StepResult[]} */
  const results = []
  for (const { name, entry, flags, sharesCalls } of workers) {
    const title = name.replace('workerd', `workerd ${workerd.version}`)
    const worker = await startWorker({
      ...installed,
      args: workerd.args,
      entry: join(dir, 'suite', entry),
      flags,
      target: join(dir, '.workerd'),
    })
    try {
      if (worker.url === '') throw new Error('it did not start')
      const response = await fetch(`${worker.url}/?control=${encodeURIComponent(control)}`)
      results.push(countCases(title, /** @type {Outcome} */ (await response.json())))
      if (sharesCalls) results.push(await checkSharedCalls(worker.url, control))
    } catch (error) {
      results.push(single([`${title}: ${String(error)}\n${worker.output().trimEnd()}`]))
    } finally {
      worker.stop()
    }
  }
  return sum(results)
}

/**
 * @param {string} title
 * @param {Outcome} outcome
 * @returns {StepResult}
 */
function countCases(title, { passed, failures, ms }) {
  const notes = failures.map(({ name, reason }) => `${title}: ${name}: ${reason}`)
  const seconds = (ms / 1000).toFixed(1)
  return {
    passed,
    failed: failures.length,
    notes: [...notes, `${title}: ${passed} of ${passed + failures.length} cases in ${seconds} s`],
  }
}

/** @returns {StepResult[]} */
function notHere() {
  const here = `${process.platform} ${process.arch}`
  return [...runtimes, workerd].map(({ name, version }) => ({
    passed: 0,
    failed: 0,
    skipped: 1,
    notes: [`${name} ${version}: skipped, its programs are looked up for linux x64 and this is ${here}`],
  }))
}
