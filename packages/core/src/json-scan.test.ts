import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { scanLimit, topLevelString } from './json-scan.ts'

const long = 'x'.repeat(scanLimit * 4)

describe('topLevelString', () => {
  it.each([
    ['the first key', '{"model":"m","max_tokens":1}'],
    ['a later key', '{"max_tokens":1,"stream":true,"model":"m"}'],
    ['white space everywhere', ' \n{ "max_tokens" : 1 ,\r\n\t"model" : "m" } \n'],
    [
      'a nested key of that name before it',
      '{"tools":[{"model":"no"}],"metadata":{"model":"no"},"model":"m"}',
    ],
    ['the name inside a text before it', String.raw`{"system":"say \"model\":\"no\" \\","model":"m"}`],
    ['a long text before it, from the back', `{"system":"${long}","model":"m"}`],
    [
      'long messages before it, from the back',
      `{"messages":[{"content":"${long}"}],"model":"m","stream":true}`,
    ],
    ['long messages behind it', `{"model":"m","messages":[{"content":"${long}"}]}`],
    [
      'nested values behind it, from the back',
      `{"system":"${long}","model":"m","a":[{"b":"}"},[]],"c":-1.5e3}`,
    ],
    [
      'brackets, commas and quotes in a nested text',
      String.raw`{"a":{"b":"}],{[\"","c":[1,[2,{}]]},"model":"m"}`,
    ],
    ['arrays in arrays, and objects in them', '{"a":[[1,2],[{"b":[3]}]],"model":"m"}'],
    ['bare values around it', '{"a":null,"b":true,"model":"m","c":-1}'],
    ['keys that begin or end as it does', '{"modelx":"no","mode":"no","xmodel":"no","model":"m"}'],
    ['a key of the same length', '{"tools":"no","model":"m"}'],
    ['an empty key and an empty text', '{"":"","model":"m"}'],
    [
      'brackets, commas and quotes in a nested text, from the back',
      String.raw`{"system":"${long}","a":1,"model":"m","b":{"c":"}],{[\"","d":[1,[2,{}]]}}`,
    ],
    [
      'arrays and bare values, from the back',
      `{"system":"${long}","model":"m","a":[[1],[{"b":[3]}]],"c":null,"d":true}`,
    ],
    [
      'keys that begin or end as it does, from the back',
      `{"system":"${long}","model":"m","xmodel":"no","mode":"no","modelx":"no"}`,
    ],
    ['white space everywhere, from the back', `{"system":"${long}" , "model" : "m" \n , "a" : [ 1 ] } `],
    ['an escaped quote before a long text', String.raw`{"a":"\\\"","system":"${long}\\","model":"m"}`],
  ])('finds %s', (_, json) => {
    expect(JSON.parse(json)).toHaveProperty('model', 'm')
    expect(topLevelString(json, 'model')).toBe('m')
  })

  it.each([
    ['a value that is no string', '{"model":{"model":"no"}}'],
    ['only a nested key', '{"metadata":{"model":"no"},"messages":[]}'],
    ['only a text that looks like one', String.raw`{"system":"\",\"model\":\"no\"","max_tokens":1}`],
    ['an array', '[{"model":"no"}]'],
    ['text', 'model'],
    ['nothing', ''],
    ['a cut body', '{"max_tokens":1,"mod'],
    ['a key between two long values', `{"a":"${long}","model":"m","b":"${long}"}`],
  ])('finds nothing in %s', (_, json) => {
    expect(topLevelString(json, 'model')).toBeUndefined()
  })

  it.each([
    ['an escape that is none', String.raw`{"model":"\x"}`],
    ['a line break in it', '{"model":"a\nb"}'],
  ])('finds nothing in a text that JSON does not know: %s', (_, json) => {
    expect(topLevelString(json, 'model')).toBeUndefined()
  })

  it('reads the escapes of a value', () => {
    expect(topLevelString(String.raw`{"model":"\u006d\"\\"}`, 'model')).toBe('m"\\')
  })

  it('finds it from the back wherever the view from the front ends', () => {
    const rest = String.raw`" , "b" : [ 1 , { "c" : "\"}" } ] , "d" : -1.5 , "e" : "\\" , "model" : "m" }`
    for (let pad = scanLimit - rest.length - 9; pad < scanLimit; pad++) {
      expect(topLevelString(`{"a":"${'x'.repeat(pad)}${rest}`, 'model')).toBe('m')
    }
  })

  it('finds it from the front wherever the view from the back begins', () => {
    const head = String.raw`{ "b" : [ 1 , { "c" : "{\"" } ] , "d" : -1.5 , "model" : "m" , "a" : "`
    for (let pad = scanLimit - head.length - 9; pad < scanLimit; pad++) {
      expect(topLevelString(`${head}${'x'.repeat(pad)}"}`, 'model')).toBe('m')
    }
  })

  it('between two long values, finds it just where the view from the back holds it, and never anything else', () => {
    const head = `{"system":"${long}", "model" : "m" , "a" : "`
    for (let pad = scanLimit - 60; pad < scanLimit + 20; pad++) {
      const json = `${head}${'x'.repeat(pad)}"}`
      const isHeld = json.length - json.lastIndexOf('"model"') < scanLimit
      expect(topLevelString(json, 'model')).toBe(isHeld ? 'm' : undefined)
    }
  })

  it('agrees with JSON.parse on any object', () => {
    const object = fc
      .tuple(
        fc.dictionary(fc.string({ maxLength: 8 }), fc.jsonValue({ maxDepth: 3 })),
        fc.option(fc.jsonValue({ maxDepth: 1 }), { nil: undefined }),
        fc.dictionary(fc.string({ maxLength: 8 }), fc.jsonValue({ maxDepth: 3 })),
        fc.constantFrom(undefined, 2, '\t'),
      )
      .map(([before, model, after, indent]) =>
        JSON.stringify({ ...before, ...(model !== undefined && { model }), ...after }, null, indent),
      )
    fc.assert(
      fc.property(object, (json) => {
        const expected = (JSON.parse(json) as Record<string, unknown>)['model']
        expect(topLevelString(json, 'model')).toBe(typeof expected === 'string' ? expected : undefined)
      }),
      { numRuns: 2_000 },
    )
  })

  it('agrees with JSON.parse behind a long value, which only the back can pass', () => {
    const after = fc.dictionary(fc.string({ maxLength: 8 }), fc.jsonValue({ maxDepth: 2 }))
    fc.assert(
      fc.property(fc.string(), after, (model, rest) => {
        const json = JSON.stringify({ long, model, ...rest })
        const expected = (JSON.parse(json) as Record<string, unknown>)['model']
        expect(topLevelString(json, 'model')).toBe(typeof expected === 'string' ? expected : undefined)
      }),
    )
  })

  it('never throws and never loops, whatever the text', () => {
    const alphabet = fc.constantFrom(
      '"',
      '\\',
      '{',
      '}',
      '[',
      ']',
      ':',
      ',',
      ' ',
      'model',
      '1',
      'x'.repeat(9_000),
    )
    fc.assert(
      fc.property(fc.array(alphabet, { maxLength: 40 }), (parts) => {
        const found = topLevelString(`{${parts.join('')}}`, 'model')
        expect(['string', 'undefined']).toContain(typeof found)
      }),
      { numRuns: 2_000 },
    )
  })
})
