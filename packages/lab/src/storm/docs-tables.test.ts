import { expect, test } from 'vitest'
import { docsTables } from './docs-tables.ts'
import type { StormReport, StormResult } from './results.ts'

function result(scene: string, contender: string, parts: Partial<StormResult> = {}): StormResult {
  return {
    scene,
    contender,
    calls: 2000,
    answered: 1800,
    answeredShare: 0.9,
    goodputPerSecond: 20,
    goodputShare: 1,
    upstream: 1800,
    upstreamPerAnswered: 1.234,
    upstreamPerCall: 1,
    p50Ms: 500,
    p99Ms: 12_345,
    failedP50Ms: null,
    totalMs: 60_000,
    wastedTokens: 0,
    faultRequests: 0,
    faultCalls: 0,
    truncated: 0,
    errors: {},
    byModel: {},
    faultRequestsPerCall: null,
    recoveredMs: null,
    peakPerSecond: null,
    peakRatio: null,
    timeline: { requests: [], answered: [], failed: [] },
    realMs: 1,
    ...parts,
  }
}

const report: StormReport = {
  version: 1,
  seed: 1,
  node: 'v0',
  scenes: ['fleet', 'outage'].map((name) => ({ name, about: '', fault: null, requestsPerSecond: null })),
  contenders: ['SDK', 'jitterRetry', 'breakwater'].map((name) => ({
    name,
    note: '',
    isOurs: name !== 'SDK',
  })),
  results: [
    result('fleet', 'SDK', { upstreamPerAnswered: null, p99Ms: null }),
    result('fleet', 'jitterRetry'),
    result('outage', 'SDK', { faultRequestsPerCall: 0.5, recoveredMs: null, peakRatio: 8 }),
    result('outage', 'breakwater', { faultRequestsPerCall: 0.2, recoveredMs: 2500, peakRatio: 1.4 }),
  ],
  goals: [{ goal: 'no storm', measured: 'outage 1.40', isMet: true }],
}

test('has a table for each measure, and one of the single packages', () => {
  const sections = new Map(
    docsTables(report)
      .split('### ')
      .map((text) => [text.split('\n')[0], text.split('\n').slice(2).join('\n').trim()]),
  )
  expect(sections.get('Calls answered')).toBe(
    [
      '| scene  |     breakwater |            SDK |',
      '| ------ | -------------: | -------------: |',
      '| fleet  |              – | 1,800 (90.0 %) |',
      '| outage | 1,800 (90.0 %) | 1,800 (90.0 %) |',
    ].join('\n'),
  )
  expect(sections.get('Requests per answered call')).toContain('| fleet  |          – |    – |')
  expect(sections.get('Seconds that 99 % of the answered calls took at most')).toContain(
    '|       12.3 | 12.3 |',
  )
  // Only of scenes in which a fault ends.
  expect(sections.get('The busiest second after it, times the usual rate')?.split('\n')).toEqual([
    '| scene  | breakwater |  SDK |',
    '| ------ | ---------: | ---: |',
    '| outage |       1.40 | 8.00 |',
  ])
  expect(sections.get('Seconds from its end to 95 % of the usual goodput')).toContain('|        2.5 |    – |')
  expect(sections.get('Calls answered by single packages')?.split('\n')[0]).toMatch(
    /jitterRetry \|\s+breakwater/,
  )
  expect(sections.get('The goals, and what came of them')).toBe('- **no storm: met.** outage 1.40')
})
