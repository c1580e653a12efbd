import { describe, expect, it } from 'vitest'
import { BreakwaterError, errorResponse, isBreakwaterError } from './errors.ts'

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

describe('errorResponse', () => {
  const of = (retryAfterMs?: number): Response =>
    errorResponse(new BreakwaterError('Wait.', { code: 'queue_full', category: 'rate_limit', retryAfterMs }))

  it.each([
    [undefined, null, null],
    [0, '0', '0'],
    [1, '1', '1'],
    [1_000, '1', '1000'],
    [1_000.2, '2', '1001'],
  ])('asks for no less than the wait: %s ms', (ms, seconds, milliseconds) => {
    const { headers } = of(ms)
    expect([headers.get('retry-after'), headers.get('retry-after-ms')]).toEqual([seconds, milliseconds])
  })

  it('is a 503 that the SDK does not retry, with a body like the API’s own', async () => {
    const response = of()
    expect(response.status).toBe(503)
    expect(response.headers.get('content-type')).toBe('application/json')
    expect(response.headers.get('x-should-retry')).toBe('false')
    expect(await response.json()).toEqual({
      type: 'error',
      error: { type: 'api_error', message: 'Wait.', details: { error_code: 'queue_full' } },
      request_id: null,
    })
  })
})

describe('isBreakwaterError', () => {
  it('goes by the brand, which another copy sets to true', () => {
    const brand = Symbol.for('breakwater.error')
    expect(isBreakwaterError({ [brand]: true })).toBe(true)
    expect(isBreakwaterError({ [brand]: false })).toBe(false)
    expect(Object.keys(new BreakwaterError('x', { code: 'x', category: 'unknown' }))).not.toContain(brand)
  })

  it('knows ours, and nothing else', () => {
    expect(isBreakwaterError(new BreakwaterError('x', { code: 'x', category: 'unknown' }))).toBe(true)
    for (const other of [new Error('x'), { code: 'circuit_open' }, null, undefined, 'x', 1, () => {}]) {
      expect(isBreakwaterError(other)).toBe(false)
    }
  })
})
