import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { durationText, fixed, numberText, percent } from './numbers.ts'

describe('numberText', () => {
  it.each([
    [0, '0'],
    [7, '7'],
    [1234, '1,234'],
    [1_234_567, '1,234,567'],
    [1.034, '1.03'],
    [12.34, '12.3'],
    [123.4, '123'],
    [null, '–'],
    [undefined, '–'],
  ])('writes %s as %s', (value, text) => {
    expect(numberText(value)).toBe(text)
  })

  it('only sets commas into a whole number', () => {
    fc.assert(
      fc.property(fc.nat(), (value) => {
        const text = numberText(value)
        expect(text).toMatch(/^\d{1,3}(,\d{3})*$/)
        expect(Number(text.replaceAll(',', ''))).toBe(value)
      }),
    )
  })
})

describe('durationText', () => {
  it.each([
    [0, '0 ms'],
    [412.4, '412 ms'],
    [1000, '1.0 s'],
    [119_000, '119.0 s'],
    [150_000, '2.5 min'],
    [null, '–'],
    [undefined, '–'],
  ])('writes %s ms as %s', (ms, text) => {
    expect(durationText(ms)).toBe(text)
  })
})

describe('fixed and percent', () => {
  it('have as many digits as they say', () => {
    expect([fixed(1), fixed(2.345), fixed(null)]).toEqual(['1.00', '2.35', '–'])
    expect([percent(1), percent(0.99999), percent(0.5)]).toEqual(['100 %', '99.9 %', '50 %'])
  })
})
