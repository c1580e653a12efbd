import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { mapLimit, run } from '../lib/exec.mjs'
import { single, sum } from '../lib/results.mjs'
import { root } from '../lib/workspace.mjs'

/** @typedef {import('../lib/results.mjs').StepResult} StepResult */

/**
 * Where the programs are, and how many of each run at once: the demo measures time. What stands in folders below them only
 * helps.
 */
const folders = [
  { folder: '', atOnce: 1 },
  { folder: 'clients', atOnce: 2 },
]

/**
 * What a program is to play, each in a run of its own. The live storm of the demo is played by the step that looks at its page.
 * @type {Readonly<Record<string, readonly string[]>>}
 */
const scenes = { 'demo.js': ['failures', 'primary-down', 'streams'] }

/**
 * Runs every example, the demo and the clients included: each starts a fake API of its own and has to end by itself, with 0.
 * @returns {Promise<StepResult>}
 */
export async function runExamples() {
  const dist = join(root, 'examples', 'dist')
  /** @type {StepResult[]} */
  const results = []
  for (const { folder, atOnce } of folders) {
    const files = programs(join(dist, folder)).map((name) => join(folder, name))
    const runs = files.flatMap((file) => (scenes[file] ?? ['']).map((scene) => ({ file, scene })))
    results.push(...(await mapLimit(runs, atOnce, ({ file, scene }) => runExample(dist, file, scene))))
    if (files.length === 0) results.push(single([`examples/${folder} has no programs`]))
  }
  return sum(results)
}

/** @param {string} dir */
function programs(dir) {
  return existsSync(dir) ? readdirSync(dir).filter((name) => name.endsWith('.js')) : []
}

/**
 * @param {string} dir
 * @param {string} file
 * @param {string} scene
 * @returns {Promise<StepResult>}
 */
async function runExample(dir, file, scene) {
  const args = scene === '' ? [] : [scene]
  const { code, output } = await run('node', [join(dir, file), ...args], { timeoutMs: 60_000 })
  return single(
    code === 0 ? [] : [`examples/${[file, ...args].join(' ')} ended with ${code}`, output.trimEnd()],
  )
}
