import { existsSync, readFileSync, readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { run } from '../lib/exec.mjs'
import { counts, countVitest, sum } from '../lib/results.mjs'
import { readJson, root, workspaces } from '../lib/workspace.mjs'

/** @typedef {import('../lib/results.mjs').StepResult} StepResult */

/**
 * The tests of every package, through turbo. One package at a time: vitest already spreads the files of one
 * over the cores, and tests that measure time must not compete.
 * @returns {Promise<StepResult>}
 */
export async function runTests() {
  const tested = workspaces().filter(({ manifest }) => manifest.scripts?.['test'] !== undefined)
  const runs = join(root, '.turbo', 'runs')
  // Nothing of an earlier run may be counted. What turbo then restores is the result of these very inputs.
  rmSync(runs, { recursive: true, force: true })
  for (const { dir } of tested) rmSync(join(dir, '.results'), { recursive: true, force: true })

  const args = [
    'run',
    'test',
    '--continue=always',
    '--concurrency=1',
    '--output-logs=errors-only',
    '--summarize',
  ]
  const { code, output } = await run('turbo', process.env['CI'] ? [...args, '--force'] : args)

  const results = tested.map(({ dir, manifest }) => {
    const task = turboTask(runs, manifest.name)
    const result = countVitest(report(dir), task?.execution?.exitCode ?? 1)
    const cached = task?.cache?.status === 'HIT' ? ' (cached)' : ''
    return { ...result, notes: [`${manifest.name}: ${counts(result)}${cached}`] }
  })
  const total = sum(results)
  // turbo may fail as a whole, without a package that did.
  if (code !== 0 && total.failed === 0) total.failed = 1
  if (total.failed > 0) total.notes.unshift(output.trimEnd(), '')
  return total
}

/**
 * The tests of the scripts themselves.
 * @returns {Promise<StepResult>}
 */
export async function testScripts() {
  rmSync(join(root, '.results', 'vitest.json'), { force: true })
  const { code, output } = await run('vitest', ['run', '--root', '.'])
  const result = countVitest(report(root), code)
  return result.failed > 0 ? { ...result, notes: [output.trimEnd()] } : result
}

/**
 * The report that vitest wrote in a folder, if it did and it is whole.
 * @param {string} dir
 * @returns {import('../lib/results.mjs').VitestReport | undefined}
 */
function report(dir) {
  try {
    return JSON.parse(readFileSync(join(dir, '.results', 'vitest.json'), 'utf8'))
  } catch {
    return undefined
  }
}

/**
 * What turbo's summary says about the test task of a package.
 * @param {string} runs
 * @param {string} name
 * @returns {{ cache?: { status?: string }, execution?: { exitCode?: number } } | undefined}
 */
function turboTask(runs, name) {
  const [file] = existsSync(runs) ? readdirSync(runs) : []
  if (file === undefined) return undefined
  return readJson(join(runs, file)).tasks.find((/** @type {any} */ task) => task.taskId === `${name}#test`)
}
