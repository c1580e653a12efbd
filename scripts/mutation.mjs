/**
 * Mutation testing: `npm run test:mutation`, or of some packages: `npm run test:mutation -- core timeout`.
 * Stryker changes one thing in the sources at a time and runs the tests that reach it; one that all of them
 * survive is a thing that no test minds. Ten minutes to an hour a package: never part of `npm test`. docs/mutation.md
 * has the scores, and says which survivors are right to survive.
 */
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { setPriority } from 'node:os'
import { join } from 'node:path'
import { childEnv, run } from './lib/exec.mjs'
import { install } from './lib/install.mjs'
import { readJson, root } from './lib/workspace.mjs'
import { packages, strykerConfig } from './mutation/config.mjs'
import { scoreOf, table } from './mutation/scores.mjs'

/** The last that runs on Node 20. Not in the lockfile: a clone that does not use it pays nothing for it. */
const version = '9.6.1'
const tools = join(root, 'node_modules', '.cache', 'mutation')
const results = join(root, '.results', 'mutation')
/** Below it a package fails, in percent. */
const threshold = 85

const args = process.argv.slice(2)
const names = args.filter((argument) => !argument.startsWith('-'))
const flags = args.filter((argument) => argument.startsWith('-'))
const unknown = names.filter((name) => !packages.includes(name))

process.exitCode = unknown.length > 0 ? usage() : await main()

async function main() {
  for (const prepare of [install, installStryker]) {
    const { code, output } = await prepare()
    if (code !== 0) {
      console.error(output.trimEnd())
      return code
    }
  }
  // It takes all cores for long: whatever else runs goes first.
  setPriority(15)
  const rows = (names.length > 0 ? names : packages).map(mutate)
  console.log(`\n${table(rows)}`)
  return rows.every(({ score }) => score >= threshold) ? 0 : 1
}

/**
 * @param {string} folder
 * @returns {import('./mutation/scores.mjs').Row}
 */
function mutate(folder) {
  console.log(`\n== ${folder}`)
  const startedAt = Date.now()
  const config = join(results, `${folder}.json`)
  const report = join(results, `${folder}.report.json`)
  mkdirSync(results, { recursive: true })
  rmSync(report, { force: true })
  writeFileSync(config, JSON.stringify(strykerConfig(folder, { root, tools, results, report })))
  const stryker = join(tools, 'node_modules', '@stryker-mutator', 'core', 'bin', 'stryker.js')
  // What an earlier run has found is taken over where neither source nor tests have changed; `--force` tries all again.
  spawnSync(process.execPath, [stryker, 'run', config, ...flags], {
    cwd: root,
    env: childEnv(),
    stdio: 'inherit',
  })
  const seconds = Math.round((Date.now() - startedAt) / 1000)
  /** @type {{ mutants: { status: string }[] }[]} */
  const files = existsSync(report) ? Object.values(readJson(report).files) : []
  return { folder, ...scoreOf(files.flatMap(({ mutants }) => mutants)), seconds }
}

/** @returns {Promise<{ code: number, output: string }>} */
async function installStryker() {
  const manifest = join(tools, 'node_modules', '@stryker-mutator', 'vitest-runner', 'package.json')
  if (existsSync(manifest) && readJson(manifest).version === version) return { code: 0, output: '' }
  console.log(`Installing Stryker ${version} in node_modules/.cache/mutation`)
  mkdirSync(tools, { recursive: true })
  writeFileSync(join(tools, 'package.json'), '{ "private": true }\n')
  const wanted = ['core', 'vitest-runner'].map((name) => `@stryker-mutator/${name}@${version}`)
  // Its peer is the vitest of this repository.
  return run('npm', ['install', '--no-save', '--no-audit', '--no-fund', '--legacy-peer-deps', ...wanted], {
    cwd: tools,
  })
}

function usage() {
  console.error(
    `There is no ${unknown.join(', ')}. Usage: npm run test:mutation -- [${packages.join('|')}] [--force]`,
  )
  return 2
}
