import { describe, expect, it } from 'vitest'
import type { StormResult } from './storm-data.ts'
import { stormOverview } from './storm-overview.ts'

const scenes = [
  { name: 'outage', about: '', fault: null },
  { name: 'fleet', about: '', fault: null },
]
const contenders = ['SDK', 'jitterRetry', 'breakwater'].map((name) => ({
  name,
  note: '',
  isOurs: name !== 'SDK',
}))

function resultOf(scene: string, contender: string, more: Partial<StormResult>): StormResult {
  return {
    scene,
    contender,
    answered: 900,
    answeredShare: 0.9,
    upstreamPerAnswered: 1.5,
    upstreamPerCall: 1.2,
    p50Ms: 300,
    p99Ms: 1500,
    totalMs: 60_000,
    wastedTokens: 0,
    timeline: { requests: [] },
    ...more,
  }
}

const results = [
  resultOf('outage', 'breakwater', { answered: 800, answeredShare: 0.95, p99Ms: null }),
  resultOf('outage', 'SDK', { answered: 900, answeredShare: 0.5, upstreamPerAnswered: 3 }),
  resultOf('outage', 'jitterRetry', { answeredShare: 1 }),
  // A hair below the best: the same, as it is shown.
  resultOf('fleet', 'breakwater', { answeredShare: 0.9 }),
  resultOf('fleet', 'SDK', { answeredShare: 0.9001 }),
]

describe('stormOverview', () => {
  const [shares, numbers, requests, slowest] = stormOverview(scenes, contenders, results).tables ?? []

  it('puts the recipe first, and leaves out its parts', () => {
    expect(shares?.columns.map(({ name }) => name)).toEqual(['', 'breakwater', 'SDK'])
  })

  it('marks the best of a row, all of them where they are shown as the same', () => {
    expect(shares?.rows).toEqual([
      ['outage', '**95 %**', '50 %'],
      ['fleet', '**90 %**', '**90 %**'],
    ])
    expect(numbers?.rows[0]).toEqual(['outage', '800', '**900**'])
    expect(requests?.rows[0]).toEqual(['outage', '**1.50**', '3.00'])
    expect(slowest?.rows[0]).toEqual(['outage', '–', '**1.5 s**'])
  })

  it('has a dash for whom did not take part', () => {
    const table = stormOverview(scenes, contenders, results.slice(0, -1)).tables?.[0]
    expect(table?.rows[1]).toEqual(['fleet', '**90 %**', '–'])
  })

  it('folds all but one', () => {
    const tables = [shares, numbers, requests, slowest]
    expect(tables.map((table) => table?.isFolded)).toEqual([false, true, true, true])
  })
})
