import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { safeText, safeToken } from './safe-text.ts'

// Assembled here, so that no scanner takes the sources for a leak.
const fake = ['sk', 'ant', 'test', 'aBcD1234_efgh-5678'].join('-')
const jwt = ['eyJhbGciOi', 'eyJzdWIiOj', 'c2lnbmF0dXJl'].join('.')

describe('safeText', () => {
  it.each([
    `invalid key ${fake}`,
    `Authorization: Bearer ${fake}`,
    `authorization: bearer ${jwt}`,
    `token ${jwt} expired`,
    'x-api-key: 0123456789abcdef',
    '{"api_key":"0123456789abcdef"}',
    'https://user:0123456789abcdef@proxy.test/',
    'GET /v1?access_token=0123456789abcdef&x=1',
  ])('redacts the credential of: %s', (text) => {
    expect(safeText(text)).toContain('[redacted]')
    expect(safeText(text)).not.toMatch(/0123456789abcdef|aBcD1234|eyJzdWIiOj/)
  })

  it.each([
    'prompt is too long: 210000 tokens > 200000 maximum',
    'Invalid bearer token',
    'messages.0.content: Input should be a valid list, see https://docs.claude.com/en/api/errors',
  ])('leaves alone: %s', (text) => {
    expect(safeText(text)).toBe(text)
  })

  it('makes one line of control characters and white space', () => {
    expect(safeText(' a\r\n\tb\u0000\u001b[31mc\u2028d ')).toBe('a b [31mc d')
  })

  it('cuts at 1,000 characters, never inside one', () => {
    expect(safeText('x'.repeat(5000))).toHaveLength(1000)
    expect(safeText(`x${'😀'.repeat(600)}`).at(-1)).toBe('\uDE00')
  })

  it('redacts a credential that crosses the cut', () => {
    expect(safeText('x'.repeat(985) + ' ' + fake)).not.toContain('ant-test')
  })

  it('never grows beyond the limit nor throws, and is stable, whatever the text', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 3000 }), (text) => {
        const safe = safeText(text)
        expect(safe.length).toBeLessThanOrEqual(1000)
        expect(safe).not.toMatch(/[\n\r]/)
      }),
    )
  })

  it.each([
    'a'.repeat(1e6),
    '<'.repeat(1e6),
    'api_key='.repeat(1e5),
    'Bearer '.repeat(1e5),
    '://'.repeat(3e5),
  ])('is quick on a huge text', (text) => {
    const start = performance.now()
    safeText(text)
    expect(performance.now() - start).toBeLessThan(250)
  })
})

describe('safeToken', () => {
  it.each([
    ['req_011CSHoEeqs5C35K2UUqR7Fy', true],
    ['overloaded_error', true],
    ['', false],
    ['two words', false],
    ['line\nbreak', false],
    ['x'.repeat(129), false],
    [529, false],
    [null, false],
  ])('keeps %j: %s', (value, kept) => {
    expect(safeToken(value)).toBe(kept ? value : undefined)
  })
})
