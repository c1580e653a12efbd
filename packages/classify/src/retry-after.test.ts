import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseRetryAfter, rateLimitResetMs } from './retry-after.ts'

const now = Date.parse('2026-11-21T12:00:00Z')
const longest = 2 ** 31 - 1

/** Unlike `Headers`, takes any text, as another client's header object may. */
const headers = (record: Record<string, string>): Pick<Headers, 'get'> => ({
  get: (name) => record[name] ?? null,
})

describe('parseRetryAfter', () => {
  it.each([
    ['0', 0],
    ['1', 1000],
    ['0.2', 200],
    ['1.0005', 1001],
    [' 5 ', 5000],
    ['403973', 403_973_000],
    ['2147483', 2_147_483_000],
    ['Sat, 21 Nov 2026 12:00:30 GMT', 30_000],
    ['Saturday, 21-Nov-26 12:00:30 GMT', 30_000],
    ['Sat, 21 Nov 2026 12:00:00 GMT', 0],
  ])('waits for retry-after: %s', (value, expected) => {
    expect(parseRetryAfter(headers({ 'retry-after': value }), now)).toBe(expected)
  })

  it.each([
    '',
    '   ',
    '-1',
    '+1',
    'NaN',
    'Infinity',
    '1e400',
    '1e3',
    '0x10',
    '12abc',
    '1,5',
    '5, 5',
    'soon',
    'foo 1',
    '2147484',
    '31536000',
    '9'.repeat(400),
    'Sat, 21 Nov 2026 11:59:59 GMT',
    'Sat, 21 Nov 2099 12:00:00 GMT',
    'Sun Nov 22 12:00:00 2026',
    '2026-11-21T12:00:30Z',
    'Sat, 99 Nov 2026 99:99:99 GMT',
  ])('never waits for retry-after: %s', (value) => {
    expect(parseRetryAfter(headers({ 'retry-after': value }), now)).toBeUndefined()
  })

  it.each([
    ['150', 150],
    ['150.2', 151],
    ['0', 0],
    ['403973000', 403_973_000],
    [`${longest}`, longest],
    // The next source is tried.
    [`${longest + 1}`, 9000],
    ['-5', 9000],
    ['12abc', 9000],
    ['', 9000],
  ])('prefers retry-after-ms: %s when it is sane', (value, expected) => {
    expect(parseRetryAfter(headers({ 'retry-after-ms': value, 'retry-after': '9' }), now)).toBe(expected)
  })

  it('is undefined without a header', () => {
    expect(parseRetryAfter(new Headers())).toBeUndefined()
  })

  it('gives a finite wait between 0 and 2^31 - 1 or undefined for any text', () => {
    const anything = fc.oneof(fc.string(), fc.double().map(String), fc.date().map(String), fc.webUrl())
    fc.assert(
      fc.property(anything, anything, (ms, seconds) => {
        const wait = parseRetryAfter(headers({ 'retry-after-ms': ms, 'retry-after': seconds }), now)
        expect(wait === undefined || (Number.isInteger(wait) && wait >= 0 && wait <= longest)).toBe(true)
      }),
    )
  })

  it('brings back every whole wait, as ms, as seconds and as a date', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 2_147_483 }), (seconds) => {
        const date = new Date(now + seconds * 1000).toUTCString()
        expect(parseRetryAfter(headers({ 'retry-after-ms': `${seconds}` }), now)).toBe(seconds)
        expect(parseRetryAfter(headers({ 'retry-after': `${seconds}` }), now)).toBe(seconds * 1000)
        expect(parseRetryAfter(headers({ 'retry-after': date }), now)).toBe(seconds * 1000)
      }),
    )
  })
})

describe('rateLimitResetMs', () => {
  const reset = (family: string, remaining: string, at: string) => ({
    [`${family}-remaining`]: remaining,
    [`${family}-reset`]: at,
  })

  it.each([
    'anthropic-ratelimit-requests',
    'anthropic-ratelimit-tokens',
    'anthropic-ratelimit-input-tokens',
    'anthropic-ratelimit-output-tokens',
    'anthropic-priority-input-tokens',
    'anthropic-priority-output-tokens',
    'anthropic-fast-input-tokens',
    'anthropic-fast-output-tokens',
  ])('reads the reset of %s when nothing remains', (family) => {
    expect(rateLimitResetMs(headers(reset(family, '0', '2026-11-21T12:00:07Z')), now)).toBe(7000)
    expect(rateLimitResetMs(headers(reset(family, '1', '2026-11-21T12:00:07Z')), now)).toBeUndefined()
  })

  it('takes the longest wait of the exhausted families only', () => {
    const limits = headers({
      ...reset('anthropic-ratelimit-requests', '0', '2026-11-21T12:00:02Z'),
      ...reset('anthropic-ratelimit-input-tokens', '0', '2026-11-21T14:00:05+02:00'),
      ...reset('anthropic-ratelimit-output-tokens', '8000', '2026-11-21T12:00:59Z'),
    })
    expect(rateLimitResetMs(limits, now)).toBe(5000)
  })

  it.each([
    ['rejected', `${now / 1000 + 60}`, 60_000],
    ['allowed_warning', `${now / 1000 + 60}`, undefined],
    ['rejected', `${now / 1000 - 60}`, undefined],
    ['rejected', '2026-11-21T12:00:07Z', undefined],
  ])('reads the unified reset in unix seconds when %s', (status, at, expected) => {
    const unified = {
      'anthropic-ratelimit-unified-status': status,
      'anthropic-ratelimit-unified-reset': at,
    }
    expect(rateLimitResetMs(headers(unified), now)).toBe(expected)
  })

  it('gives a finite wait between 0 and 2^31 - 1 or undefined for any texts', () => {
    fc.assert(
      fc.property(fc.string(), fc.oneof(fc.string(), fc.date().map(String)), (remaining, at) => {
        const wait = rateLimitResetMs(
          headers({
            ...reset('anthropic-ratelimit-tokens', remaining.length > 5 ? remaining : '0', at),
            'anthropic-ratelimit-unified-status': 'rejected',
            'anthropic-ratelimit-unified-reset': at,
          }),
          now,
        )
        expect(wait === undefined || (Number.isInteger(wait) && wait >= 0 && wait <= longest)).toBe(true)
      }),
    )
  })
})
