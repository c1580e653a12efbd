import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { run } from './exec.mjs'
import { packageOf, specifiers } from './imports.mjs'
import { readJson, root, workspaces } from './workspace.mjs'

/**
 * @typedef {import('./pack.mjs').Packed} Packed
 * @typedef {object} Usage The usage block of a README.
 * @property {string} name Name of its file in the project.
 * @property {string} path Of the README, from the root.
 * @property {string} code Empty when the README has no block that is checked.
 */

/**
 * Writes and installs the project. What a block imports beside our packages is installed in the version that the
 * workspace tests with.
 * @param {string} dir
 * @param {readonly Packed[]} packages
 * @param {readonly Usage[]} usages
 * @returns {Promise<string>} What went wrong, or nothing.
 */
export async function createProject(dir, packages, usages) {
  const tarballs = packages.map(({ workspace, tarball }) => [workspace.manifest.name, `file:${tarball}`])
  const ours = new Set(tarballs.map(([name]) => name))
  const imported = usages.flatMap(({ code }) => specifiers(code).map(packageOf))
  const others = new Set([
    '@anthropic-ai/sdk',
    'typescript',
    '@types/node',
    ...imported.filter((name) => name !== undefined),
  ])
  const versions = [...others].filter((name) => !ours.has(name)).map((name) => [name, installedVersion(name)])
  const unknown = versions.filter(([, version]) => version === '').map(([name]) => name)
  if (unknown.length > 0) return `usage blocks import what no package here depends on: ${unknown.join(', ')}`

  const manifest = {
    private: true,
    type: 'module',
    dependencies: Object.fromEntries([...tarballs, ...versions]),
  }
  const compilerOptions = {
    module: 'NodeNext',
    target: 'ES2023',
    strict: true,
    types: ['node'],
    rootDir: 'src',
    outDir: 'out',
  }
  mkdirSync(join(dir, 'src'))
  writeFileSync(join(dir, 'package.json'), JSON.stringify(manifest))
  writeFileSync(join(dir, 'tsconfig.json'), JSON.stringify({ compilerOptions, include: ['src'] }))
  for (const { name, code } of usages) writeFileSync(join(dir, 'src', `${name}.ts`), `${code}\nexport {}\n`)
  const { code, output } = await run('npm', ['install', '--no-audit', '--no-fund', '--prefer-offline'], {
    cwd: dir,
    timeoutMs: 180_000,
  })
  return code === 0 ? '' : `npm install of the packed packages failed\n${output}`
}

/**
 * The version of a package that the workspace has installed, or nothing.
 * @param {string} name
 */
function installedVersion(name) {
  const file = [root, ...workspaces().map(({ dir }) => dir)]
    .map((dir) => join(dir, 'node_modules', name, 'package.json'))
    .find((path) => existsSync(path))
  return file === undefined ? '' : String(readJson(file).version)
}

/**
 * Compiles the blocks, as a user would.
 * @param {string} dir
 * @param {readonly Usage[]} usages
 * @returns {Promise<Map<string, string>>} Errors by block.
 */
export async function compile(dir, usages) {
  const { code, output } = await run(join(dir, 'node_modules', '.bin', 'tsc'), ['--pretty', 'false'], {
    cwd: dir,
  })
  const lines = output.split('\n')
  const own = usages.map(({ name }) => {
    const errors = lines.filter((line) => line.startsWith(`src/${name}.ts(`))
    return /** @type {const} */ ([name, errors.join('\n')])
  })
  const known = own.filter(([, errors]) => errors !== '')
  // Errors in the declarations of a package concern every block.
  const everywhere = code !== 0 && known.length === 0
  return new Map(everywhere ? usages.map(({ name }) => [name, output]) : known)
}
