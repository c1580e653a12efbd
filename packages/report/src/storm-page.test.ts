import { describe, expect, it } from 'vitest'
import type { StormResult } from './storm-data.ts'
import { means, stormPage } from './storm-page.ts'

function resultOf(scene: string, contender: string, answeredShare: number): StormResult {
  return {
    scene,
    contender,
    answered: Math.round(answeredShare * 1000),
    answeredShare,
    upstreamPerAnswered: 1.5,
    upstreamPerCall: 1.2,
    p50Ms: 300,
    p99Ms: null,
    totalMs: 60_000,
    wastedTokens: 1234,
    timeline: { requests: Array.from({ length: 240 }, () => 20) },
  }
}

const scenes = [
  { name: 'outage', about: 'Five minutes.', fault: { fromMs: 60_000, toMs: 360_000 } },
  { name: 'fleet', about: 'All at once.', fault: null },
]
const contenders = ['SDK', 'p-retry', 'safe_call', 'SDK, 8 retries', 'breakwater'].map((name) => ({
  name,
  note: 'n',
}))
const shares: Readonly<Record<string, readonly number[]>> = {
  outage: [0.5, 0.6, 0.7, 0.8, 0.9],
  // A hair below the best: the same, as it is shown.
  fleet: [0.9001, 0.6, 0.7, 0.8, 0.9],
}
const data = {
  seed: 3,
  node: 'v20.20.2',
  scenes,
  contenders,
  results: scenes.flatMap(({ name }) =>
    contenders.map((contender, index) => resultOf(name, contender.name, shares[name]?.[index] ?? 0)),
  ),
}

describe('stormPage', () => {
  const page = stormPage(data)

  it('says where the recipe is not behind', () => {
    expect(page.lead[1]).toContain('In 2 of 2')
    const results = data.results.map((result) =>
      result.scene === 'fleet' && result.contender === 'p-retry'
        ? { ...result, answeredShare: 0.95 }
        : result,
    )
    expect(stormPage({ ...data, results }).lead[1]).toContain('In 1 of 2')
  })

  it('tells of all, and draws four, the recipe first', () => {
    const section = page.sections[1]
    expect(section?.heading).toBe('outage')
    expect(section?.table?.rows.map(([name]) => name)).toEqual(contenders.map(({ name }) => name))
    const chart = section?.chart
    const names = chart?.kind === 'time' ? chart.panels[0]?.series.map(({ name }) => name) : []
    expect(names).toEqual(['breakwater', 'SDK', 'safe_call', 'SDK, 8 retries'])
  })

  it('shades the fault as far as the scene goes', () => {
    const chart = page.sections[1]?.chart
    expect(chart?.kind === 'time' && chart.phases).toEqual([{ name: 'fault', from: 60, to: 240 }])
    const calm = page.sections[2]?.chart
    expect(calm?.kind === 'time' && calm.phases).toEqual([])
  })

  it('shows first where the contenders differ most', () => {
    expect(page.facts.map(({ label }) => label)).toEqual(['outage: calls answered', 'fleet: calls answered'])
    expect(page.facts[0]?.values.map(({ text }) => text)).toEqual(['90 %', '50 %', '70 %', '80 %'])
  })

  it('has a table of all scenes, with a dash for whom did not take part', () => {
    const results = data.results.filter(({ scene, contender }) => scene !== 'fleet' || contender !== 'SDK')
    const rows = stormPage({ ...data, results }).sections[0]?.table?.rows
    expect(rows?.[0]).toEqual(['SDK', '50 %', '–'])
  })
})

describe('means', () => {
  it('takes the mean of each few, and of what is left', () => {
    expect(means([1, 3, 5, 7, 9], 2)).toEqual([2, 6, 9])
  })
})
