import { describe, expect, it } from 'vitest'
import { categories, isCategory } from './categories.ts'
import { errorCodes, ownCodes } from './codes.ts'
import { stopReasons } from './stop-reason.ts'

const hints = [categories, errorCodes, ownCodes, stopReasons].flatMap((table) =>
  Object.entries(table).flatMap(([name, row]) => (row.hint === undefined ? [] : [[name, row.hint] as const])),
)

describe('categories', () => {
  it.each(hints)('tells the next step of %s in one line of at most 140 characters', (_name, hint) => {
    expect(hint).toMatch(/^[A-Z].{10,138}\.$/)
  })

  it('never lets a failure of our own side trip a breaker', () => {
    const own = Object.values(categories).filter(({ fault }) =>
      ['input', 'config', 'traffic', 'caller'].includes(fault),
    )
    expect(own.map(({ trips }) => trips)).toEqual(own.map(() => 'neutral'))
  })

  it('never retries nor fails over what is the input or the configuration at fault', () => {
    const own = Object.values(categories).filter(({ fault }) => fault === 'input' || fault === 'config')
    expect(own.map(({ retry, failover }) => [retry, failover])).toEqual(own.map(() => ['never', false]))
  })

  it('pages for what stops every call: billing, authentication, spend limit', () => {
    const pages = Object.entries(categories).filter(([, { severity }]) => severity === 'page')
    expect(pages.map(([name]) => name)).toEqual(['billing', 'authentication', 'spend_limit'])
  })
})

describe('isCategory', () => {
  it.each([
    ['rate_limit', true],
    ['constructor', false],
    ['', false],
    [undefined, false],
    [7, false],
  ])('of %s is %s', (value, expected) => {
    expect(isCategory(value)).toBe(expected)
  })
})
