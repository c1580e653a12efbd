import { existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { run } from '../lib/exec.mjs'
import { root } from '../lib/workspace.mjs'
import { runtimes, workerd } from './list.mjs'

/** @typedef {import('./list.mjs').Runtime} Runtime */

export const cache = join(root, 'node_modules', '.cache', 'breakwater-runtimes')
const done = '.installed'
/** Without a network npm would try for a minute, for each. */
const patience = ['--fetch-retries=1', '--fetch-retry-mintimeout=2000']
const npmArgs = ['--ignore-scripts', '--no-audit', '--no-fund', '--no-package-lock', ...patience]

/** @param {Runtime} runtime */
const folderOf = ({ name, version }) => `${name.toLowerCase()}-${version}`

/**
 * Installs a runtime from npm, in the registry that npm is configured for, unless an earlier run did.
 * @param {Runtime} runtime
 * @returns {Promise<{ dir: string, program: string } | { problem: string }>}
 */
export async function installRuntime(runtime) {
  const dir = join(cache, folderOf(runtime))
  const program = join(dir, 'node_modules', runtime.program)
  if (existsSync(join(dir, done))) return { dir, program }

  rmSync(dir, { recursive: true, force: true })
  mkdirSync(dir, { recursive: true })
  writeFileSync(join(dir, 'package.json'), JSON.stringify({ private: true, dependencies: runtime.packages }))
  const { code, output } = await run('npm', ['install', ...npmArgs], { cwd: dir, timeoutMs: 300_000 })
  if (code !== 0) return { problem: `could not be installed from npm\n${output.trimEnd()}` }
  if (!existsSync(program)) return { problem: `the package has no ${runtime.program}` }
  writeFileSync(join(dir, done), '')
  return { dir, program }
}

/** Removes runtimes of versions that are no longer tested. */
export function tidyCache() {
  if (!existsSync(cache)) return
  const kept = new Set([...runtimes, workerd].map(folderOf))
  for (const name of readdirSync(cache)) {
    if (!kept.has(name)) rmSync(join(cache, name), { recursive: true, force: true })
  }
}
