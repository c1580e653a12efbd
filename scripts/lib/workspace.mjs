import { existsSync, readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

/**
 * @typedef {object} Manifest
 * @property {string} name
 * @property {string} [version]
 * @property {string} [description]
 * @property {string} [license]
 * @property {string} [type]
 * @property {boolean} [private]
 * @property {boolean} [sideEffects]
 * @property {string[]} [files]
 * @property {Record<string, unknown>} [exports]
 * @property {string | Record<string, string>} [bin]
 * @property {Record<string, string>} [engines]
 * @property {Record<string, string>} [scripts]
 * @property {{ access?: string }} [publishConfig]
 * @property {Record<string, string>} [dependencies]
 * @property {Record<string, string>} [optionalDependencies]
 * @property {Record<string, string>} [devDependencies]
 * @property {Record<string, string>} [peerDependencies]
 * @property {Record<string, { optional?: boolean }>} [peerDependenciesMeta]
 */

/**
 * @typedef {object} Workspace
 * @property {string} folder Name of the folder, `jitter-retry`.
 * @property {string} path Path from the root, `packages/jitter-retry`.
 * @property {string} dir Absolute path.
 * @property {Manifest} manifest
 */

/** The root of the repository. */
export const root = fileURLToPath(new URL('../..', import.meta.url)).replace(/[\\/]$/, '')

/**
 * @param {string} file
 * @returns {any}
 */
export function readJson(file) {
  return JSON.parse(readFileSync(file, 'utf8'))
}

/**
 * Every package of the workspace, the examples last.
 * @returns {Workspace[]}
 */
export function workspaces() {
  const folders = readdirSync(join(root, 'packages')).toSorted()
  return [...folders.map((folder) => `packages/${folder}`), 'examples']
    .filter((path) => existsSync(join(root, path, 'package.json')))
    .map((path) => {
      const dir = join(root, path)
      return {
        folder: path.replace('packages/', ''),
        path,
        dir,
        manifest: readJson(join(dir, 'package.json')),
      }
    })
}

/** The packages that are published. */
export function publicPackages() {
  return workspaces().filter((workspace) => !workspace.manifest.private)
}
