import { describe, expect, it } from 'vitest'
import { costTable, nsOf } from './cost-table.ts'

const measured = [
  { name: 'bare call', ns: [1_000, 1_000, 1_200] },
  { name: 'theirs', ns: [5_000, 5_000, 5_200] },
  { name: 'ours', ns: [3_000, 2_999, 9_000] },
  { name: 'nothing', ns: [900, 900, 900] },
]

describe('costTable', () => {
  it('says what each adds to the bare call, and beside the unit', () => {
    const unit = { name: 'theirs', label: 'of theirs' }
    expect(costTable(measured, { title: 'A call', bare: 'bare call', unit })).toEqual({
      title: 'A call',
      head: ['case', 'ns/call', 'p75', 'over bare', 'of theirs'],
      rows: [
        ['bare call', '1,000', '1,100', '', ''],
        ['theirs', '5,000', '5,100', '+4,000', '1.00'],
        ['ours', '3,000', '6,000', '+2,000', '0.50'],
        ['nothing', '900', '900', '-100', '-0.03'],
      ],
    })
  })

  it('has no such column without a unit', () => {
    const { head, rows } = costTable(measured, { title: 'A call', bare: 'bare call' })
    expect(head).toEqual(['case', 'ns/call', 'p75', 'over bare'])
    expect(rows[2]).toEqual(['ours', '3,000', '6,000', '+2,000'])
  })
})

describe('nsOf', () => {
  it('knows no case that was not measured', () => {
    expect(() => nsOf(measured, 'yours')).toThrow('yours')
  })
})
