import { posix } from 'node:path'

/**
 * Exported names of a package that carry no JSDoc, as `name (file)`, read from its packed declarations.
 * @param {ReadonlyMap<string, { toString(): string }>} files
 * @param {string} [entry]
 * @returns {string[]}
 */
export function undocumented(files, entry = 'dist/index.d.ts') {
  const index = files.get(entry)?.toString() ?? ''
  /** @type {string[]} */
  const missing = []
  for (const [, names = '', from = ''] of index.matchAll(
    /^export (?:type )?\{([^}]*)\} from ['"](\.[^'"]+)['"]/gm,
  )) {
    const path = posix.join(posix.dirname(entry), from).replace(/\.(ts|js)$/, '.d.ts')
    const module = files.get(path)?.toString() ?? ''
    for (const name of names.split(',').map(localName)) {
      if (name !== '' && isBare(module, name)) missing.push(`${name} (${path})`)
    }
  }
  return missing
}

/**
 * The name in its own module: `a` of `type a as b`.
 * @param {string} item
 */
function localName(item) {
  return (
    item
      .trim()
      .replace(/^type\s+/, '')
      .split(/\s+as\s+/)[0] ?? ''
  )
}

/**
 * Whether the first declaration of a name has no comment before it. Names declared elsewhere are not ours.
 * @param {string} module
 * @param {string} name
 */
function isBare(module, name) {
  const kinds = 'function|const|let|class|abstract class|interface|type|enum|namespace'
  const start = new RegExp(`^export (?:declare )?(?:${kinds}) ${name.replaceAll('$', '\\$')}\\b`, 'm').exec(
    module,
  )
  return start !== null && !module.slice(0, start.index).trimEnd().endsWith('*/')
}
