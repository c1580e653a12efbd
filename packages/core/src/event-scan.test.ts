import { Stream } from '@anthropic-ai/sdk/core/streaming'
import fc from 'fast-check'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { describe, expect, it, vi } from 'vitest'
import { eventScan } from './event-scan.ts'

const encoder = new TextEncoder()

interface Seen {
  readonly type: string
  readonly data: string | undefined
  readonly start: number
  readonly end: number
}

function scanAll(chunks: readonly Uint8Array[]): Seen[] {
  const seen: Seen[] = []
  const scan = eventScan((event) => {
    const { type, start, end } = event
    seen.push({ type, start, end, data: event.data() })
  })
  for (const chunk of chunks) scan.push(chunk)
  return seen
}

function split(bytes: Uint8Array, points: readonly number[]): Uint8Array[] {
  const ends = [...new Set(points.map((point) => point % (bytes.length + 1)))].sort((a, b) => a - b)
  return [...ends, bytes.length].map((end, index) => bytes.slice(ends[index - 1] ?? 0, end))
}

/** What the SDK itself finds in the bytes. */
async function sdkEvents(bytes: Uint8Array): Promise<{ name: string; data: string }[]> {
  const events = []
  for await (const { event, data } of Stream.rawEvents(new Response(bytes.slice()))) {
    events.push({ name: event ?? '', data })
  }
  return events
}

const lineEnds = ['\n', '\r\n', '\r'] as const
const text = fc.oneof(
  fc.string({ unit: 'grapheme', maxLength: 12 }),
  fc.constantFrom(
    '{"type":"ping"}',
    '{ "type": "message_start" }',
    '',
    ' ',
    '{"type":"error","error":{}}',
    '😀é',
  ),
)
// A line break inside would make two fields of it.
const value = text.map((string) => string.replaceAll(/[\r\n]/g, ''))
const line = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.tuple(fc.constantFrom('event: ', 'event:', 'data: ', 'data:', 'data:  '), value),
  },
  fc.tuple(fc.constantFrom(': ', 'id: ', 'retry:', 'eventual: ', 'datax:', ' data: ', 'data : '), value),
  fc.constantFrom<[string, string]>(['data', ''], ['event', ''], ['', ''], ['', '']),
)
const transcript = fc
  .record({
    lines: fc.array(fc.tuple(line, fc.constantFrom(...lineEnds)), { maxLength: 30 }),
    bom: fc.boolean(),
    rest: fc.constantFrom('', 'data: unfinished', 'event: message_stop'),
  })
  .map(({ lines, bom, rest }) =>
    encoder.encode(
      (bom ? '\uFEFF' : '') + lines.map(([[field, content], end]) => field + content + end).join('') + rest,
    ),
  )

