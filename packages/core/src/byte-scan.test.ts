import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { lineEnd, readString, wordsOf, type StringPart } from './byte-scan.ts'

const encoder = new TextEncoder()
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

function newPart(): StringPart {
  return { bytes: new Uint8Array(), from: -1, to: -1, characters: -1 }
}

/** The same bytes behind so many others, as a view of a larger buffer too: where words begin differs. */
function shifted(bytes: Uint8Array, by: number, offset = 0): Uint8Array {
  const whole = new Uint8Array(offset + by + bytes.length)
  whole.fill(120)
  whole.set(bytes, offset + by)
  return whole.subarray(offset)
}

/** Where the string ends and how long it is, by `TextDecoder` and `JSON.parse`; `undefined` for none. */
function expected(bytes: Uint8Array): { to: number; characters: number } | undefined {
  let to = 0
  while (to < bytes.length && bytes[to] !== 34) to += bytes[to] === 92 ? 2 : 1
  if (to >= bytes.length) return undefined
  try {
    const text: unknown = JSON.parse(`"${decoder.decode(bytes.subarray(0, to))}"`)
    return { to, characters: String(text).length }
  } catch {
    return undefined
  }
}

const plain = fc.string({ maxLength: 80 }).map((text) => encoder.encode(JSON.stringify(text).slice(1, -1)))
const wide = fc
  .string({ unit: 'binary', maxLength: 30 })
  .map((text) => encoder.encode(JSON.stringify(text).slice(1, -1)))
const odd = fc.constantFrom(
  ...[
    '\\',
    '\\x',
    '\\u12',
    '\\u12g4',
    '\\u12F4',
    '\\uD83D',
    '\\/',
    '\\"',
    '"',
    '\n',
    '\t',
    '\u007F',
    '🙂',
  ].map((text) => encoder.encode(text)),
)
const broken = fc.uint8Array({ maxLength: 4 })
const content = fc
  .array(fc.oneof({ weight: 4, arbitrary: plain }, wide, odd, broken), { maxLength: 5 })
  .map((parts) => Uint8Array.from(parts.flatMap((part) => [...part])))

describe('readString', () => {
  it('finds the strings that JSON.parse takes, and how long they are, wherever they stand', () => {
    fc.assert(
      fc.property(content, fc.nat(7), fc.nat(3), fc.nat(80), (inside, by, offset, behind) => {
        const bytes = Uint8Array.from([...inside, 34, ...Array.from({ length: behind }, () => 125)])
        const oracle = expected(bytes)
        const whole = shifted(bytes, by, offset)
        for (const words of [wordsOf(whole), wordsOf(new Uint8Array())]) {
          const part = newPart()
          expect(readString(whole, words, by, part)).toBe(oracle !== undefined)
          if (oracle === undefined) continue
          expect(part).toEqual({ bytes: whole, from: by, to: by + oracle.to, characters: oracle.characters })
        }
      }),
      { numRuns: 2000 },
    )
  })

  it.each([
    ['one byte too long', [0xc0, 0x80]],
    ['two bytes too long', [0xe0, 0x9f, 0xbf]],
    ['three bytes too long', [0xf0, 0x8f, 0xbf, 0xbf]],
    ['half of a pair', [0xed, 0xa0, 0x80]],
    ['beyond Unicode', [0xf4, 0x90, 0x80, 0x80]],
    ['far beyond it', [0xf5, 0x80, 0x80, 0x80]],
    ['no beginning', [0x80]],
    ['no end', [0xe2, 0x82]],
    ['another character in the middle', [0xf0, 0x9f, 0x22, 0x82]],
  ])('takes no character that is %s', (_, bytes) => {
    expect(readString(Uint8Array.from([...bytes, 34]), new Int32Array(), 0, newPart())).toBe(false)
  })

  it.each([
    ['U+0080', [0xc2, 0x80], 1],
    ['U+0800', [0xe0, 0xa0, 0x80], 1],
    ['U+D7FF', [0xed, 0x9f, 0xbf], 1],
    ['U+10000', [0xf0, 0x90, 0x80, 0x80], 2],
    ['U+10FFFF', [0xf4, 0x8f, 0xbf, 0xbf], 2],
  ])('takes %s', (_, bytes, characters) => {
    const part = newPart()
    expect(readString(Uint8Array.from([...bytes, 34]), new Int32Array(), 0, part)).toBe(true)
    expect(part.characters).toBe(characters)
  })

  it('finds none where the bytes end', () => {
    for (const length of [0, 3, 64, 67, 200]) {
      const bytes = new Uint8Array(length).fill(120)
      expect(readString(bytes, wordsOf(bytes), 0, newPart())).toBe(false)
    }
  })
})

describe('lineEnd', () => {
  it('finds the next LF or CR, wherever it stands', () => {
    const bytes = fc.uint8Array({ maxLength: 200 })
    const texts = fc.string({ maxLength: 300 }).map((text) => encoder.encode(text))
    const lines = fc.array(fc.oneof(texts, bytes, fc.constantFrom([10], [13], [9])), { maxLength: 4 })
    fc.assert(
      fc.property(lines, fc.nat(300), fc.nat(3), (parts, start, offset) => {
        const whole = shifted(Uint8Array.from(parts.flatMap((part) => [...part])), 0, offset)
        const from = Math.min(start, whole.length)
        const found = whole.findIndex((byte, at) => at >= from && (byte === 10 || byte === 13))
        expect(lineEnd(whole, wordsOf(whole), from)).toBe(found)
        expect(lineEnd(whole, new Int32Array(), from)).toBe(found)
      }),
      { numRuns: 1000 },
    )
  })
})

describe('wordsOf', () => {
  it('makes words where they pay and lie straight', () => {
    const buffer = new ArrayBuffer(300)
    expect(wordsOf(new Uint8Array(buffer, 4, 203))).toHaveLength(50)
    expect(wordsOf(new Uint8Array(buffer, 2, 200))).toHaveLength(0)
    expect(wordsOf(new Uint8Array(buffer, 0, 20))).toHaveLength(0)
  })
})
