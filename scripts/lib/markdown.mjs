/**
 * @typedef {object} Block A fenced code block.
 * @property {string} lang First word of the info string.
 * @property {string} meta The rest of it.
 * @property {number} line Line of the first line of code, from 1.
 * @property {string} code
 */

/**
 * The fenced code blocks of a Markdown text. The indent of a fence (in a list) is taken off its code.
 * @param {string} markdown
 * @returns {Block[]}
 */
export function codeBlocks(markdown) {
  return parse(markdown).blocks
}

/**
 * Splits a text into code blocks and prose; a line of code is an empty line of prose.
 * @param {string} markdown
 */
function parse(markdown) {
  /** @type {Block[]} */
  const blocks = []
  /** @type {string[]} */
  const prose = []
  /** @type {{ block: Block, fence: string, indent: number, code: string[] } | undefined} */
  let open
  for (const [index, line] of markdown.split(/\r?\n/).entries()) {
    const [, space = '', fence = '', info = ''] = /^(\s*)(`{3,}|~{3,})\s*(.*)$/.exec(line) ?? []
    if (open === undefined && fence !== '') {
      const [, lang = '', meta = ''] = /^(\S*)\s*(.*)$/.exec(info.trim()) ?? []
      open = { block: { lang, meta, line: index + 2, code: '' }, fence, indent: space.length, code: [] }
    } else if (open !== undefined && fence.startsWith(open.fence) && info === '') {
      blocks.push({ ...open.block, code: open.code.join('\n') })
      open = undefined
    } else if (open !== undefined) {
      open.code.push(line.slice(Math.min(open.indent, line.length - line.trimStart().length)))
    } else {
      prose.push(line)
      continue
    }
    prose.push('')
  }
  if (open !== undefined) blocks.push({ ...open.block, code: open.code.join('\n') })
  return { blocks, prose }
}

/**
 * The anchors of a text, by the rules of GitHub: its headings, and `id` or `name` in HTML.
 * @param {string} markdown
 * @returns {Set<string>}
 */
export function anchors(markdown) {
  /** @type {Set<string>} */
  const found = new Set()
  for (const line of parse(markdown).prose) {
    for (const [, id = ''] of line.matchAll(/<\w+[^>]*\s(?:id|name)="([^"]+)"/g)) found.add(id)
    const heading = /^ {0,3}#{1,6}\s+(.*?)\s*#*\s*$/.exec(line)?.[1]
    if (heading === undefined) continue
    const slug = slugOf(heading)
    let unique = slug
    for (let count = 1; found.has(unique); count++) unique = `${slug}-${count}`
    found.add(unique)
  }
  return found
}

/** @param {string} heading */
function slugOf(heading) {
  return heading
    .replaceAll(/!?\[([^\]]*)\]\([^)]*\)/g, '$1')
    .replaceAll(/<[^>]+>/g, '')
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}\p{M}\s_-]/gu, '')
    .trim()
    .replaceAll(/\s/g, '-')
}

/**
 * The targets of links and images, with their lines; those of code are left out.
 * @param {string} markdown
 * @returns {{ target: string, line: number }[]}
 */
export function links(markdown) {
  return parse(markdown).prose.flatMap((text, index) => {
    const line = text.replaceAll(/(`+)[^`].*?\1/g, (code) => ' '.repeat(code.length))
    const found = [
      ...line.matchAll(/\]\(\s*<?([^)\s>]+)>?(?:\s+["'][^)]*)?\)/g),
      ...line.matchAll(/^\s{0,3}\[[^\]]+\]:\s*<?([^\s>]+)/g),
      ...line.matchAll(/<(?:a|img)\b[^>]*\s(?:href|src)="([^"]+)"/g),
    ]
    return found.map((match) => ({ target: match[1] ?? '', line: index + 1 }))
  })
}

/**
 * Links to files and anchors that do not exist. Links to other sites are not followed.
 * @param {string} path Of the Markdown file, from the root, with `/`.
 * @param {string} markdown
 * @param {(path: string) => { text?: string } | undefined} lookUp A file or folder of the repository.
 * @returns {string[]}
 */
export function brokenLinks(path, markdown, lookUp) {
  return links(markdown).flatMap(({ target, line }) => {
    if (/^([a-z][a-z\d+.-]*:|\/\/)/i.test(target)) return []
    const [file = '', anchor = ''] = target.split('#', 2).map((part) => decodeURIComponent(part))
    const base = file.startsWith('/') ? 'root:/' : `root:/${path}`
    const full = decodeURIComponent(new URL(file.replace(/^\//, '') || base, base).pathname).replace(
      /^\//,
      '',
    )
    const found = file === '' ? { text: markdown } : lookUp(full)
    if (found === undefined) return [`${path}:${line} link to ${target}: no such file`]
    if (anchor === '' || (found.text === undefined && /^L\d+/.test(anchor))) return []
    if (found.text === undefined || !anchors(found.text).has(anchor)) {
      return [`${path}:${line} link to ${target}: no such anchor`]
    }
    return []
  })
}
