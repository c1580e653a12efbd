import { tapOf, tapped, type StreamEvent } from '@breakwater/core'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { messageReader, type MessageReader } from './message-reader.ts'
import { joined, responseOf } from './testing/raw.ts'
import {
  blockStart,
  blockStop,
  bytesOf,
  delta,
  messageDelta,
  messageStart,
  messageStop,
  ping,
  type Data,
} from './testing/transcripts.ts'

const encoder = new TextEncoder()
const limits = { maxBytes: 1_000_000, sizes: [100_000] }

/**
 * Reads a stream with two readers: one that knows events by their bytes, and one that is given their JSON alone. They have to say
 * the same of every event. Returns of how many the first one has not looked at the JSON.
 */
async function readTwice(
  bytes: Uint8Array<ArrayBuffer>,
  { maxBytes, sizes }: { maxBytes: number; sizes: readonly number[] },
): Promise<{ lazy: MessageReader; unread: number }> {
  const chunks: Uint8Array<ArrayBuffer>[] = []
  for (let at = 0, index = 0; at < bytes.length; index++) {
    const size = sizes[index % sizes.length]!
    chunks.push(bytes.slice(at, at + size))
    at += size
  }
  const response = tapped(responseOf({ chunks }))
  const [lazy, eager] = [messageReader(maxBytes), messageReader(maxBytes)]
  let unread = 0
  let isOver = false
  tapOf(response)!.add({
    onEvent(event: StreamEvent) {
      if (isOver) return
      const { type, start, end, form, text } = event
      let looks = 0
      const data = (): string | undefined => (looks++, event.data())
      const meaning = lazy.read({ type, start, end, data, form, text: text!, expectMore: event.expectMore! })
      if (meaning === 'content' && looks === 0) unread++
      expect(meaning).toBe(eager.read({ type, start, end, data: () => event.data() }))
      isOver = ['malformed', 'tool_input', 'error_event'].includes(meaning)
      const stateOf = ({
        isStarted,
        isStopped,
        hasStopReason,
        isSuspect,
        events,
        characters,
      }: MessageReader) => ({
        isStarted,
        isStopped,
        hasStopReason,
        isSuspect,
        events,
        characters,
      })
      expect(stateOf(lazy)).toEqual(stateOf(eager))
    },
  })
  await response.arrayBuffer()
  expect(lazy.toolCallComplete()).toBe(eager.toolCallComplete())
  expect(lazy.partial()).toEqual(eager.partial())
  return { lazy, unread }
}

const part = fc.oneof(
  fc.string({ maxLength: 30 }),
  fc.string({ unit: 'grapheme', maxLength: 30 }),
  fc.constantFrom('\n', '"', '\\', '{"a":', '1}', '\u2028', '\uD83D', '\uDE00', ''),
)
const kinds = [
  (index: number, part: string) => delta(index, { type: 'text_delta', text: part }),
  (index: number, part: string) => delta(index, { type: 'thinking_delta', thinking: part }),
  (index: number, part: string) => delta(index, { type: 'input_json_delta', partial_json: part }),
]
const begins = [
  { type: 'text', text: '' },
  { type: 'thinking', thinking: '', signature: '' },
  { type: 'tool_use', id: 'a', name: 'b', input: {} },
]
const kind = fc.nat(2)
const place = fc.constantFrom(0, 0, 0, 0, 1, 2)
/** A run of deltas of one kind: what most of a stream is. */
const run = fc
  .tuple(kind, place, fc.array(part, { minLength: 1, maxLength: 12 }))
  .map(([kind, index, parts]) => parts.map((text) => kinds[kind]!(index, text)))
const block = fc
  .tuple(kind, place, fc.array(part, { maxLength: 12 }), fc.boolean())
  .map(([kind, index, parts, isClosed]): Data[] => [
    blockStart(index, begins[kind]!),
    ...parts.map((text) => kinds[kind]!(index, text)),
    ...(isClosed ? [blockStop(index)] : []),
  ])
const odd = fc.constantFrom<Data[]>(
  [ping],
  [blockStop(0)],
  [messageDelta('tool_use')],
  [messageDelta('max_tokens')],
  [messageDelta(null)],
  [messageStop],
  [delta(0, { type: 'citations_delta', citation: { cited_text: 'c' } })],
  [delta(0, { type: 'signature_delta', signature: 'c2ln' })],
  [{ type: 'new_event' }],
)
/** How an event is written: as the API does, with the spaces that it adds, or otherwise. */
const writings: readonly ((data: Data) => string)[] = [
  (data) => `event: ${data.type}\ndata: ${JSON.stringify(data)}\n\n`,
  (data) => `event: ${data.type}\ndata: ${JSON.stringify(data).replace(/\}$/, '      }')}\n\n`,
  (data) => `event: ${data.type}\r\ndata: ${JSON.stringify(data)}\r\n\r\n`,
  (data) => `data: ${JSON.stringify(data)}\n\n`,
  (data) => `event: message\ndata: ${JSON.stringify(data)}\n\n`,
  (data) => `event: ${data.type}\ndata: ${JSON.stringify(data).replace(',', ',\ndata: ')}\n\n`,
  (data) => `: comment\nevent: ${data.type}\ndata: ${JSON.stringify(data)}\n\n`,
  (data) => `event: ${data.type}\ndata: ${JSON.stringify(data, undefined, 1).replaceAll('\n', ' ')}\n\n`,
  (data) => `event: ${data.type}\ndata: ${JSON.stringify(data).slice(0, -1)}\n\n`,
  (data) => `event: ${data.type}\ndata: ${JSON.stringify(data).replace(/"\}\}$/, '\\x"}}')}\n\n`,
  (data) => `event: ${data.type}\ndata: ${JSON.stringify(data).replace(/"\}\}$/, '\u0001"}}')}\n\n`,
  (data) => `event: ${data.type}\ndata: ${JSON.stringify(data).replace(/"\}\}$/, '","text":"other"}}')}\n\n`,
  (data) => `event: ${data.type}\ndata: ${JSON.stringify(data).replace(/"\}\}$/, '\u0000"}}')}\n\n`,
]
/** Two bytes that are no character, where a text has `\u0000`. */
function withoutUtf8(bytes: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  return bytes.map((byte) => (byte === 0 ? 0xc3 : byte))
}