describe('eventScan', () => {
  it('finds what the SDK finds, however the bytes are cut', async () => {
    await fc.assert(
      fc.asyncProperty(transcript, fc.array(fc.nat(400), { maxLength: 40 }), async (bytes, points) => {
        const seen = scanAll(split(bytes, points))
        const expected = (await sdkEvents(bytes)).filter(({ name, data }) => name !== '' || data !== '')
        const named = seen.filter(({ type, data }) => type !== '' || data !== '')
        expect(named.map(({ data }) => data)).toEqual(expected.map(({ data }) => data))
        for (const [index, { name }] of expected.entries())
          if (name !== '') expect(named[index]?.type).toBe(name)
        expect(scanAll([bytes])).toEqual(seen)
        expect(scanAll([...bytes].map((byte) => Uint8Array.of(byte)))).toEqual(seen)
      }),
      { numRuns: 400 },
    )
  })

  it('says where each event begins and ends, so that the pieces put together are the body', () => {
    fc.assert(
      fc.property(transcript, (bytes) => {
        let last = 0
        for (const { start, end } of scanAll([bytes])) {
          expect(start).toBeGreaterThanOrEqual(last)
          expect(end).toBeGreaterThan(start)
          last = end
          // Its own bytes alone are the same event.
          expect(scanAll([bytes.slice(start, end)])).toHaveLength(1)
        }
        expect(last).toBeLessThanOrEqual(bytes.length)
      }),
    )
  })

  it('goes by the type of the data where an event has no name', () => {
    const bytes = encoder.encode(
      'data: {"type":"message_start","x":1}\n\ndata: [DONE]\n\nevent:\ndata: { "type" : "ping"}\n\n',
    )
    expect(scanAll([bytes]).map(({ type }) => type)).toEqual(['message_start', '', 'ping'])
  })

  it('does not keep an event of more than 1 MiB, and goes on after it', () => {
    const long = `event: a\ndata: ${'x'.repeat(3_000_000)}\n\nevent: b\ndata: 1\n\n`
    const bytes = encoder.encode(long)
    for (const size of [bytes.length, 65_536, 1_000_000]) {
      const seen = scanAll(
        split(
          bytes,
          Array.from({ length: 60 }, (_, index) => index * size),
        ),
      )
      expect(seen.map(({ type, data }) => [type, data])).toEqual([
        ['a', undefined],
        ['b', '1'],
      ])
      expect(seen[1]?.start).toBe(bytes.length - 'event: b\ndata: 1\n\n'.length)
    }
  })

  it('keeps a bounded part of an event that never ends', { timeout: 30_000 }, () => {
    const told: (string | undefined)[] = []
    const scan = eventScan((event) => told.push(event.data()))
    const chunk = encoder.encode('data: x\n'.repeat(100_000))
    for (let index = 0; index < 6; index++) scan.push(chunk)
    scan.push(encoder.encode('\ndata: y\n\n'))
    expect(told).toEqual([undefined, 'y'])
  })

  it('joins what many lines of data say', () => {
    const told: (string | undefined)[] = []
    const scan = eventScan((event) => told.push(event.data()))
    for (let line = 0; line < 3_000; line++) scan.push(encoder.encode(`data: ${line}\n`))
    scan.push(encoder.encode('\n'))
    expect(told).toEqual([Array.from({ length: 3_000 }, (_, line) => line).join('\n')])
  })

  it('keeps no chunk, and little of an event that never ends', { timeout: 30_000 }, async () => {
    setFlagsFromString('--expose_gc')
    const collect = runInNewContext('gc') as () => void
    const scan = eventScan(() => {})
    const push = (text: string): WeakRef<ArrayBufferLike> => {
      const chunk = encoder.encode(text)
      scan.push(chunk)
      return new WeakRef(chunk.buffer)
    }
    const first = push(`event: a\ndata: 1\ndata: ${'x'.repeat(100_000)}`)
    collect()
    const inUse = (): number => process.memoryUsage().heapUsed + process.memoryUsage().arrayBuffers
    const before = inUse()
    for (let round = 0; round < 60; round++) push('data: x\n'.repeat(100_000))
    await vi.waitFor(() => {
      collect()
      expect(first.deref() === undefined).toBe(true)
      // What is freed is not counted off at once.
      expect(inUse() - before).toBeLessThan(8_000_000)
    })
    scan.push(encoder.encode('\n'))
  })

  it('tells nothing after stop(), not of the rest of the chunk either', () => {
    const told: string[] = []
    const scan = eventScan(({ type }) => {
      told.push(type)
      scan.stop()
    })
    scan.push(encoder.encode('event: a\n\nevent: b\n\n'))
    scan.push(encoder.encode('event: c\n\n'))
    expect(told).toEqual(['a'])
  })
})

/** Events as the API writes them, and what may stand between them. */
const written = fc.oneof(
  {
    weight: 6,
    arbitrary: fc
      .tuple(
        fc.constantFrom(
          ...Array.from({ length: 12 }, () => 'content_block_delta'),
          'message_delta',
          'ping',
          '',
        ),
        fc.oneof(fc.string({ maxLength: 40 }), fc.string({ unit: 'grapheme', maxLength: 90 })),
        fc.constantFrom(...Array.from({ length: 8 }, () => '}}'), '}   }', ' }} ', '}', '}}}', ',"a":1}}'),
        fc.constantFrom(...Array.from({ length: 12 }, () => '\n'), '\r\n', '\r'),
      )
      .map(
        ([name, text, rest, end]) =>
          `event: ${name}${end}data: {"type":"a","text":${JSON.stringify(text)}${rest}${end}${end}`,
      ),
  },
  fc.constantFrom(
    ': comment\n\n',
    '\n',
    'event: content_block_delta\ndata: {"type":"a","text":"x\\y"}}\n\n',
    'event: content_block_delta\ndata: {"type":"a","text":"\t"}}\n\n',
    'event: content_block_delta\ndata: {"type":"a","text":"\ndata: "}}\n\n',
    'event: content_block_delta\n: in between\ndata: {"type":"a","text":"b"}}\n\n',
    'event: content_block_delta\ndata: {"type":"a","text":"b"}}\nid: 1\n\n',
    'event: content_block_delta\nevent: ping\ndata: {"type":"a","text":"b"}}\n\n',
    'data: {"type":"a","text":"b"}}\n\n',
    'event: content_block_delta\n\n',
  ),
)

