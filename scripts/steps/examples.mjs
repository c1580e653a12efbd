import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { run } from '../lib/exec.mjs'
import { sum } from '../lib/results.mjs'
import { root } from '../lib/workspace.mjs'

/** @typedef {import('../lib/results.mjs').StepResult} StepResult */

/**
 * Runs every example, the demo included: each starts a fake API of its own and has to end by itself.
 * @returns {Promise<StepResult>}
 */
export async function runExamples() {
  const dir = join(root, 'examples', 'dist')
  const results = []
  for (const file of readdirSync(dir).filter((name) => name.endsWith('.js'))) {
    const { code, output } = await run('node', [join(dir, file)], { timeoutMs: 30_000 })
    results.push(
      code === 0
        ? { passed: 1, failed: 0 }
        : { passed: 0, failed: 1, notes: [`examples/${file} ended with ${code}`, output.trimEnd()] },
    )
  }
  return sum(results)
}
