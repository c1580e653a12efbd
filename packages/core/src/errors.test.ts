import { describe, expect, it } from 'vitest'
import { BreakwaterError, isBreakwaterError } from './errors.ts'

describe('BreakwaterError', () => {
  it('carries its details, and the last error where the SDK does not look', () => {
    const lastError = new TypeError('fetch failed')
    const error = new BreakwaterError('Circuit open.', {
      code: 'circuit_open',
      category: 'circuit_open',
      retryAfterMs: 5,
      lastError,
    })
    expect(error).toMatchObject({
      name: 'BreakwaterError',
      message: 'Circuit open.',
      code: 'circuit_open',
      category: 'circuit_open',
      retryAfterMs: 5,
    })
    expect(error.lastError).toBe(lastError)
    expect(error).not.toHaveProperty('cause')
  })
})

describe('isBreakwaterError', () => {
  it('knows ours, and nothing else', () => {
    expect(isBreakwaterError(new BreakwaterError('x', { code: 'x', category: 'unknown' }))).toBe(true)
    for (const other of [new Error('x'), { code: 'circuit_open' }, null, undefined, 'x', 1, () => {}]) {
      expect(isBreakwaterError(other)).toBe(false)
    }
  })
})
