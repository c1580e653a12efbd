import { builtinModules } from 'node:module'
import { posix } from 'node:path'

/**
 * The module specifiers of a JavaScript or declaration file, comments left out.
 * @param {string} code
 * @returns {string[]}
 */
export function specifiers(code) {
  const source = code.replaceAll(/^\s*(\*|\/\/).*$/gm, '')
  const found = [
    ...source.matchAll(/^\s*(?:import|export)\b[^'"`;()=]*?\bfrom\s*['"]([^'"]+)['"]/gm),
    ...source.matchAll(/^\s*import\s*['"]([^'"]+)['"]/gm),
    ...source.matchAll(/\bimport\(\s*['"]([^'"]+)['"]\s*\)/g),
  ]
  return [...new Set(found.map((match) => /** @type {string} */ (match[1])))]
}

/**
 * The package that a specifier names, or undefined for a file or a module of Node.
 * @param {string} specifier
 */
export function packageOf(specifier) {
  if (/^[./]|^node:/.test(specifier) || builtinModules.includes(specifier)) return undefined
  return specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/')
}

/**
 * Imports of a packed package that fail for its users: of packages that it does not declare, and of files
 * that it does not hold.
 * @param {ReadonlyMap<string, { toString(): string }>} files
 * @param {import('./workspace.mjs').Manifest} manifest
 * @returns {string[]}
 */
export function importProblems(files, manifest) {
  const declared = Object.keys({ ...manifest.dependencies, ...manifest.peerDependencies })
  const known = new Set([...declared, manifest.name])
  /** @type {string[]} */
  const problems = []
  for (const [path, content] of files) {
    if (!/^dist\/.*(\.js|\.d\.ts)$/.test(path)) continue
    for (const specifier of specifiers(content.toString())) {
      const name = packageOf(specifier)
      if (name !== undefined && !known.has(name)) {
        problems.push(`${path} imports ${name}, which is no dependency`)
      }
      if (!specifier.startsWith('.')) continue
      const target = posix.join(posix.dirname(path), specifier)
      // Declarations keep the `.ts` of the source; TypeScript finds the `.d.ts` beside it.
      const candidates = [target, target.replace(/\.(ts|js)$/, '.d.ts')]
      if (!candidates.some((file) => files.has(file))) problems.push(`${path} imports ${target}: not packed`)
    }
  }
  return problems
}
