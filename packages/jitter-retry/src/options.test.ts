import { maxTimerMs } from '@breakwater/core'
import { describe, expect, it } from 'vitest'
import { jitterRetry } from './jitter-retry.ts'
import type { JitterRetryOptions } from './options.ts'
import { retryBudget } from './retry-budget.ts'

describe('options', () => {
  it.each<[string, object]>([
    ['maxRetryAfterMs', { maxRetryAfterMs: maxTimerMs + 1 }],
    ['maxRetryAfterMs', { maxRetryAfterMs: -1 }],
    ['maxRetryAfterMs', { maxRetryAfterMs: null }],
    ['maxRetryAfterMs', { maxRetryAfterMs: '60000' }],
    ['budget', { budget: null }],
    ['budget', { budget: {} }],
    ['jitter', { jitter: '' }],
    ['random', { random: 0.5 }],
    ['onRetry', { onRetry: {} }],
    ['policy', { policy: [] }],
    ['policy', { policy: null }],
    ['policy.rate_limit', { policy: { rate_limit: null } }],
    ['policy.rate_limit', { policy: { rate_limit: 5 } }],
    ['policy.no_such', { policy: { no_such: {} } }],
    ['policy.rate_limit.retries', { policy: { rate_limit: { retries: 101 } } }],
    ['policy.rate_limit.retries', { policy: { rate_limit: { retries: 1.5 } } }],
    ['policy.rate_limit.retries', { policy: { rate_limit: { retries: -1 } } }],
    ['policy.rate_limit.baseMs', { policy: { rate_limit: { baseMs: -1 } } }],
    ['policy.rate_limit.capMs', { policy: { rate_limit: { capMs: Infinity } } }],
    ['policy.overloaded.stepsMs', { policy: { overloaded: { stepsMs: [] } } }],
    ['policy.overloaded.stepsMs', { policy: { overloaded: { stepsMs: [1], baseMs: 1 } } }],
    ['policy.overloaded.stepsMs', { policy: { overloaded: { stepsMs: [1], capMs: 1 } } }],
    ['policy.overloaded.stepsMs[1]', { policy: { overloaded: { stepsMs: [1, NaN] } } }],
  ])('refuses a bad %s: %o', (name, options) => {
    expect(() => jitterRetry(options)).toThrow(TypeError)
    expect(() => jitterRetry(options)).toThrow(`Expected \`${name}\` to be`)
  })

  it.each<[string, JitterRetryOptions]>([
    ['the longest wait that a timer can hold', { maxRetryAfterMs: maxTimerMs }],
    ['no wait', { maxRetryAfterMs: 0 }],
    ['a hundred retries', { policy: { rate_limit: { retries: 100 } } }],
    ['no retries and no waits', { policy: { rate_limit: { retries: 0, baseMs: 0, capMs: 0 } } }],
    ['steps of no time', { policy: { overloaded: { stepsMs: [0] } } }],
    ['a budget of nothing', { budget: retryBudget({ capacity: 0, refill: 0 }) }],
    ['a budget that is always full again', { budget: retryBudget({ refill: 1 }) }],
  ])('takes %s', (_, options) => {
    expect(() => jitterRetry(options)).not.toThrow()
  })

  it('refuses a budget that would take retries for successes', () => {
    expect(() => retryBudget({ refill: -0.1 })).toThrow(
      'Expected `refill` to be a number from 0 to 1, got -0.1.',
    )
  })
})
