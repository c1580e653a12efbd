import { describe, expect, it } from 'vitest'
import { joined, markdownOf, type Findings } from './results.ts'

const one: Findings = {
  tables: [{ title: 'A call', head: ['case', 'ns/call'], rows: [['bare', '1,000']] }],
  figures: { one: 1 },
  notes: ['A note.'],
}
const other: Findings = { tables: [], figures: { other: 2 }, notes: ['Another.'] }

describe('joined', () => {
  it('has what all pieces have', () => {
    expect(joined([one, other])).toEqual({
      tables: one.tables,
      figures: { one: 1, other: 2 },
      notes: ['A note.', 'Another.'],
    })
  })

  it('is empty of nothing', () => {
    expect(joined([])).toEqual({ tables: [], figures: {}, notes: [] })
  })
})

describe('markdownOf', () => {
  it('puts tables under titles, and the notes below', () => {
    expect(markdownOf(joined([one, other]), ' on Node 1').split('\n')).toEqual([
      '### A call on Node 1',
      '',
      '| case | ns/call |',
      '| ---- | ------: |',
      '| bare |   1,000 |',
      '',
      'A note.',
      '',
      'Another.',
    ])
  })
})
