import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { escape, inline, paragraphs, tableOf } from './html.ts'

describe('escape', () => {
  it('leaves nothing that a browser would read as markup', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        expect(escape(text)).not.toMatch(/[<>"]|&(?!amp;|lt;|gt;|quot;)/)
      }),
    )
  })

  it('loses nothing', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        const back = escape(text)
          .replaceAll('&quot;', '"')
          .replaceAll('&gt;', '>')
          .replaceAll('&lt;', '<')
          .replaceAll('&amp;', '&')
        expect(back).toBe(text)
      }),
    )
  })
})

describe('inline', () => {
  it('knows code and bold, and nothing else', () => {
    expect(inline('**429**: `retry-after` <b> & *one*')).toBe(
      '<strong>429</strong>: <code>retry-after</code> &lt;b&gt; &amp; *one*',
    )
  })

  it('keeps a number and its unit on one line', () => {
    expect(inline('1.5 s of 30 seconds, 92 %')).toBe('1.5&nbsp;s of 30 seconds, 92&nbsp;%')
  })

  it('makes a paragraph of each text', () => {
    expect(paragraphs(['one', '<two>'])).toBe('<p>one</p>\n<p>&lt;two&gt;</p>')
  })
})

describe('tableOf', () => {
  const table = tableOf({
    caption: 'all "of" it',
    columns: [{ name: 'who' }, { name: 'calls', isNumber: true }],
    rows: [['<SDK>', '1,234']],
  })

  it('has heads for its columns and rows, and numbers on the right', () => {
    expect(table).toContain('<th scope="col">who</th><th scope="col" class="number">calls</th>')
    expect(table).toContain('<tr><th scope="row">&lt;SDK&gt;</th><td class="number">1,234</td></tr>')
  })

  it('can be scrolled without a mouse, under its name', () => {
    expect(table).toContain('role="region" tabindex="0" aria-label="all &quot;of&quot; it"')
  })
})
