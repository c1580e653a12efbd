import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { readLimits, readRemaining } from './headers.ts'

const prefix = 'anthropic-ratelimit'

/** The three headers of one family. */
function family(name: string, limit: string, remaining?: string, reset?: string): Record<string, string> {
  return {
    [`${name}-limit`]: limit,
    ...(remaining !== undefined && { [`${name}-remaining`]: remaining }),
    ...(reset !== undefined && { [`${name}-reset`]: reset }),
  }
}

const read = (headers: Record<string, string>, isFast = false) => readLimits(new Headers(headers), isFast)

beforeEach(() => void vi.useFakeTimers({ now: Date.parse('2026-11-21T12:00:00Z') }))
afterEach(() => void vi.useRealTimers())

describe('readLimits', () => {
  it('reads requests and tokens', () => {
    const reset = '2026-11-21T12:00:30Z'
    const found = read({
      ...family(`${prefix}-requests`, '50', '49', reset),
      ...family(`${prefix}-input-tokens`, '40000', '39000', reset),
      ...family(`${prefix}-output-tokens`, '8000', '8000', reset),
      ...family(`${prefix}-tokens`, '8000', '8000', reset),
    })
    expect(found).toMatchObject([
      { limit: 'requests', perMinute: 50, remaining: 49, resetMs: 30_000 },
      { limit: 'input_tokens', perMinute: 40_000, remaining: 39_000, resetMs: 30_000 },
      { limit: 'output_tokens', perMinute: 8000, remaining: 8000, resetMs: 30_000 },
    ])
    expect(found[0]?.sources).toEqual([`${prefix}-requests-remaining`])
  })

  it('takes the limit of all tokens where there is no other', () => {
    expect(read(family(`${prefix}-tokens`, '80000', '1000'))).toMatchObject([
      { limit: 'tokens', perMinute: 80_000, remaining: 1000 },
    ])
  })

  it('adds the Priority Tier to the standard one, as either may serve a call', () => {
    const headers = {
      ...family(`${prefix}-input-tokens`, '40000', '1000'),
      ...family('anthropic-priority-input-tokens', '10000', '9000'),
    }
    expect(read(headers)).toMatchObject([{ limit: 'input_tokens', perMinute: 50_000, remaining: 10_000 }])
    const sources = read(headers)[0]?.sources ?? []
    expect(readRemaining(new Headers(headers), sources)).toBe(10_000)
  })

  it('reads the limits of fast mode for fast mode, and only for that', () => {
    const headers = {
      ...family(`${prefix}-requests`, '50', '49'),
      ...family(`${prefix}-input-tokens`, '40000', '1000'),
      ...family('anthropic-fast-input-tokens', '3000', '2000'),
    }
    expect(read(headers, true)).toMatchObject([
      { limit: 'requests', perMinute: 50 },
      { limit: 'input_tokens', perMinute: 3000, remaining: 2000 },
    ])
    expect(read(headers)).toMatchObject([{ limit: 'requests' }, { perMinute: 40_000 }])
  })

  it('knows when an answer was sent by the clock of the server', () => {
    const headers = {
      ...family(`${prefix}-requests`, '50', '0', '2030-01-01T00:00:40Z'),
      date: 'Tue, 01 Jan 2030 00:00:00 GMT',
    }
    expect(read(headers)[0]?.resetMs).toBe(40_000)
  })

  it.each([
    ['no number', 'many'],
    ['negative', '-5'],
    ['nothing', '0'],
    ['a fraction', '1.5'],
    ['an exponent', '1e300'],
    ['not a number', 'NaN'],
    ['too long', '9'.repeat(20)],
    ['empty', ''],
  ])('passes over a limit that is %s', (_, value) => {
    expect(read(family(`${prefix}-requests`, value, '1'))).toEqual([])
  })

  it.each([
    ['more than the limit', '70', 50],
    ['negative', '-1', undefined],
    ['no number', 'some', undefined],
    ['absent', undefined, undefined],
  ])('what is left: %s', (_, value, expected) => {
    expect(read(family(`${prefix}-requests`, '50', value))[0]?.remaining).toBe(expected)
  })

  it.each([
    ['past', '2026-11-21T11:00:00Z', 0],
    ['hours away', '2026-11-21T14:00:00Z', undefined],
    ['in unix seconds', '1795262400', undefined],
    ['no date', 'soon', undefined],
    ['impossible', '2026-13-41T99:99:99Z', undefined],
  ])('a reset that is %s', (_, value, expected) => {
    expect(read(family(`${prefix}-requests`, '50', '1', value))[0]?.resetMs).toBe(expected)
  })

  it('is not misled by the quotas of subscriptions, which are no limits of a minute', () => {
    const quota = { status: 'rejected', reset: '1795262400', '5h-utilization': '1', '5h-status': 'rejected' }
    const headers = Object.entries(quota).map(([name, value]) => [`${prefix}-unified-${name}`, value])
    expect(read(Object.fromEntries(headers))).toEqual([])
  })

  it('makes sense of whatever there is', () => {
    const text = fc.oneof(
      fc.string({ unit: fc.constantFrom(...'0123456789-.eE TZ:+nN') }),
      fc.integer().map(String),
      fc.double().map(String),
      fc.date({ noInvalidDate: true }).map((date) => date.toISOString()),
    )
    const names = ['requests', 'tokens', 'input-tokens', 'output-tokens'].flatMap((name) =>
      ['limit', 'remaining', 'reset'].flatMap((field) => [
        `${prefix}-${name}-${field}`,
        `anthropic-priority-${name}-${field}`,
        `anthropic-fast-${name}-${field}`,
      ]),
    )
    const headers = fc.dictionary(fc.constantFrom(...names, 'date'), text)
    fc.assert(
      fc.property(headers, fc.boolean(), (given, isFast) => {
        for (const { perMinute, remaining, resetMs } of readLimits(new Headers(given), isFast)) {
          expect(Number.isSafeInteger(perMinute) && perMinute > 0).toBe(true)
          if (remaining !== undefined) expect(remaining >= 0 && remaining <= perMinute).toBe(true)
          if (resetMs !== undefined) expect(resetMs >= 0 && resetMs <= 3_600_000).toBe(true)
        }
      }),
      { numRuns: 1000 },
    )
  })
})
