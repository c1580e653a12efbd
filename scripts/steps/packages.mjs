import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { mapLimit, run } from '../lib/exec.mjs'
import { fileProblems, manifestProblems } from '../lib/house.mjs'
import { importProblems } from '../lib/imports.mjs'
import { undocumented } from '../lib/jsdoc.mjs'
import { counts, single, sum } from '../lib/results.mjs'
import { root, workspaces } from '../lib/workspace.mjs'

/**
 * @typedef {import('../lib/results.mjs').StepResult} StepResult
 * @typedef {import('../lib/pack.mjs').Packed} Packed
 */

/**
 * Checks what users will get: the tarballs. Four checks per package (contents, house style, publint, attw), and
 * one for the project references.
 * @param {readonly Packed[]} packages
 * @returns {Promise<StepResult>}
 */
export async function checkPackages(packages) {
  const results = await mapLimit(packages, 2, checkPackage)
  return sum([single(referenceProblems()), ...results])
}

/**
 * @param {Packed} packed
 * @returns {Promise<StepResult>}
 */
async function checkPackage({ workspace, tarball, files, error }) {
  const { folder, manifest, path } = workspace
  if (tarball === '') return single([`${path}: ${error}`])
  const documented = undocumented(files).map((name) => `${name} has no JSDoc`)
  const result = sum([
    single([...fileProblems(files), ...importProblems(files, manifest)]),
    single([...manifestProblems(folder, manifest), ...documented]),
    await lint('publint', ['run', tarball, '--strict']),
    await lint('attw', [tarball, '--profile', 'esm-only', '--no-emoji', '--format', 'ascii']),
  ])
  const problems = result.notes.map((note) => `${path}: ${note}`)
  return { ...result, notes: [...problems, `${manifest.name}: ${counts(result)}`] }
}

/**
 * @param {string} command
 * @param {readonly string[]} args
 * @returns {Promise<StepResult>}
 */
async function lint(command, args) {
  const { code, output } = await run(command, args, { timeoutMs: 120_000 })
  return single(code === 0 ? [] : [`${command}\n${output.trimEnd()}`])
}

/**
 * Projects that `tsc -b` would not build: missing from the root tsconfig.json.
 * @returns {string[]}
 */
function referenceProblems() {
  const config = readFileSync(join(root, 'tsconfig.json'), 'utf8')
  const missing = workspaces().filter(({ path }) => !config.includes(`"${path}"`))
  return missing.map(({ path }) => `tsconfig.json: no reference to ${path}`)
}
