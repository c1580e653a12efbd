import { describe, expect, it } from 'vitest'
import { wordsOf } from './byte-scan.ts'
import { dataEnd, formOf, hasHead, stringDataEnd } from './event-forms.ts'

const encoder = new TextEncoder()
const begin = '{"type":"a","delta":{"text":"'
const form = formOf('content', begin)
const head = `event: content\ndata: ${begin}`

describe('a form', () => {
  it('is that of an event with all of its bytes, wherever it stands', () => {
    expect(form.name).toBe('content')
    expect(head.slice(form.dataAt)).toBe(begin)
    for (let before = 0; before < 9; before++) {
      const bytes = encoder.encode(`${'.'.repeat(before)}${head}${'x'.repeat(80)}`)
      for (const words of [wordsOf(bytes), new Int32Array()]) {
        expect(hasHead(bytes, words, before, form)).toBe(true)
        expect(hasHead(bytes, words, before + 1, form)).toBe(false)
        for (let at = 0; at < head.length; at++) {
          const other = bytes.slice()
          other[before + at]! ^= 1
          expect(hasHead(other, words.length === 0 ? words : wordsOf(other), before, form)).toBe(false)
        }
      }
    }
  })

  it('is not that of an event that has not come so far', () => {
    for (let length = 0; length < head.length; length++) {
      const bytes = encoder.encode(`${'.'.repeat(100)}${head.slice(0, length)}`)
      expect(hasHead(bytes, wordsOf(bytes), 100, form)).toBe(false)
    }
    const whole = encoder.encode(head)
    expect(hasHead(whole, wordsOf(whole), 0, form)).toBe(true)
  })
})

describe('the end of an event', () => {
  const part = { bytes: new Uint8Array(), from: 0, to: 0, characters: 0 }
  const none = new Int32Array()

  it.each([
    ['abc"}}\n\n', 6],
    ['"}}\n\n', 3],
    ['abc"}        }\n\n', 14],
    ['abc" }} \n\n', 8],
    ['abc"}}\n', -1],
    ['abc"}}\r\n\r\n', -1],
    ['abc"}}\nid: 1\n\n', -1],
    ['abc"}\n\n', -1],
    ['abc"}}}\n\n', -1],
    ['abc","a":1}}\n\n', -1],
    ['a\tbc"}}\n\n', -1],
    ['abc\n\n', -1],
  ])('behind the string of %j is at %i', (text, end) => {
    expect(stringDataEnd(encoder.encode(text), none, 0, part)).toBe(end)
  })

  it.each([
    ['abc\n\n', 3],
    ['\n\n', 0],
    ['abc\n', -1],
    ['abc\r\n\r\n', -1],
    ['abc\ndata: d\n\n', -1],
    ['abc', -1],
  ])('behind the data of %j is at %i', (text, end) => {
    expect(dataEnd(encoder.encode(text), none, 0)).toBe(end)
  })
})
