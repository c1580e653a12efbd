import { existsSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { run } from '../lib/exec.mjs'
import { linkEverything } from '../lib/links.mjs'
import { brokenLinks, codeBlocks } from '../lib/markdown.mjs'
import { counts, single, sum } from '../lib/results.mjs'
import { root, workspaces } from '../lib/workspace.mjs'

/**
 * @typedef {import('../lib/results.mjs').StepResult} StepResult
 * @typedef {{ path: string, text: string }} Doc
 */

/**
 * Type-checks every `ts` block of the documentation, and looks up its local links and anchors.
 * @returns {Promise<StepResult>}
 */
export async function checkDocs() {
  const docs = documents().map((path) => ({ path, text: readFileSync(join(root, path), 'utf8') }))
  const blocks = await checkBlocks(docs)
  const linked = sum(docs.map(({ path, text }) => single(brokenLinks(path, text, lookUp))))
  const total = sum([blocks, linked])
  total.notes.push(`code blocks: ${counts(blocks)}`, `files with links: ${counts(linked)}`)
  return total
}

/** The Markdown files that users and contributors read; changelogs are generated. */
function documents() {
  const list = (/** @type {string} */ dir) =>
    existsSync(join(root, dir)) ? readdirSync(join(root, dir), { recursive: true, encoding: 'utf8' }) : []
  const top = readdirSync(root).filter((file) => file.endsWith('.md') && file !== 'CHANGELOG.md')
  const docs = list('docs').filter((file) => file.endsWith('.md'))
  const readmes = workspaces().map(({ path }) => `${path}/README.md`)
  const examples = existsSync(join(root, 'examples'))
    ? readdirSync(join(root, 'examples')).filter((file) => file.endsWith('.md'))
    : []
  const all = [
    ...top,
    ...readmes.filter((file) => existsSync(join(root, file))),
    ...docs.map((file) => `docs/${file.replaceAll('\\', '/')}`),
    ...examples.map((file) => `examples/${file}`),
  ]
  return [...new Set(all)]
}

/**
 * Each block becomes a module of its own, with as many empty lines before it as in the Markdown file, so that
 * the lines of tsc's errors are right. The packages resolve to their built declarations, as they do for a user.
 * @param {readonly Doc[]} docs
 * @returns {Promise<StepResult>}
 */
async function checkBlocks(docs) {
  const dir = join(root, '.results', 'docs')
  rmSync(dir, { recursive: true, force: true })
  linkEverything(join(dir, 'node_modules'))
  writeFileSync(join(dir, 'package.json'), '{ "type": "module" }\n')
  writeFileSync(join(dir, 'tsconfig.json'), JSON.stringify(tsconfig))

  /** @type {string[]} */
  const problems = []
  /** @type {Map<string, { path: string, line: number }>} */
  const modules = new Map()
  let skipped = 0
  let unexplained = 0
  for (const { path, text } of docs) {
    for (const { lang, meta, line, code } of codeBlocks(text)) {
      if (lang !== 'ts' && lang !== 'typescript' && lang !== 'mts') continue
      if (/^no-check: \S/.test(meta)) skipped++
      else if (meta !== '') {
        unexplained++
        problems.push(`${path}:${line - 1} \`ts ${meta}\`: only \`ts no-check: <reason>\` may follow \`ts\``)
      } else {
        const file = `${path.replaceAll(/\W/g, '-')}-${line}.ts`
        modules.set(file, { path, line })
        writeFileSync(join(dir, file), `${'\n'.repeat(line - 1)}${code}\n`)
      }
    }
  }
  const { failed, errors } = modules.size === 0 ? { failed: 0, errors: [] } : await compile(dir, modules)
  return {
    passed: Math.max(0, modules.size - failed),
    failed: failed + unexplained,
    skipped,
    notes: [...problems, ...errors],
  }
}

/**
 * @param {string} dir
 * @param {ReadonlyMap<string, { path: string, line: number }>} modules
 */
async function compile(dir, modules) {
  const { code, output } = await run('tsc', ['-p', '.', '--pretty', 'false'], { cwd: dir })
  /** @type {Set<string>} */
  const bad = new Set()
  const errors = output.split('\n').map((text) => {
    const [, file = '', line, rest] = /^([^\s(]+)\((\d+),\d+\): (.*)$/.exec(text) ?? []
    const module = modules.get(file)
    if (module === undefined) return text
    bad.add(file)
    return `${module.path}:${line} ${rest}`
  })
  // An error that belongs to no block still fails the step.
  const failed = bad.size > 0 || code === 0 ? bad.size : 1
  return { failed, errors: errors.filter((text) => text !== '') }
}

const tsconfig = {
  extends: '../../tsconfig.base.json',
  compilerOptions: {
    noEmit: true,
    composite: false,
    declaration: false,
    declarationMap: false,
    isolatedDeclarations: false,
    customConditions: [],
    moduleDetection: 'force',
    // A block shows one thing; it need not use all that it names.
    noUnusedLocals: false,
    noUnusedParameters: false,
  },
  include: ['*.ts'],
}

/**
 * A file or folder of the repository, for links to it.
 * @param {string} path
 */
function lookUp(path) {
  const full = join(root, path)
  if (!existsSync(full)) return undefined
  return statSync(full).isFile() && path.endsWith('.md') ? { text: readFileSync(full, 'utf8') } : {}
}
