import { describe, expect, it } from 'vitest'
import { chartTable } from './chart-table.ts'

describe('chartTable', () => {
  it('tells a time chart by the step, each line a column', () => {
    const table = chartTable(
      {
        kind: 'time',
        shape: 'lines',
        unit: 'calls',
        stepSeconds: 5,
        description: '',
        phases: [],
        panels: [
          { name: 'SDK', series: [{ name: 'answered', tone: 'good', values: [1, 2.5] }] },
          { series: [{ name: 'failed', tone: 'bad', values: [1234, null] }] },
        ],
      },
      'Calls',
    )
    expect(table.caption).toBe('Calls: calls')
    expect(table.columns.map(({ name }) => name)).toEqual(['second', 'SDK: answered', 'failed'])
    expect(table.rows).toEqual([
      ['0', '1', '1,234'],
      ['5', '2.50', '–'],
    ])
  })

  it('leaves out steps of a long time', () => {
    const values = Array.from({ length: 480 }, (_, index) => index)
    const { rows } = chartTable(
      {
        kind: 'time',
        shape: 'lines',
        unit: '',
        stepSeconds: 1,
        description: '',
        phases: [],
        panels: [{ series: [{ name: 'x', tone: 'first', values }] }],
      },
      '',
    )
    expect(rows).toHaveLength(60)
    expect(rows[1]).toEqual(['8', '8'])
  })

  it('tells bars by category', () => {
    const { columns, rows } = chartTable(
      {
        kind: 'bars',
        unit: 'requests',
        description: '',
        categories: ['overload', 'outage'],
        series: [
          { name: 'Breakwater', tone: 'first', values: [3, 4] },
          { name: 'SDK', tone: 'second', values: [64, null] },
        ],
      },
      'Wasted',
    )
    expect(columns.map(({ name }) => name)).toEqual(['', 'Breakwater', 'SDK'])
    expect(rows).toEqual([
      ['overload', '3', '64'],
      ['outage', '4', '–'],
    ])
  })

  it('tells lanes by stretch, and moments by how many there were', () => {
    const lane = { tone: 'first', stretches: [], moments: [] } as const
    const { rows } = chartTable(
      {
        kind: 'lanes',
        seconds: 9,
        phases: [],
        description: '',
        lanes: [
          { ...lane, name: 'circuit', stretches: [{ from: 0, to: 4.25, tone: 'good', name: 'closed' }] },
          { ...lane, name: 'moved', moments: [3, 1, 2] },
          { ...lane, name: 'retried', moments: [5] },
          { ...lane, name: 'nothing' },
        ],
      },
      '',
    )
    expect(rows).toEqual([
      ['circuit', 'closed', '0.0', '4.3'],
      ['moved', '3 times', '1.0', '3.0'],
      ['retried', 'once', '5.0', '5.0'],
    ])
  })
})