describe('an event that is known by its first bytes', () => {
  const begin = '{"type":"a","text":"'

  /** What is told of each event, and the strings of those whose form was expected since an event of it came. */
  function scanWith(chunks: readonly Uint8Array[]): { seen: Seen[]; texts: number } {
    const seen: Seen[] = []
    let texts = 0
    let form: object | undefined
    const scan = eventScan((event) => {
      const data = event.data()
      seen.push({ type: event.type, start: event.start, end: event.end, data })
      if (event.form !== undefined) {
        texts++
        expect(event.form).toBe(form)
        const { bytes, from, to, characters } = event.text!
        const inside = new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes.subarray(from, to))
        const { text } = JSON.parse(data!.replaceAll(/\}\s*\}\s*$/g, '}')) as { text: string }
        expect([JSON.parse(`"${inside}"`), characters]).toEqual([text, text.length])
        expect(data).toMatch(/^\{"type":"a","text":".*" *\} *\} *$/s)
      } else if (data?.startsWith(begin) === true) {
        form = event.expectMore!(begin)
      }
    })
    for (const chunk of chunks) scan.push(chunk)
    return { seen, texts }
  }

  it('is the event that comes line by line, byte by byte', () => {
    let texts = 0
    fc.assert(
      fc.property(
        fc.array(written, { maxLength: 30 }),
        fc.array(fc.nat(3000), { maxLength: 6 }),
        fc.constantFrom('', '\uFEFF'),
        (parts, points, mark) => {
          const bytes = encoder.encode(mark + parts.join(''))
          const eager = scanAll(Array.from(bytes, (byte) => Uint8Array.of(byte)))
          const lazy = scanWith(split(bytes, points))
          expect(lazy.seen).toEqual(eager)
          texts += lazy.texts
        },
      ),
      { numRuns: 500 },
    )
    // Some were known by their bytes alone.
    expect(texts).toBeGreaterThan(100)
  })

  it('is told from one of invalid UTF-8, whose data says so', () => {
    const event = (...text: number[]): number[] => [
      ...encoder.encode(`event: a\ndata: ${begin}`),
      ...text,
      ...encoder.encode('"}}\n\n'),
    ]
    const whole = Uint8Array.from([...event(65), ...event(66), ...event(0xc3), ...event(0xa4, 67)])
    const { seen, texts } = scanWith([whole])
    expect(texts).toBe(1)
    expect(seen.map(({ data }) => data?.slice(begin.length, -3))).toEqual(['A', 'B', '\uFFFD', '\uFFFDC'])
  })

  it('is of the form that was asked for last, and of that name', () => {
    const forms: (object | undefined)[] = []
    const given: object[] = []
    const scan = eventScan((event) => {
      forms.push(event.form)
      if (forms.length <= 2) given.push(event.expectMore!(forms.length === 1 ? '{"a":{"b":"' : '{"c":{"d":"'))
    })
    const parts = ['{"a":{"b":"1"}}', '{"c":{"d":"1"}}', '{"a":{"b":"2"}}', '{"c":{"d":"2"}}']
    scan.push(encoder.encode(parts.map((data) => `event: x\ndata: ${data}\n\n`).join('')))
    scan.push(encoder.encode('event: y\ndata: {"c":{"d":"3"}}\n\n'))
    scan.push(encoder.encode('event: x\ndata: {"c":{"d":"4"}}\n\n'))
    expect(forms).toEqual([undefined, undefined, undefined, given[1], undefined, given[1]])
  })

  it('is not kept, nor its chunk', async () => {
    setFlagsFromString('--expose_gc')
    const collect = runInNewContext('gc') as () => void
    const begin = '{"a":{"b":"'
    let texts = 0
    const scan = eventScan((event) => {
      if (event.form === undefined) event.expectMore!(begin)
      else texts += event.text!.characters
    })
    const chunks = Array.from({ length: 3 }, () => {
      const chunk = encoder.encode(`event: a\ndata: ${begin}${'x'.repeat(1000)}"}}\n\n`)
      scan.push(chunk)
      return new WeakRef(chunk.buffer)
    })
    expect(texts).toBe(2000)
    await vi.waitFor(() => {
      collect()
      expect(chunks.map((chunk) => chunk.deref() === undefined)).toEqual([true, true, true])
    })
    scan.push(new Uint8Array())
  })

  it('needs a name', () => {
    const seen: [string, object | undefined][] = []
    const scan = eventScan((event) => {
      seen.push([event.type, event.form])
      event.expectMore!('{"type":"')
    })
    scan.push(encoder.encode('event:\ndata: {"a":1}\n\nevent: \ndata: {"type":"b"}}\n\n'))
    expect(seen).toEqual([
      ['', undefined],
      ['b', undefined],
    ])
  })

  it('is none where it is longer than 1 MiB', () => {
    const long = `event: a\ndata: {"type":"a","text":"${'x'.repeat(1_048_576)}"}}\n\n`
    const short = 'event: a\ndata: {"type":"a","text":"b"}}\n\n'
    const { seen, texts } = scanWith([encoder.encode(short + long + short)])
    expect(seen.map(({ data }) => data?.length)).toEqual([24, undefined, 24])
    expect(texts).toBe(1)
  })
})

