import { spawn } from 'node:child_process'
import { delimiter, join } from 'node:path'
import { root } from './workspace.mjs'

/**
 * @typedef {object} RunOptions
 * @property {string} [cwd] Working directory, else the root of the repository.
 * @property {Record<string, string>} [env] Added to the environment.
 * @property {number} [timeoutMs] The command and its children are killed after it: 10 minutes, if not given.
 */

/** @type {Set<import('node:child_process').ChildProcess>} */
const running = new Set()
process.on('exit', () => running.forEach(kill))
for (const signal of /** @type {const} */ (['SIGINT', 'SIGTERM', 'SIGHUP'])) {
  process.on(signal, () => process.exit(1))
}

/**
 * The environment of every child: the tools of the repository first in PATH, no telemetry, no colours, nothing of
 * how npm was called here (`--silent` would hide errors, `npx -c` would run again), and no `ANTHROPIC_*`, so that
 * nothing here can spend a developer's money.
 * @param {NodeJS.ProcessEnv} [from]
 */
export function childEnv(from = process.env) {
  const own = Object.entries(from).filter(
    ([key]) => !/^(ANTHROPIC_|FORCE_COLOR$|npm_config_(loglevel|call|package)$)/i.test(key),
  )
  return {
    ...Object.fromEntries(own),
    PATH: [join(root, 'node_modules', '.bin'), from['PATH'] ?? ''].join(delimiter),
    DO_NOT_TRACK: '1',
    NO_COLOR: '1',
    // Part of turbo's hashes: what passed on one Node has not passed on another.
    NODE_VERSION_IN_USE: process.version,
    TURBO_TELEMETRY_DISABLED: '1',
    TURBO_NO_UPDATE_NOTIFIER: '1',
  }
}

/**
 * Runs a command without stdin and waits for its end. Never rejects: a command that cannot start, or runs
 * for too long, has code 1 and says why in its output.
 * @param {string} command
 * @param {readonly string[]} args
 * @param {RunOptions} [options]
 * @returns {Promise<{ code: number, output: string }>}
 */
export function run(command, args, { cwd = root, env = {}, timeoutMs = 600_000 } = {}) {
  return new Promise((resolve) => {
    // A group of its own, so that a time-out ends what the command started as well.
    const child = spawn(command, args, {
      cwd,
      env: { ...childEnv(), ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
    })
    running.add(child)
    let output = ''
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text) => {
        output += text
      })
    }
    const timer = setTimeout(() => {
      output += `\n${command}: no end after ${timeoutMs / 1000} s, killed\n`
      kill(child)
    }, timeoutMs)
    child.on('error', (error) => finish(1, `${output}${error.message}\n`))
    child.on('close', (code) => finish(code ?? 1, output))

    /**
     * @param {number} code
     * @param {string} text
     */
    function finish(code, text) {
      clearTimeout(timer)
      running.delete(child)
      resolve({ code, output: text })
    }
  })
}

/** @param {import('node:child_process').ChildProcess} child */
function kill(child) {
  try {
    if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL')
  } catch {
    // It is gone already.
  }
}

/**
 * Maps with a few at a time, in order.
 * @template T, R
 * @param {readonly T[]} items
 * @param {number} limit
 * @param {(item: T) => Promise<R>} work
 * @returns {Promise<R[]>}
 */
export async function mapLimit(items, limit, work) {
  /** @type {R[]} */
  const results = []
  const queue = items.entries()
  const workers = Array.from({ length: limit }, async () => {
    for (const [index, item] of queue) results[index] = await work(item)
  })
  await Promise.all(workers)
  return results
}
