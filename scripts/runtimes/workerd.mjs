import { spawn } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { basename, join } from 'node:path'
import { childEnv } from '../lib/exec.mjs'

/**
 * Bundles a worker as Cloudflare's own tool does: one module, and what is `require`d of Node becomes an import.
 * @param {string} dir Where esbuild is installed.
 * @param {string} entry
 * @param {string} outfile
 * @returns {Promise<string>} What went wrong, or nothing.
 */
async function bundle(dir, entry, outfile) {
  const esbuild = createRequire(join(dir, 'package.json'))('esbuild')
  const isOfNode = /^(node:)?(async_hooks|buffer|crypto|events|fs|path|process|stream|util)$/
  const nodeModules = {
    name: 'node-modules',
    setup(/** @type {any} */ build) {
      build.onResolve(
        { filter: isOfNode },
        (/** @type {{ path: string, kind: string }} */ { path, kind }) => {
          const name = path.replace(/^node:/, '')
          return kind === 'require-call'
            ? { path: name, namespace: 'required' }
            : { path: `node:${name}`, external: true }
        },
      )
      build.onLoad({ filter: /./, namespace: 'required' }, (/** @type {{ path: string }} */ { path }) => ({
        contents: `import value from 'node:${path}'; module.exports = value`,
      }))
    },
  }
  try {
    await esbuild.build({
      entryPoints: [entry],
      outfile,
      bundle: true,
      format: 'esm',
      target: 'es2024',
      conditions: ['workerd', 'worker', 'browser'],
      logLevel: 'silent',
      plugins: [nodeModules],
    })
    return ''
  } catch (error) {
    return String(error)
  }
}

/**
 * Starts a worker that listens on loopback, and may connect to loopback only.
 * @param {object} parts
 * @param {string} parts.dir Where workerd and esbuild are installed.
 * @param {string} parts.program
 * @param {readonly string[]} parts.args
 * @param {string} parts.entry
 * @param {readonly string[]} parts.flags Compatibility flags.
 * @param {string} parts.target A folder for what is generated.
 * @returns {Promise<{ url: string, output: () => string, stop: () => void }>} No `url` where it did not start.
 */
export async function startWorker({ dir, program, args, entry, flags, target }) {
  const name = basename(entry, '.js')
  mkdirSync(target, { recursive: true })
  const problem = await bundle(dir, entry, join(target, `${name}.bundle.js`))
  if (problem !== '') return { url: '', output: () => problem, stop: () => {} }
  writeFileSync(join(target, `${name}.capnp`), configOf(`${name}.bundle.js`, flags))
  const child = spawn(program, [...args, `${name}.capnp`, '--control-fd=3'], {
    cwd: target,
    env: childEnv(),
    stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
  })
  const stop = () => void child.kill('SIGKILL')
  process.on('exit', stop)
  let output = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding('utf8').on('data', (text) => {
      output += text
    })
  }
  const url = await new Promise((resolve) => {
    const timer = setTimeout(() => resolve(''), 20_000)
    const give = (/** @type {string} */ found) => {
      clearTimeout(timer)
      resolve(found)
    }
    child.on('error', (error) => {
      output += error.message
      give('')
    })
    child.on('exit', () => give(''))
    let told = ''
    child.stdio[3]?.on('data', (data) => {
      told += data
      const port = /"socket":"http","port":(\d+)/.exec(told)?.[1]
      if (port !== undefined) give(`http://127.0.0.1:${port}`)
    })
  })
  return { url, output: () => output, stop }
}

/**
 * @param {string} file
 * @param {readonly string[]} flags
 */
function configOf(file, flags) {
  return `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [
    (name = "main", worker = .worker),
    (name = "loopback", network = (allow = ["local"])),
  ],
  sockets = [(name = "http", address = "127.0.0.1:0", http = (), service = "main")],
);
const worker :Workerd.Worker = (
  modules = [(name = "worker", esModule = embed "${file}")],
  compatibilityDate = "2026-11-01",
  compatibilityFlags = [${flags.map((flag) => `"${flag}"`).join(', ')}],
  globalOutbound = "loopback",
);
`
}
