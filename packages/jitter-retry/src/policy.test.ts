import { categories, classification } from '@breakwater/classify'
import { describe, expect, it } from 'vitest'
import {
  isOnce,
  longestWaitMs,
  mergePolicy,
  mostRetries,
  retryPolicy,
  type RetryPolicyOptions,
} from './policy.ts'

describe('retryPolicy', () => {
  it('has a row for each category that is worth another try, and no other', () => {
    const retried = Object.entries(categories).filter(([, { retry }]) => retry !== 'never')
    expect(Object.keys(retryPolicy).sort()).toEqual(retried.map(([category]) => category).sort())
  })

  it('sends six retries at most', () => {
    expect(mostRetries(retryPolicy)).toBe(6)
    expect(mostRetries({ circuit_open: { retries: 8, baseMs: 1, capMs: 1 } })).toBe(0)
  })
})

describe('mergePolicy', () => {
  it.each<[string, RetryPolicyOptions, object]>([
    ['nothing', {}, {}],
    ['undefined', { rate_limit: undefined }, {}],
    [
      'retries alone',
      { rate_limit: { retries: 0 } },
      { rate_limit: { retries: 0, baseMs: 1000, capMs: 60_000 } },
    ],
    ['waits alone', { conflict: { baseMs: 5 } }, { conflict: { retries: 1, baseMs: 5, capMs: 60_000 } }],
    [
      'retries of steps',
      { overloaded: { retries: 9 } },
      { overloaded: { retries: 9, stepsMs: [500, 1000, 2000, 5000, 15_000, 45_000] } },
    ],
    ['steps', { rate_limit: { stepsMs: [1, 2] } }, { rate_limit: { retries: 2, stepsMs: [1, 2] } }],
    [
      'steps to backoff',
      { overloaded: { capMs: 9 } },
      { overloaded: { retries: 6, baseMs: 1000, capMs: 9 } },
    ],
    [
      'a row that is new',
      { not_found: { retries: 2 } },
      { not_found: { retries: 2, baseMs: 1000, capMs: 60_000 } },
    ],
  ])('takes %s', (_name, changes, expected) => {
    expect(mergePolicy(changes)).toEqual({ ...retryPolicy, ...expected })
  })

  it('keeps nothing of the user’s own', () => {
    const stepsMs = [1]
    const merged = mergePolicy({ overloaded: { stepsMs } })
    stepsMs.push(2)
    expect(merged.overloaded).toEqual({ retries: 1, stepsMs: [1] })
  })
})

describe('isOnce', () => {
  it.each([
    [classification('connection'), false],
    [classification('connection', { replay: 'ambiguous' }), true],
    [classification('rate_limit', { retry: 'once' }), true],
    // These say so always: the row decides.
    [classification('unknown', { retry: 'backoff' }), false],
    [classification('timeout'), false],
    [classification('server_error', { replay: 'ambiguous' }), false],
  ])('%#', (failure, expected) => {
    expect(isOnce(failure)).toBe(expected)
  })
})

describe('longestWaitMs', () => {
  it('is the cap or the longest step', () => {
    expect(longestWaitMs({ retries: 1, baseMs: 1, capMs: 7 })).toBe(7)
    expect(longestWaitMs({ retries: 1, stepsMs: [1, 9, 3] })).toBe(9)
  })
})
