import { spawn } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { childEnv, run } from '../lib/exec.mjs'
import { root } from '../lib/workspace.mjs'

const cache = join(root, 'node_modules', '.cache', 'breakwater-prometheus')

/**
 * The programs of Prometheus: those on the PATH, those that an earlier run has fetched, or Debian's package, which needs
 * no root to be unpacked.
 * @returns {Promise<{ promtool: string, prometheus: string } | { missing: string }>}
 */
export async function findPrometheus() {
  for (const dir of ['', join(cache, 'usr', 'bin')]) {
    const programs = { promtool: join(dir, 'promtool'), prometheus: join(dir, 'prometheus') }
    const versions = await Promise.all(Object.values(programs).map((program) => run(program, ['--version'])))
    if (versions.every(({ code }) => code === 0)) return programs
  }
  const problem = await fetchPackage()
  if (problem !== '') return { missing: problem }
  return {
    promtool: join(cache, 'usr', 'bin', 'promtool'),
    prometheus: join(cache, 'usr', 'bin', 'prometheus'),
  }
}

/** @returns {Promise<string>} What went wrong, or nothing. */
async function fetchPackage() {
  mkdirSync(cache, { recursive: true })
  const download = ['-o', 'APT::Sandbox::User=root', 'download', 'prometheus']
  const { code, output } = await run('apt-get', download, { cwd: cache, timeoutMs: 60_000 })
  const file = readdirSync(cache).find((name) => name.endsWith('.deb'))
  if (code !== 0 || file === undefined)
    return `apt-get download prometheus: ${output.trim().split('\n').at(-1)}`
  const unpacked = await run('dpkg-deb', ['-x', file, '.'], { cwd: cache })
  rmSync(join(cache, file), { force: true })
  if (unpacked.code !== 0) return `dpkg-deb -x: ${unpacked.output.trim()}`
  return existsSync(join(cache, 'usr', 'bin', 'promtool')) ? '' : 'the package has no promtool'
}

/**
 * @typedef {object} Program A program that goes on until it is stopped.
 * @property {string} url Where it listens; empty when it does not.
 * @property {() => string} output
 * @property {() => Promise<number | null>} stop Ends it, and waits for its end.
 */

/**
 * Starts a program and waits until it says where it listens.
 * @param {string} command
 * @param {readonly string[]} args
 * @param {{ ready: RegExp, env?: Record<string, string>, cwd?: string }} options `ready` finds the address.
 * @returns {Promise<Program>}
 */
export function startProgram(command, args, { ready, env = {}, cwd = root }) {
  const child = spawn(command, args, {
    cwd,
    env: { ...childEnv(), ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const kill = () => void child.kill('SIGKILL')
  process.on('exit', kill)
  let text = ''
  /** @type {Promise<number | null>} */
  const ended = new Promise((resolve) => {
    child.on('error', (error) => {
      text += error.message
      resolve(1)
    })
    child.on('close', (code) => resolve(code))
  })
  void ended.then(() => process.off('exit', kill))

  async function stop() {
    child.kill('SIGTERM')
    const timer = setTimeout(kill, 10_000)
    const code = await ended
    clearTimeout(timer)
    return code
  }

  return new Promise((resolve) => {
    const timer = setTimeout(() => give(''), 20_000)
    const give = (/** @type {string} */ url) => {
      clearTimeout(timer)
      resolve({ url, output: () => text, stop })
    }
    void ended.then(() => give(''))
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (data) => {
        text += data
        const address = ready.exec(text)?.[1]
        if (address !== undefined) give(address.startsWith('http') ? address : `http://${address}`)
      })
    }
  })
}
