import { existsSync, mkdirSync, readdirSync, symlinkSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { workspaces } from './workspace.mjs'

/**
 * Fills a `node_modules` with links to every package of the workspace and to everything that any of them
 * depends on: pnpm gives each package only its own.
 * @param {string} target
 */
export function linkEverything(target) {
  for (const { dir, manifest } of workspaces()) {
    link(dir, manifest.name)
    for (const name of installedIn(join(dir, 'node_modules'))) link(join(dir, 'node_modules', name), name)
  }

  /**
   * @param {string} from
   * @param {string} name
   */
  function link(from, name) {
    const to = join(target, name)
    if (existsSync(to)) return
    mkdirSync(dirname(to), { recursive: true })
    symlinkSync(from, to, 'junction')
  }
}

/**
 * The names of the packages in a node_modules.
 * @param {string} dir
 * @returns {string[]}
 */
export function installedIn(dir) {
  if (!existsSync(dir)) return []
  return readdirSync(dir)
    .filter((name) => !name.startsWith('.'))
    .flatMap((name) =>
      name.startsWith('@') ? readdirSync(join(dir, name)).map((own) => `${name}/${own}`) : [name],
    )
}
