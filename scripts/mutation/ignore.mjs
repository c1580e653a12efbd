/**
 * What Stryker does not mutate, each with the reason that its report gives.
 *
 * @typedef {object} Path A place in the syntax tree, as far as it is looked at here (Babel's `NodePath`).
 * @property {any} node
 * @property {Path | null} parentPath
 */

/** A literal with this many entries is a table. */
const tableEntries = 20

/** Whose arguments are words: errors, the logger, and the checks of options. */
const speakers = /(?:Error|^super|^(?:debug|info|warn|error)|^assertOption)$/
/** Properties and variables that hold words. */
const wordFields = /^(?:hint|message|texts)$/

/**
 * @param {Path} path
 * @returns {string | undefined}
 */
export function shouldIgnore(path) {
  const { node } = path
  if (node.type === 'ObjectExpression' && node.properties.length >= tableEntries) {
    return 'A table of data: docs/errors.md repeats it, and a test compares the two.'
  }
  if (isWords(node) && isSpoken(path)) return 'Words for people: their wording is free.'
  return undefined
}

/** A text with a space in it: not the name of an option, a header or a code. @param {any} node */
function isWords(node) {
  if (node.type === 'StringLiteral') return node.value.trim().includes(' ')
  if (node.type !== 'TemplateLiteral') return false
  return node.quasis.some((/** @type {any} */ quasi) => quasi.value.raw.trim().includes(' '))
}

/** @param {Path} path */
function isSpoken(path) {
  let above = path.parentPath
  // Texts are put together of several.
  while (above !== null && /^(?:Binary|Conditional|Logical|ArrowFunction)Expression$/.test(above.node.type)) {
    above = above.parentPath
  }
  const node = above?.node
  if (node === undefined) return false
  if (/^(?:(?:Optional)?Call|New)Expression$/.test(node.type)) return speakers.test(nameOf(node.callee))
  if (node.type !== 'ObjectProperty')
    return node.type === 'VariableDeclarator' && wordFields.test(node.id.name)
  const holder = above?.parentPath?.parentPath?.node
  return wordFields.test(nameOf(node.key)) || wordFields.test(holder?.id?.name ?? '')
}

/**
 * @param {any} node
 * @returns {string}
 */
function nameOf(node) {
  if (node.type === 'Super') return 'super'
  return node.type === 'MemberExpression' ? nameOf(node.property) : (node.name ?? '')
}

/** How Stryker finds it. */
export const strykerPlugins = [{ kind: 'Ignore', name: 'words-and-tables', value: { shouldIgnore } }]
