import { describe, expect, it } from 'vitest'
import { scoreOf, table } from './scores.mjs'

const mutants = (/** @type {Record<string, number>} */ counts) =>
  Object.entries(counts).flatMap(([status, count]) => Array.from({ length: count }, () => ({ status })))

describe('scoreOf', () => {
  it('counts against the tests what survives and what they do not reach, and nothing that was not tried', () => {
    const counts = { Killed: 6, Timeout: 1, RuntimeError: 1, Survived: 1, NoCoverage: 1, Ignored: 30 }
    expect(scoreOf(mutants(counts))).toEqual({
      mutants: 10,
      killed: 6,
      ended: 2,
      survived: 1,
      uncovered: 1,
      ignored: 30,
      score: 80,
    })
  })

  it('is 0 where nothing was tried: a run that has failed passes for nothing', () => {
    expect(scoreOf([]).score).toBe(0)
    expect(scoreOf(mutants({ Ignored: 3 })).score).toBe(0)
  })
})

describe('table', () => {
  it('has a row for each package', () => {
    const row = { folder: 'core', ...scoreOf(mutants({ Killed: 2, Survived: 1 })), seconds: 61 }
    expect(table([row]).split('\n').at(-1)).toBe('| core | 3 | 2 | 0 | 1 | 0 | 66.7 % | 2 min |')
  })
})