it('takes an event by its bytes for what it is by its JSON', { timeout: 30_000 }, async () => {
  let unread = 0
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.oneof({ weight: 5, arbitrary: run }, { weight: 3, arbitrary: block }, odd), {
        maxLength: 12,
      }),
      fc.array(fc.tuple(fc.nat(200), fc.nat(writings.length - 1)), { maxLength: 3 }),
      fc.boolean(),
      fc.array(fc.oneof(fc.integer({ min: 1, max: 200 }), fc.integer({ min: 500, max: 5000 })), {
        minLength: 1,
        maxLength: 8,
      }),
      fc.constantFrom(0, 300, 1500, 1_000_000),
      async (runs, oddly, isPadded, sizes, maxBytes) => {
        const events = [messageStart, blockStart(0, { type: 'text', text: '' }), ...runs.flat()]
        const bytes = joined(
          events.map((data, index) => {
            const writing = oddly.find(([at]) => at % events.length === index)?.[1] ?? (isPadded ? 1 : 0)
            return withoutUtf8(encoder.encode(writings[writing]!(data)))
          }),
        )
        unread += (await readTwice(bytes, { maxBytes, sizes })).unread
      },
    ),
    { numRuns: 500 },
  )
  expect(unread).toBeGreaterThan(200)
})

it('reads no JSON but of the first delta of a block, and puts the message together from the bytes', async () => {
  const parts = Array.from({ length: 100 }, (_, index) => `Grüße "${index}" 🙂\n`)
  const input = JSON.stringify({ query: parts })
  const events = [
    messageStart,
    blockStart(0, { type: 'text', text: '' }),
    ...parts.map((text) => delta(0, { type: 'text_delta', text })),
    blockStop(0),
    blockStart(1, { type: 'tool_use', id: 'a', name: 'b', input: {} }),
    ...input.match(/.{1,9}/gsu)!.map((partial_json) => delta(1, { type: 'input_json_delta', partial_json })),
    blockStop(1),
    messageDelta('tool_use'),
  ]
  const { lazy, unread } = await readTwice(bytesOf(events), limits)
  expect(unread).toBe(events.filter(({ type }) => type === 'content_block_delta').length - 2)
  expect(lazy.partial()?.content).toMatchObject([{ text: parts.join('') }, { input: { query: parts } }])
  expect(lazy.characters).toBe(parts.join('').length + input.length)
  expect(lazy.toolCallComplete()).toBe(true)
})

it('goes on after a ping, and after an event that two chunks share', async () => {
  const deltas = Array.from({ length: 20 }, (_, index) => delta(0, { type: 'text_delta', text: `${index},` }))
  const events = [messageStart, blockStart(0, { type: 'text', text: '' }), ...deltas.slice(0, 10), ping]
  const whole = bytesOf([...events, ...deltas.slice(10)])
  const cut = bytesOf([...events, ...deltas.slice(10, 15)]).length + 40
  const { lazy, unread } = await readTwice(whole, { ...limits, sizes: [cut, 100_000] })
  // All but the first one and the one in two chunks.
  expect(unread).toBe(18)
  expect(lazy.partial()?.content).toMatchObject([{ text: deltas.map((_, index) => `${index},`).join('') }])
})

it('does not read on in a block that has ended, though the bytes are those of its deltas', async () => {
  const more = delta(0, { type: 'text_delta', text: 'b' })
  const events = [messageStart, blockStart(0, { type: 'text', text: '' }), more, more, blockStop(0), more]
  const { lazy } = await readTwice(bytesOf(events), limits)
  expect(lazy.events).toBe(5)
})

it('keeps no more of a message than it may, to the byte', async () => {
  const deltas = Array.from({ length: 9 }, () => delta(0, { type: 'text_delta', text: 'word ' }))
  const events = [messageStart, blockStart(0, { type: 'text', text: '' }), ...deltas]
  const bytes = bytesOf(events)
  const all = await readTwice(bytes, { ...limits, maxBytes: bytes.length })
  expect(all.lazy.partial()?.content).toMatchObject([{ text: 'word '.repeat(9) }])
  const less = await readTwice(bytes, { ...limits, maxBytes: bytes.length - 1 })
  expect([less.lazy.partial(), less.lazy.characters]).toEqual([undefined, 45])
})

it('keeps the input of a tool in any case, as it is checked', async () => {
  const parts = ['{"a":', '"b', 'c', 'd', '"}']
  const events = [
    messageStart,
    blockStart(0, { type: 'tool_use', id: 'a', name: 'b', input: {} }),
    ...parts.map((partial_json) => delta(0, { type: 'input_json_delta', partial_json })),
    blockStop(0),
    messageDelta('tool_use'),
  ]
  for (const maxBytes of [0, 500, 700, 1_000_000]) {
    const { lazy } = await readTwice(bytesOf(events), { ...limits, maxBytes })
    expect([lazy.toolCallComplete(), lazy.hasStopReason]).toEqual([true, true])
  }
})
