import { describe, expect, it } from 'vitest'
import { goalRows, goalsOf, goalText, isMet } from './goals.ts'

const goalOf = (name: string, figures: Record<string, number>) => {
  const goal = goalsOf(figures).find(({ goal }) => goal.startsWith(name))
  if (goal === undefined) throw new Error(`There is no goal ${name}.`)
  return goal
}

describe('goalsOf', () => {
  it.each([
    ['retry, breaker, timeout', 'share of wrap: retry, breaker, timeout', 0.5, 0.51],
    ['the five: of', 'share of wrap: the five', 0.8, 0.81],
    ['classify and the five', 'share of wrap: classify and the five', 0.8, 0.81],
    ['the five: 10 MB', 'growth: the five', 1.1, 1.11],
    ['the recipe: 10 MB', 'growth: the recipe', 1.1, 1.11],
    ["bytes of core's", 'own: core', 4_000, 4_001],
    ["bytes of classify's", 'own: classify', 6_000, 6_001],
    ["bytes of timeout's", 'own: timeout', 2_000, 2_001],
  ])('%s: at most', (goal, figure, met, missed) => {
    expect(isMet(goalOf(goal, { [figure]: met }))).toBe(true)
    expect(isMet(goalOf(goal, { [figure]: missed }))).toBe(false)
  })

  it.each([
    ['a guarded stream: of a bare pass-through, by event', 'stream: guarded of bare, by event'],
    ['a guarded stream: of a bare pass-through, in bulk', 'stream: guarded of bare, in bulk'],
    ["a guarded stream: of the SDK's decoder, by event", 'stream: guarded of decoder, by event'],
    ["a guarded stream: of the SDK's decoder, in bulk", 'stream: guarded of decoder, in bulk'],
  ])('%s: at least', (goal, figure) => {
    expect(isMet(goalOf(goal, { [figure]: 0.8 }))).toBe(true)
    expect(isMet(goalOf(goal, { [figure]: 0.79 }))).toBe(false)
  })

  it('has none for the recipe alone, which is its parts', () => {
    expect(goalsOf({}).some(({ goal }) => goal.includes("breakwater's"))).toBe(false)
  })
})

describe('goalRows', () => {
  it('tells what was measured, and nothing of what was not', () => {
    const goals = goalsOf({ 'own: core': 4_321, 'share of wrap: the five': 0.5 })
    expect(goalRows(goals)).toEqual([
      ['the five: of the same', '≤ 0.80', '0.50', 'met'],
      ["bytes of core's own code, gzipped", '≤ 4,000', '4,321', 'missed'],
    ])
    expect(isMet(goalOf('classify and the five', {}))).toBeUndefined()
    expect(goalText(goals)).toContain('missed')
  })
})
