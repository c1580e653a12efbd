/**
 * A new user in an empty project: installs the packed packages, copies the first `ts` block of each README, compiles
 * it and runs it against the fake API of the packed testkit. On its own: `node scripts/smoke.mjs`, after a build.
 */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { run } from './lib/exec.mjs'
import { startFakeApi } from './lib/fake-api.mjs'
import { codeBlocks } from './lib/markdown.mjs'
import { packAll, tempDir } from './lib/pack.mjs'
import { compile, createProject } from './lib/project.mjs'
import { counts, single, sum } from './lib/results.mjs'
import { root } from './lib/workspace.mjs'

/**
 * @typedef {import('./lib/results.mjs').StepResult} StepResult
 * @typedef {import('./lib/pack.mjs').Packed} Packed
 * @typedef {import('./lib/project.mjs').Usage} Usage
 */

/**
 * @param {readonly Packed[]} packages
 * @returns {Promise<StepResult>}
 */
export async function smoke(packages) {
  const whole = packages.filter(({ tarball }) => tarball !== '')
  const readmes = ['README.md', ...whole.map(({ workspace }) => `${workspace.path}/README.md`)]
  const found = readmes.filter((path) => existsSync(join(root, path))).map(usageOf)
  const usages = found.filter((usage) => usage.code !== '')
  const missing = found
    .filter((usage) => usage.code === '')
    .map(({ path }) => single([`${path}: no usage block`]))
  const dir = tempDir('smoke')

  const setUp = await createProject(dir, whole, usages)
  if (setUp !== '') return sum([...missing, { passed: 0, failed: 1, notes: [setUp] }])
  const compiled = await compile(dir, usages)
  const bins = await runBins(dir, whole)
  const api = await startFakeApi(dir)
  try {
    /** @type {StepResult[]} */
    const runs = []
    for (const usage of usages) {
      const error = compiled.get(usage.name) ?? api.error
      runs.push(
        error ? single([`${usage.path}: usage block\n${error}`]) : await runUsage(dir, usage, api.url),
      )
    }
    return sum([...runs, ...missing, ...bins])
  } finally {
    api.close()
  }
}

/**
 * @param {string} path
 * @returns {Usage}
 */
function usageOf(path) {
  const block = codeBlocks(readFileSync(join(root, path), 'utf8')).find(({ lang }) => lang === 'ts')
  return { name: path.replaceAll(/\W/g, '-'), path, code: block?.meta === '' ? block.code : '' }
}

/**
 * @param {string} dir
 * @param {Usage} usage
 * @param {string} url
 * @returns {Promise<StepResult>}
 */
async function runUsage(dir, { name, path }, url) {
  const env = { ANTHROPIC_BASE_URL: url, ANTHROPIC_API_KEY: 'sk-ant-fake-key-for-the-fake-api' }
  const { code, output } = await run(process.execPath, [join('out', `${name}.js`)], {
    cwd: dir,
    env,
    timeoutMs: 30_000,
  })
  return single(code === 0 ? [] : [`${path}: usage block ended with code ${code}\n${output.trimEnd()}`])
}

/**
 * `--help` of every command that the packages bring.
 * @param {string} dir
 * @param {readonly Packed[]} packages
 * @returns {Promise<StepResult[]>}
 */
async function runBins(dir, packages) {
  /** @type {StepResult[]} */
  const results = []
  for (const { workspace, files } of packages) {
    const { bin = {}, name } = workspace.manifest
    const commands = typeof bin === 'string' ? { [name.replace(/^@.*\//, '')]: bin } : bin
    for (const [command, target] of Object.entries(commands)) {
      // publint reports a file that is missing.
      if (!files.has(target.replace(/^\.\//, ''))) continue
      const file = join(dir, 'node_modules', '.bin', command)
      const { code, output } = await run(file, ['--help'], { cwd: dir, timeoutMs: 20_000 })
      const ok = code === 0 && output.trim() !== ''
      results.push(
        single(ok ? [] : [`${workspace.path}: \`${command} --help\` ended with code ${code}\n${output}`]),
      )
    }
  }
  return results
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const result = await smoke(await packAll())
  for (const note of result.notes ?? []) console.log(note)
  console.log(counts(result))
  process.exitCode = result.failed > 0 || result.passed === 0 ? 1 : 0
}
