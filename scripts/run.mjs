/** `node scripts/run.mjs <name> [arguments]`: installs and builds what is missing, then runs it. */
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { build } from './lib/build.mjs'
import { install } from './lib/install.mjs'
import { root } from './lib/workspace.mjs'

/** @type {Record<string, string | undefined>} */
const entries = {
  build: undefined,
  demo: 'examples/dist/demo.js',
  service: 'examples/dist/service/main.js',
  bench: 'packages/lab/dist/bench.js',
  backoff: 'packages/lab/dist/backoff.js',
  leaks: 'packages/lab/dist/leaks.js',
  orders: 'packages/lab/dist/orders.js',
  fuzz: 'packages/lab/dist/fuzz.js',
  storm: 'packages/lab/dist/storm.js',
}
const usageText = `usage: node scripts/run.mjs <${Object.keys(entries).join('|')}> [arguments]`
const [name = '', ...args] = process.argv.slice(2)

process.exitCode = Object.hasOwn(entries, name) ? await main(entries[name]) : usage()

/** @param {string | undefined} entry */
async function main(entry) {
  for (const prepare of [install, build]) {
    const { code, output } = await prepare()
    if (code !== 0) {
      console.error(output.trimEnd())
      return code
    }
  }
  if (entry === undefined) return 0
  if (!existsSync(join(root, entry))) {
    console.error(`${entry} does not exist: its source is missing`)
    return 1
  }
  const { status } = spawnSync(process.execPath, [join(root, entry), ...args], {
    cwd: root,
    stdio: 'inherit',
  })
  return status ?? 1
}

function usage() {
  console.error(usageText)
  return 2
}
