import { describe, expect, it } from 'vitest'
import { anchors, brokenLinks, codeBlocks, links } from './markdown.mjs'

const fence = '```'

describe('codeBlocks', () => {
  it('gives language, meta, first line and code', () => {
    const text = `# A\n\n${fence}ts no-check: half of it\nconst a = 1\n\nconst b = 2\n${fence}\n`
    expect(codeBlocks(text)).toEqual([
      { lang: 'ts', meta: 'no-check: half of it', line: 4, code: 'const a = 1\n\nconst b = 2' },
    ])
  })

  it('takes the indent of a fence off its code', () => {
    const text = `- item\n\n  ${fence}ts\n  if (a) {\n    b()\n\n  }\n  ${fence}\n`
    expect(codeBlocks(text)[0]?.code).toBe('if (a) {\n  b()\n\n}')
  })

  it('keeps a shorter fence inside a longer one, and reads other fences', () => {
    const text = `${fence}${'`'}md\n${fence}ts\nx\n${fence}\n${fence}${'`'}\n~~~ts\ny\n~~~\n`
    expect(codeBlocks(text).map(({ lang }) => lang)).toEqual(['md', 'ts'])
  })

  it('ends a block that nobody closed at the end of the text', () => {
    expect(codeBlocks(`${fence}ts\nconst a = 1`)).toHaveLength(1)
  })
})

describe('anchors', () => {
  it('follows the rules of GitHub', () => {
    const text =
      '# Retry & wait: `maxRetryAfterMs`\n## [Link](x.md) text\n## Twice\n## Twice\n<a id="own"></a>\n'
    expect([...anchors(text)]).toEqual([
      'retry--wait-maxretryafterms',
      'link-text',
      'twice',
      'twice-1',
      'own',
    ])
  })

  it('finds no heading in code', () => {
    expect(anchors(`${fence}sh\n# comment\n${fence}\n`)).toEqual(new Set())
  })
})

describe('links', () => {
  it('finds links, images, references and HTML, not code', () => {
    const text = '[a](a.md "title") ![b](<b.png>) `[no](no.md)`\n[c]: c.md\n<a href="d.md">d</a>\n'
    expect(links(text)).toEqual([
      { target: 'a.md', line: 1 },
      { target: 'b.png', line: 1 },
      { target: 'c.md', line: 2 },
      { target: 'd.md', line: 3 },
    ])
  })
})

describe('brokenLinks', () => {
  /** @type {Record<string, { text?: string }>} */
  const files = {
    'docs/b.md': { text: '# There\n' },
    'packages/core': {},
    LICENSE: {},
    'docs/a b.md': { text: '' },
  }
  const check = (/** @type {string} */ text) => brokenLinks('docs/a.md', text, (path) => files[path])

  it.each([
    '[x](b.md)',
    '[x](b.md#there)',
    '[x](./b.md)',
    '[x](../packages/core)',
    '[x](/LICENSE)',
    '[x](a%20b.md)',
    '# Here\n[x](#here)',
    '[x](https://example.com/nothing)',
    '[x](mailto:a@example.com)',
  ])('accepts %s', (text) => {
    expect(check(text)).toEqual([])
  })

  it.each([
    ['[x](c.md)', 'docs/a.md:1 link to c.md: no such file'],
    ['[x](b.md#gone)', 'docs/a.md:1 link to b.md#gone: no such anchor'],
    ['\n[x](#gone)', 'docs/a.md:2 link to #gone: no such anchor'],
    ['[x](../LICENSE#gone)', 'docs/a.md:1 link to ../LICENSE#gone: no such anchor'],
  ])('reports %s', (text, problem) => {
    expect(check(text)).toEqual([problem])
  })
})
