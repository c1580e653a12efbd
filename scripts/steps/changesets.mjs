import { existsSync, readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { single, sum } from '../lib/results.mjs'
import { publicPackages, root } from '../lib/workspace.mjs'

/**
 * Every changeset names published packages and says something to their users. (`changeset status` compares with
 * a base branch, which a fresh clone may not have.)
 * @returns {Promise<import('../lib/results.mjs').StepResult>}
 */
export async function checkChangesets() {
  const dir = join(root, '.changeset')
  const names = publicPackages().map(({ manifest }) => manifest.name)
  const files = existsSync(dir)
    ? readdirSync(dir).filter((file) => file.endsWith('.md') && file !== 'README.md')
    : []
  return sum(
    files.map((file) => {
      const problems = changesetProblems(readFileSync(join(dir, file), 'utf8'), names)
      return single(problems.map((problem) => `.changeset/${file}: ${problem}`))
    }),
  )
}

/**
 * @param {string} text
 * @param {readonly string[]} names Of the published packages.
 * @returns {string[]}
 */
export function changesetProblems(text, names) {
  const [, head, body = ''] = /^---\r?\n([\s\S]*?)---\r?\n([\s\S]*)$/.exec(text) ?? []
  if (head === undefined) return ['does not begin with a `---` block']
  /** @type {string[]} */
  const problems = []
  for (const line of head.split(/\r?\n/).filter((entry) => entry.trim() !== '')) {
    const [, name, bump = ''] = /^\s*['"]?([^'":\s]+)['"]?\s*:\s*(\S+)\s*$/.exec(line) ?? []
    if (name === undefined) problems.push(`cannot read \`${line}\``)
    else if (!names.includes(name)) problems.push(`${name} is no published package`)
    else if (!['patch', 'minor', 'major'].includes(bump))
      problems.push(`${name}: ${bump} is no kind of release`)
  }
  if (head.trim() !== '' && body.trim() === '') problems.push('has no text for the users')
  return problems
}
