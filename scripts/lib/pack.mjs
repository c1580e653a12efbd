import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { mapLimit, run } from './exec.mjs'
import { readTar } from './tar.mjs'
import { publicPackages } from './workspace.mjs'

/**
 * @typedef {object} Packed
 * @property {import('./workspace.mjs').Workspace} workspace
 * @property {string} tarball Absolute path; empty when packing failed.
 * @property {Map<string, Buffer>} files Content by path inside the package.
 * @property {string} error What went wrong, or empty.
 */

/**
 * Makes a folder outside the repository that is removed when the process ends.
 * @param {string} name
 */
export function tempDir(name) {
  const dir = mkdtempSync(join(tmpdir(), `breakwater-${name}-`))
  process.on('exit', () => rmSync(dir, { recursive: true, force: true }))
  return dir
}

/**
 * Packs every published package, as a release does: by pnpm, which resolves `workspace:` and `catalog:`.
 * @returns {Promise<Packed[]>}
 */
export async function packAll() {
  const target = tempDir('pack')
  return await mapLimit(publicPackages(), 2, async (workspace) => {
    const folder = join(target, workspace.folder)
    mkdirSync(folder)
    const result = await run('pnpm', ['pack', '--pack-destination', folder], { cwd: workspace.dir })
    const [name] = readdirSync(folder)
    if (result.code !== 0 || name === undefined) {
      return { workspace, tarball: '', files: new Map(), error: `pnpm pack failed\n${result.output}` }
    }
    const tarball = join(folder, name)
    const files = [...readTar(readFileSync(tarball))].map(
      ([path, content]) => /** @type {const} */ ([path.replace(/^package\//, ''), content]),
    )
    return { workspace, tarball, files: new Map(files), error: '' }
  })
}
