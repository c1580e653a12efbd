import { describe, expect, it } from 'vitest'
import { table } from './table.ts'

describe('table', () => {
  it('says what each case adds to the bare one before it', () => {
    const row = (name: string, size: string, ns: number) => ({ name, size, ns, spread: 2 })
    const rows = [
      row('bare call', 'small', 10),
      row('chain', 'small', 35),
      row('bare fetch', 'small', 20),
      row('createFetch', 'small', 50),
      row('bare call', 'large', 11),
      row('chain', 'large', 41),
    ]
    expect(table(rows).split('\n')).toEqual([
      '| case | small: ns/call | over bare | large: ns/call | over bare |',
      '| --- | --: | --: | --: | --: |',
      '| bare call | 10 ± 2 |  | 11 ± 2 |  |',
      '| chain | 35 ± 2 | +25 | 41 ± 2 | +30 |',
      '| bare fetch | 20 ± 2 |  |  |  |',
      '| createFetch | 50 ± 2 | +30 |  |  |',
    ])
  })
})
