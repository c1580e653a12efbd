import { existsSync, readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { run } from './exec.mjs'
import { workspaces } from './workspace.mjs'

/** Type-checks and compiles every project, and type-checks the scripts. */
export async function build() {
  for (const { dir } of workspaces()) tidy(dir)
  const projects = await run('tsc', ['-b', '--pretty', 'false'])
  const scripts = await run('tsc', ['-p', 'scripts', '--pretty', 'false'])
  return { code: projects.code || scripts.code, output: projects.output + scripts.output }
}

/**
 * Mends two things that `tsc -b` leaves wrong: outputs of sources that are gone stay (and would be packed),
 * and outputs that are gone are not written again while the build info stands.
 * @param {string} dir
 */
function tidy(dir) {
  const dist = join(dir, 'dist')
  const source = existsSync(join(dir, 'src')) ? join(dir, 'src') : dir
  const expected = sources(source).map((file) => file.replace(/\.ts$/, ''))
  const outputs = existsSync(dist) ? readdirSync(dist, { recursive: true, encoding: 'utf8' }) : []
  for (const file of outputs.filter((name) => /\.(js|d\.ts)(\.map)?$/.test(name))) {
    if (!expected.includes(file.replace(/\.(js|d\.ts)(\.map)?$/, ''))) rmSync(join(dist, file))
  }
  if (expected.some((file) => !existsSync(join(dist, `${file}.js`)))) {
    rmSync(join(dir, 'tsconfig.tsbuildinfo'), { force: true })
    rmSync(join(dist, 'tsconfig.tsbuildinfo'), { force: true })
  }
}

/**
 * The TypeScript files of a folder, but not those of node_modules or dist.
 * @param {string} dir
 * @returns {string[]}
 */
function sources(dir) {
  return readdirSync(dir, { withFileTypes: true }).flatMap((entry) => {
    if (entry.isDirectory()) {
      if (entry.name === 'node_modules' || entry.name === 'dist') return []
      return sources(join(dir, entry.name)).map((file) => join(entry.name, file))
    }
    return entry.name.endsWith('.ts') && !entry.name.endsWith('.d.ts') ? [entry.name] : []
  })
}
