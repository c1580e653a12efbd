import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { contentScan } from './content-scan.ts'

const encoder = new TextEncoder()
const bytesOf = (text: string): Uint8Array => encoder.encode(text)

/** The offsets of the bytes that complete a content event, found byte by byte. */
function momentsOf(bytes: Uint8Array): number[] {
  const scan = contentScan()
  return [...bytes.keys()].filter((at) => scan(bytes.subarray(at, at + 1)) > 0)
}

function countOf(text: string): number {
  return contentScan()(bytesOf(text))
}

/** An event of the API as the wire has it. */
function event(type: string, rest = ''): string {
  return `event: ${type}\ndata: {"type":"${type}"${rest}}\n\n`
}

describe('contentScan', () => {
  it.each([
    ['content_block_start', 1],
    ['content_block_delta', 1],
    ['content_block_stop', 1],
    ['message_delta', 1],
    ['message_stop', 1],
    ['error', 1],
    ['an_event_of_the_future', 1],
    ['message_start', 0],
    ['ping', 0],
  ])('takes %s for %i content events', (type, count) => {
    expect(countOf(event(type))).toBe(count)
    expect(countOf(`data: {"type": "${type}"}\n\n`)).toBe(count)
    expect(countOf(`event:${type}\r\ndata:{ "type" : "${type}" }\r\n\r\n`)).toBe(count)
  })

  it.each([
    ['a comment', ': keep-alive\n\n', 0],
    ['empty lines', '\n\r\n\r\n\n', 0],
    ['other fields', 'id: 7\nretry: 10\n\n', 0],
    ['half an event', 'event: content_block_delta\ndata: {', 0],
    ['data of another API', 'data: {"choices":[]}\n\n', 1],
    ['an empty name', 'event:\ndata: {"type":"ping"}\n\n', 0],
    ['a ping that talks of content', event('ping', ',"event: content_block_delta":1'), 0],
    ['content that talks of pings', event('content_block_delta', ',"text":"event: ping"'), 1],
    ['a name behind its data', 'data: {"type":"content_block_delta"}\nevent: ping\n\n', 0],
    ['a byte order mark', `\uFEFF${event('ping')}`, 0],
    ['a byte order mark before content', `\uFEFF${event('message_stop')}`, 1],
    ['a name longer than what is looked at', event(`ping${'g'.repeat(100)}`), 1],
    ['a name and nothing else', 'event: message_stop\n\n', 1],
    [
      'several in one chunk',
      event('ping') + event('message_stop') + event('ping') + event('message_stop'),
      2,
    ],
  ])('counts %s', (_, text, count) => {
    expect(countOf(text)).toBe(count)
    expect(momentsOf(bytesOf(text))).toHaveLength(count)
  })

  it('finds the same content at the same moments, however the bytes are cut', () => {
    const type = fc.constantFrom('ping', 'message_start', 'content_block_delta', 'message_stop', 'é世界', '')
    const line = fc.oneof(
      type.map((name) => `event: ${name}`),
      type.map((name) => `data: {"type": "${name}", "text": "🙂"}`),
      fc.string({ unit: 'grapheme', maxLength: 90 }),
      fc.constant(''),
      fc.constant(''),
    )
    const newline = fc.constantFrom('\n', '\r\n', '\r')
    const transcript = fc
      .tuple(fc.boolean(), fc.array(fc.tuple(line, newline), { maxLength: 30 }))
      .map(([mark, lines]) => (mark ? '\uFEFF' : '') + lines.map((parts) => parts.join('')).join(''))
    fc.assert(
      fc.property(transcript, fc.array(fc.integer({ min: 1, max: 40 }), { maxLength: 60 }), (text, sizes) => {
        const bytes = bytesOf(text)
        const moments = momentsOf(bytes)
        expect(moments).toHaveLength(expectedOf(text))
        const scan = contentScan()
        let at = 0
        for (const size of [...sizes, bytes.length]) {
          const found = scan(bytes.subarray(at, at + size))
          expect(found).toBe(moments.filter((moment) => moment >= at && moment < at + size).length)
          at += size
        }
      }),
      { numRuns: 500 },
    )
  })
})

/** The count by the whole text at once, as the standard says: lines, then events. */
function expectedOf(text: string): number {
  const lines = text.replace(/^\uFEFF/, '').split(/\r\n|\r|\n/)
  // What follows the last newline is not a line yet.
  lines.pop()
  let name = ''
  let type: string | undefined
  let hasFields = false
  let count = 0
  for (const line of lines) {
    const [, field, value = ''] = /^(event|data)(?:: ?(.*))?$/.exec(line) ?? []
    if (line === '') {
      const shown = name === '' ? type : name
      if (hasFields && shown !== 'ping' && shown !== 'message_start') count++
      name = ''
      hasFields = false
    } else if (field === 'event' && value !== '') {
      name = value
      hasFields = true
    } else if (field === 'data') {
      type = /^\{\s*"type"\s*:\s*"([^"]*)"/.exec(value)?.[1]
      hasFields = true
    }
  }
  return count
}
