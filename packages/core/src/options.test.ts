import { describe, expect, it } from 'vitest'
import { assertFunction, assertOption } from './options.ts'

/** What is said of a bad value. */
function saidOf(value: unknown): string {
  try {
    assertOption(false, 'name', 'something else', value)
  } catch (error) {
    return String(error)
  }
  return 'nothing'
}

describe('assertOption', () => {
  it.each<[string, unknown, string]>([
    ['a text', 'soon', '"soon"'],
    ['a text of 60 characters', 'x'.repeat(60), `"${'x'.repeat(60)}"`],
    ['the beginning of a longer one', 'x'.repeat(61), `"${'x'.repeat(60)}…"`],
    ['an array by its length', ['sk-ant-secret', 'b'], 'an array of 2'],
    ['a function by its type', () => 'sk-ant-secret', 'a function'],
    ['an object by its type', { key: 'sk-ant-secret' }, 'an object'],
    ['null', null, 'null'],
    ['undefined', undefined, 'undefined'],
    ['a number', -0.5, '-0.5'],
    ['no number', NaN, 'NaN'],
    ['a boolean', true, 'true'],
    ['a symbol', Symbol('s'), 'Symbol(s)'],
  ])('names %s', (_, value, said) => {
    expect(saidOf(value)).toBe(`TypeError: Expected \`name\` to be something else, got ${said}.`)
  })

  it('says nothing of what is valid', () => {
    expect(() => assertOption(true, 'name', 'anything', undefined)).not.toThrow()
  })
})

describe('assertFunction', () => {
  it('takes a function, and nothing at all', () => {
    expect(() => assertFunction('onX', () => {})).not.toThrow()
    expect(() => assertFunction('onX', undefined)).not.toThrow()
  })

  it.each([[null], [0], ['x'], [{}]])('refuses %o', (value) => {
    expect(() => assertFunction('onX', value)).toThrow(/^Expected `onX` to be a function, got /)
  })
})
