import { createHash } from 'node:crypto'
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { run } from './exec.mjs'
import { readJson, root, workspaces } from './workspace.mjs'

const stamp = join(root, 'node_modules', '.breakwater-install')

/**
 * Installs exactly what the lockfile says, unless that is already there. Needs only npm: pnpm comes through
 * `npx`, in the version that `packageManager` names.
 * @returns {Promise<{ code: number, output: string }>}
 */
export async function install() {
  const wanted = fingerprint()
  if (isInstalled(wanted)) return { code: 0, output: 'in step with pnpm-lock.yaml' }
  rmSync(stamp, { force: true })
  const [command, ...args] = pnpm()
  // CI=true: pnpm must not ask before it replaces a node_modules.
  const result = await run(command, [...args, 'install', '--frozen-lockfile'], { env: { CI: 'true' } })
  if (result.code === 0) writeFileSync(stamp, wanted)
  return result
}

/** Everything that decides what an install puts into node_modules. */
function fingerprint() {
  const hash = createHash('sha256').update(`${process.platform} ${process.arch}`)
  const files = ['pnpm-lock.yaml', 'pnpm-workspace.yaml', '.npmrc', 'package.json']
  for (const file of [...files, ...workspaces().map(({ path }) => `${path}/package.json`)]) {
    const path = join(root, file)
    hash.update(`\0${file}\0`).update(existsSync(path) ? readFileSync(path) : '')
  }
  return hash.digest('hex')
}

/** @param {string} wanted */
function isInstalled(wanted) {
  if (!existsSync(stamp) || readFileSync(stamp, 'utf8') !== wanted) return false
  return workspaces().every(({ dir, manifest }) => {
    const names = Object.keys({ ...manifest.dependencies, ...manifest.devDependencies })
    return names.every((name) => existsSync(join(dir, 'node_modules', name)))
  })
}

/**
 * The command that runs the pinned pnpm.
 * @returns {[string, ...string[]]}
 */
function pnpm() {
  const wanted = readJson(join(root, 'package.json')).packageManager
  const local = join(root, 'node_modules', 'pnpm', 'package.json')
  if (existsSync(local) && `pnpm@${readJson(local).version}` === wanted) return ['pnpm']
  return ['npx', '--yes', wanted]
}
