import { describe, expect, it } from 'vitest'
import { markdownTable, withTable } from './markdown.ts'

describe('markdownTable', () => {
  it('pads what is short, numbers on the left', () => {
    const table = markdownTable(['case', 'ns'], [['a bare call', '1,200'], ['none']])
    expect(table.split('\n')).toEqual([
      '| case        |    ns |',
      '| ----------- | ----: |',
      '| a bare call | 1,200 |',
      '| none        |       |',
    ])
  })
})

describe('withTable', () => {
  const page =
    'a\n<!-- table:laws -->\n\nold\n\n<!-- /table -->\nb <!-- table:more -->\n\nx\n\n<!-- /table -->'

  it('puts another table between its markers', () => {
    expect(withTable(page, 'laws', 'new')).toBe(page.replace('old', 'new'))
    expect(withTable(page, 'more', 'y')).toBe(page.replace('x', 'y'))
  })

  it('says which markers a page lacks', () => {
    expect(() => withTable(page, 'others', 'new')).toThrow('<!-- table:others -->')
  })
})