describe('a scan that begins within a body', () => {
  it('counts from there, and takes no mark for one', () => {
    const seen: unknown[] = []
    const scan = eventScan(({ type, start, end }) => seen.push([type, start, end]), 100)
    scan.push(encoder.encode('\uFEFFevent: a\n\nevent: b\n\n'))
    expect(seen).toEqual([['b', 113, 123]])
  })
})

describe('a transcript, whole and cut at every byte', () => {
  it.each<[string, string, [type: string, data: string | undefined][]]>([
    ['name and data', 'event: a\ndata: 1\n\n', [['a', '1']]],
    ['no space behind the colon', 'event:a\ndata:1\n\n', [['a', '1']]],
    ['two spaces, of which one is the data’s', 'event:  a\ndata:  1\n\n', [[' a', ' 1']]],
    ['a name alone', 'event: a\n\n', [['a', '']]],
    ['fields without a colon', 'data\nevent\n\n', [['', '']]],
    ['a colon and nothing', 'data:\nevent:\n\n', [['', '']]],
    ['a colon and a space', 'data: \nevent: a\n\n', [['a', '']]],
    ['the last of two names', 'event: a\nevent: b\ndata: 1\n\n', [['b', '1']]],
    ['lines of data', 'event: a\ndata: 1\ndata\ndata: 2\n\n', [['a', '1\n\n2']]],
    ['fields of other names', 'event: a\ndatax: 0\ndat: 0\nevents: c\nid: 7\ndata: 1\n\n', [['a', '1']]],
    ['a field that begins with a space', ' event: b\nevent: a\n data: 0\ndata: 1\n\n', [['a', '1']]],
    ['comments and blank lines', '\n: hi\n\n:\nevent: a\n: there\ndata: 1\n\n\n', [['a', '1']]],
    [
      'names of one length after each other',
      'event: aa\n\nevent: ab\n\nevent: aa\n\nevent: b\n\nevent: bbb\n\n',
      [
        ['aa', ''],
        ['ab', ''],
        ['aa', ''],
        ['b', ''],
        ['bbb', ''],
      ],
    ],
    [
      'CRLF',
      'event: a\r\ndata: 1\r\n\r\nevent: b\r\n\r\n',
      [
        ['a', '1'],
        ['b', ''],
      ],
    ],
    [
      'CR',
      'event: a\rdata: 1\r\revent: b\r\r',
      [
        ['a', '1'],
        ['b', ''],
      ],
    ],
    [
      'all ends of lines at once',
      'event: a\rdata: 1\r\ndata: 2\n\r\nevent: b\n\r',
      [
        ['a', '1\n2'],
        ['b', ''],
      ],
    ],
    ['a mark at the beginning', '\uFEFFevent: a\ndata: 1\n\n', [['a', '1']]],
    ['a mark that is not there', '\uFEFF\uFEFFevent: b\nevent: a\n\uFEFFevent: c\n\n', [['a', '']]],
    ['a mark within the data', 'event: a\ndata: \uFEFF1\n\n', [['a', '\uFEFF1']]],
    ['characters of several bytes', 'event: é😀\ndata: ü\n\n', [['é😀', 'ü']]],
    ['an event that does not end', 'event: a\n\nevent: b\ndata: 1\n', [['a', '']]],
    ['an error without a name', 'data: {"type":"error"}\n\n', [['error', '{"type":"error"}']]],
    ['a type with space around it', 'data:  { "type" : "error" }\n\n', [['error', ' { "type" : "error" }']]],
    ['a type that does not come first', 'data: {"a":1,"type":"b"}\n\n', [['', '{"a":1,"type":"b"}']]],
    ['a type within something else', 'data: [{"type":"b"}]\n\n', [['', '[{"type":"b"}]']]],
  ])('%s', (_, text, expected) => {
    const bytes = encoder.encode(text)
    const found = (chunks: readonly Uint8Array[]): unknown =>
      scanAll(chunks).map(({ type, data }) => [type, data])
    expect(found([bytes])).toEqual(expected)
    expect(found(Array.from(bytes, (byte) => Uint8Array.of(byte)))).toEqual(expected)
    for (let at = 1; at < bytes.length; at++) {
      expect(found([bytes.slice(0, at), new Uint8Array(), bytes.slice(at)])).toEqual(expected)
    }
  })

  it('says where each event is, also between what belongs to none', () => {
    const parts = ['\uFEFFevent: a\r\n\r\n', ': comment\n\n', 'event: b\ndata: ü\n\n', '\n', 'data: 1\r\r']
    const bytes = encoder.encode(parts.join(''))
    const places = (chunks: readonly Uint8Array[]): unknown =>
      scanAll(chunks).map(({ start, end }) => [start, end])
    // The blank line of CRLF is over with its first character. A comment of its own is no part of what follows.
    const expected = [
      [0, 14],
      [26, 45],
      [46, 55],
    ]
    expect(places([bytes])).toEqual(expected)
    expect(places(Array.from(bytes, (byte) => Uint8Array.of(byte)))).toEqual(expected)
  })
})

describe('1 MiB of data', () => {
  const mebi = 1_048_576
  const dataOf = (chunks: readonly string[]): (string | undefined)[] =>
    scanAll([...chunks, '\n', 'event: b\ndata: 2\n\n'].map((chunk) => encoder.encode(chunk))).map(
      ({ data }) => data,
    )

  it('is kept to the last byte, and not one byte more, in one chunk or in many', () => {
    const full = 'x'.repeat(mebi)
    expect(dataOf([`data: ${full}\n`])).toEqual([full, '2'])
    expect(dataOf([`data: ${full}x\n`])).toEqual([undefined, '2'])
    expect(dataOf(['data: ', `${full.slice(6)}\n`])).toEqual([full.slice(6), '2'])
    expect(dataOf(['data: ', full, 'x\n'])).toEqual([undefined, '2'])
  })

  it('counts the line breaks between the lines', () => {
    const half = 'x'.repeat(mebi / 2)
    expect(dataOf([`data: ${half}\ndata: ${half.slice(1)}\n`])).toEqual([`${half}\n${half.slice(1)}`, '2'])
    expect(dataOf([`data: ${half}\ndata: ${half}\n`])).toEqual([undefined, '2'])
    expect(dataOf([`data: ${half}\n`, `data: ${half.slice(1)}\n`, 'data:\n'])).toEqual([undefined, '2'])
  })

  it('is not reached by an event that comes after a large one', () => {
    const large = 'x'.repeat(mebi - 10)
    expect(dataOf([`data: ${large}\n\ndata: ${large}\n`])).toEqual([large, large, '2'])
    expect(dataOf([`data: ${large}x`, 'xxxxxxxxxxxxxxx\n\n', `data: ${large}\n`])).toEqual([
      undefined,
      large,
      '2',
    ])
  })
})
