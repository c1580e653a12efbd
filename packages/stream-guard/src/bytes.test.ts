import { setImmediate } from 'node:timers/promises'
import { Stream } from '@anthropic-ai/sdk/core/streaming'
import fc from 'fast-check'
import { describe, expect, it, vi } from 'vitest'
import { StreamInterruptedError } from './stream-interrupted-error.ts'
import { eventsOf, failureOf } from './testing/outcomes.ts'
import { eachAlone, guardedFetch, joined, outcomeOf, responseOf, type Outcome } from './testing/raw.ts'
import {
  answer,
  blockStart,
  bytesOf,
  delta,
  errorEvent,
  everything,
  messageDelta,
  messageStart,
  messageStop,
  ping,
  sse,
  text,
  toolUse,
  type Data,
} from './testing/transcripts.ts'

const newlines = ['\n', '\r\n', '\r'] as const

function faultOf({ status, error }: Outcome): unknown {
  if (status !== 200) return status
  return error instanceof StreamInterruptedError ? error.reason : error
}

/** Much faster than a deep comparison. */
function expectBytes(got: Uint8Array, expected: Uint8Array): void {
  expect(Buffer.compare(got, expected)).toBe(0)
}

/** How many events the preamble of an answer has. */
const preamble = 2

describe('the bytes of a stream', () => {
  it.each(newlines.flatMap((newline) => [[newline, false] as const, [newline, true] as const]))(
    'pass as they are, wherever they are split (%j, BOM: %s)',
    async (newline, hasMark) => {
      const bytes = bytesOf([hasMark ? '\uFEFF' : '', ...everything], newline)
      for (let at = 1; at < bytes.length; at++) {
        const {
          bytes: got,
          error,
          status,
        } = await outcomeOf({ chunks: [bytes.slice(0, at), bytes.slice(at)] })
        expect(error).toBeUndefined()
        expect(status).toBe(200)
        expectBytes(got, bytes)
      }
    },
  )

  it('pass as they are one by one', async () => {
    const bytes = bytesOf(everything)
    const chunks = Array.from(bytes, (byte) => new Uint8Array([byte]))
    const { bytes: got, error } = await outcomeOf({ chunks })
    expect(error).toBeUndefined()
    expect(got).toEqual(bytes)
  })

  it('pass with comments, unknown fields, data in lines, a mark at the end', async () => {
    const parts = [': a comment\n\n', 'retry: 10\nid: 1\n', ...answer('a'), 'data: [DONE]\n\n']
    const [start = ''] = parts
    const inLines = `event: message_start\ndata: {"type":"message_start",\ndata: "message":{"content":[]}}\n\n`
    const bytes = bytesOf([start, inLines, ...parts.slice(3)])
    const { bytes: got, error, status } = await outcomeOf({ chunks: [bytes] })
    expect([status, error]).toEqual([200, undefined])
    expect(got).toEqual(bytes)
    expect((await outcomeOf({ chunks: [bytesOf(parts)] })).error).toBeUndefined()
  })

  it('are read at the pace of the reader, nothing ahead', async () => {
    const chunks = eachAlone(...answer(...Array.from({ length: 50 }, () => 'word ')))
    const upstream = responseOf({ chunks })
    const pulled = vi.fn<() => void>()
    const body = upstream.body!.getReader()
    const counted = new ReadableStream<Uint8Array>(
      {
        async pull(controller) {
          pulled()
          const { done, value } = await body.read()
          if (done) controller.close()
          else controller.enqueue(value)
        },
      },
      { highWaterMark: 0 },
    )
    const response = await guardedFetch(() => new Response(counted, { headers: upstream.headers }))
    const reader = response.body!.getReader()
    // message_start, the start of the block, the first delta.
    expect(pulled).toHaveBeenCalledTimes(3)
    for (let read = 0; read < 3; read++) await reader.read()
    expect(pulled).toHaveBeenCalledTimes(3)
    await reader.read()
    expect(pulled).toHaveBeenCalledTimes(4)
  })

  it('pass with an event of 10 MB, which is not looked at', async () => {
    const large = delta(0, { type: 'text_delta', text: 'x'.repeat(10_000_000) })
    const bytes = bytesOf([
      messageStart,
      blockStart(0, { type: 'text', text: '' }),
      large,
      messageDelta('end_turn'),
      messageStop,
    ])
    const chunks = Array.from({ length: Math.ceil(bytes.length / 65_536) }, (_, index) =>
      bytes.slice(index * 65_536, (index + 1) * 65_536),
    )
    const { bytes: got, error } = await outcomeOf({ chunks })
    expect(error).toBeUndefined()
    expect(got.length).toBe(bytes.length)
  })
})

describe('a fault after the commit point', () => {
  const events = answer('one ', 'two ', 'three')
  const faults: [string, string, string][] = [
    ['error_event', sse(errorEvent()), 'error_event'],
    ['broken JSON', 'event: content_block_delta\ndata: {"type":\n\n', 'malformed'],
    ['a second message', sse(messageStart), 'malformed'],
  ]

  it.each(
    faults.flatMap(([name, fault, reason]) =>
      newlines.map((newline) => [name, newline, fault, reason] as const),
    ),
  )('cuts the stream before the byte at which it begins: %s, %j', async (_, newline, fault, reason) => {
    for (let at = preamble + 1; at < events.length; at++) {
      const before = bytesOf(events.slice(0, at), newline)
      const whole = bytesOf(
        [...events.slice(0, at), fault.replaceAll('\n', newline), ...events.slice(at)],
        newline,
      )
      const outcome = await outcomeOf({ chunks: [whole] })
      expect(faultOf(outcome)).toBe(reason)
      expect(outcome.bytes).toEqual(before)
      expect(outcome.error).toMatchObject({ deliveredEvents: at })
    }
  })

  it.each(newlines.flatMap((newline) => [[newline, ''] as const, [newline, '\uFEFF'] as const]))(
    'is the same wherever the bytes are split (%j, %j), at any event of any kind of content',
    { timeout: 30_000 },
    async (newline, mark) => {
      for (let at = 3; at < everything.length; at++) {
        const before = bytesOf([mark, ...everything.slice(0, at)], newline).length
        const after = before + bytesOf([errorEvent()], newline).length
        const whole = bytesOf(
          [mark, ...everything.slice(0, at), errorEvent(), ...everything.slice(at)],
          newline,
        )
        const expected = await outcomeOf({ chunks: [whole] })
        expect(expected.bytes).toHaveLength(before)
        for (let split = before - 3; split < after + 3; split++) {
          const outcome = await outcomeOf({ chunks: [whole.slice(0, split), whole.slice(split)] })
          expect(outcome.error).toEqual(expected.error)
          // A part of the fault may have come before its end was known. The blank line is over with its first character.
          const end = split > before && split < after - (newline === '\r\n' ? 1 : 0) ? split : before
          expectBytes(outcome.bytes, whole.slice(0, end))
        }
      }
    },
  )

  it('is an input of a tool that is not JSON: its end is not delivered where it shares a chunk with what tells', async () => {
    const call = [messageStart, ...toolUse(0, '{"a":')]
    const parts = [...call, messageDelta('tool_use'), messageStop]
    const shared = await outcomeOf({ chunks: [bytesOf(parts)] })
    expect(shared.error).toMatchObject({ reason: 'tool_input', deliveredEvents: 3, toolCallComplete: false })
    expect(shared.bytes).toEqual(bytesOf(parts.slice(0, 3)))
    const alone = await outcomeOf({ chunks: eachAlone(...parts) })
    expect(alone.error).toMatchObject({ reason: 'tool_input', deliveredEvents: 4 })
    expect(alone.bytes).toEqual(bytesOf(parts.slice(0, 4)))
    const cut = await outcomeOf({ chunks: [bytesOf([...call, messageDelta('max_tokens'), messageStop])] })
    expect(cut.error).toBeUndefined()
  })

  it('may share the chunk of the first content: what came before is delivered', async () => {
    const whole = bytesOf([...events.slice(0, 3), errorEvent()])
    const outcome = await outcomeOf({ chunks: [whole] })
    expect([outcome.status, faultOf(outcome)]).toEqual([200, 'error_event'])
    expect(outcome.bytes).toEqual(bytesOf(events.slice(0, 3)))
  })

  it('delivers all that came when the stream just ends', async () => {
    const chunks = eachAlone(...events.slice(0, 4), 'event: content_bl')
    const ended = await outcomeOf({ chunks })
    expect(faultOf(ended)).toBe('truncated')
    expect(ended.bytes).toEqual(joined(chunks))
    const failure = new TypeError('terminated')
    const broken = await outcomeOf({ chunks, failure })
    expect(broken.error).toMatchObject({ reason: 'cut', lastError: failure })
    expect(broken.bytes).toEqual(joined(chunks))
  })

  it('is an error after message_stop too, as the SDK has it', async () => {
    const { error, bytes } = await outcomeOf({ chunks: [bytesOf([...events, errorEvent()])] })
    expect(error).toMatchObject({ reason: 'error_event', deliveredEvents: events.length })
    expectBytes(bytes, bytesOf(events))
  })

  it.each([
    ['ends', 'truncated', undefined],
    ['breaks', 'cut', new TypeError('terminated')],
  ])('delivers what is held when a stream that was let go %s', async (_, reason, failure) => {
    const chunk = bytesOf(events.slice(0, 2))
    let upstream: ReadableStreamDefaultController<Uint8Array> | undefined
    const body = new ReadableStream<Uint8Array>({
      start(controller) {
        upstream = controller
        controller.enqueue(chunk)
      },
    })
    const headers = { 'content-type': 'text/event-stream' }
    const response = await guardedFetch(() => new Response(body, { headers }), { maxPreambleMs: 0 })
    if (failure === undefined) upstream?.close()
    else upstream?.error(failure)
    await setImmediate()
    const reader = response.body!.getReader()
    expectBytes((await reader.read()).value!, chunk)
    expect(await failureOf(reader.read())).toMatchObject({ reason, deliveredEvents: 2, lastError: failure })
  })

  it('takes an end after message_stop as the network gives it', async () => {
    const failure = new TypeError('terminated')
    const { error } = await outcomeOf({ chunks: eachAlone(...events), failure })
    expect(error).toBe(failure)
  })

  it('names the request of the error where the headers do not', async () => {
    const chunks = eachAlone(...events.slice(0, 4), errorEvent())
    const { error } = await outcomeOf({ chunks, headers: { 'request-id': '' } })
    expect(error).toMatchObject({ requestId: 'req_body' })
  })
})

describe('a fault before the commit point', () => {
  it.each([0, 1, 2])('is a response, wherever it is split (after %i events)', async (at) => {
    const data = JSON.stringify(errorEvent())
    for (const newline of newlines) {
      const whole = bytesOf([...answer('a').slice(0, at), errorEvent(), ...answer('a')], newline)
      const end = bytesOf([...answer('a').slice(0, at), errorEvent()], newline).length
      for (let split = 1; split < end; split++) {
        const outcome = await outcomeOf({ chunks: [whole.slice(0, split), whole.slice(split)] })
        expect(outcome.status).toBe(529)
        expect(outcome.text).toBe(data)
      }
    }
  })

  it('has the text of an error that is not JSON', async () => {
    const outcome = await outcomeOf({ chunks: eachAlone(messageStart, 'event: error\ndata: Overloaded\n\n') })
    expect(outcome).toMatchObject({ status: 500, text: 'Overloaded' })
    expect(outcome.headers.get('content-type')).toBe('text/plain')
  })

  it('takes the id of the request from the event where the headers have none', async () => {
    const response = responseOf({ chunks: eachAlone(errorEvent()) })
    response.headers.delete('request-id')
    expect((await guardedFetch(() => response)).headers.get('request-id')).toBe('req_body')
  })
})

/** Events of an answer, healthy or not, as they may come. */
const deltas = fc.oneof(
  fc.string({ unit: 'grapheme', maxLength: 12 }).map((part) => ({ kind: 'text', part })),
  fc.string({ unit: 'grapheme', maxLength: 12 }).map((part) => ({ kind: 'thinking', part })),
  fc
    .dictionary(fc.string({ maxLength: 4 }), fc.json(), { maxKeys: 3 })
    .map((input) => ({ kind: 'tool', part: JSON.stringify(input) })),
)
const noise = fc.constantFrom(
  sse(ping),
  ': comment\n\n',
  ':\n',
  'event: new_event\ndata: {"type":"new_event"}\n\n',
  '\n',
)
const faults = fc.constantFrom('none', 'error', 'end', 'cut', 'garbage', 'order')
const transcripts = fc.record({
  blocks: fc.array(deltas, { maxLength: 5 }),
  noise: fc.array(fc.record({ at: fc.nat(40), text: noise }), { maxLength: 4 }),
  fault: faults,
  at: fc.nat(40),
  newline: fc.constantFrom(...newlines),
  inLines: fc.boolean(),
  mark: fc.boolean(),
  sizes: fc.array(fc.oneof(fc.integer({ min: 1, max: 200 }), fc.integer({ min: 400, max: 4000 })), {
    minLength: 1,
    maxLength: 20,
  }),
})

function eventsOfBlocks(blocks: readonly { kind: string; part: string }[]): Data[] {
  const events = blocks.flatMap(({ kind, part }, index) => {
    const half = Math.ceil(part.length / 2)
    const parts = [part.slice(0, half), part.slice(half)]
    if (kind === 'tool') return toolUse(index, ...parts)
    return kind === 'text'
      ? text(index, ...parts)
      : [
          blockStart(index, { type: 'thinking', thinking: '', signature: '' }),
          ...parts.map((thinking) => delta(index, { type: 'thinking_delta', thinking })),
          { type: 'content_block_stop', index },
        ]
  })
  return [messageStart, ...events, messageDelta('end_turn'), messageStop]
}

function chunksOf(bytes: Uint8Array<ArrayBuffer>, sizes: readonly number[]): Uint8Array<ArrayBuffer>[] {
  const chunks: Uint8Array<ArrayBuffer>[] = []
  for (let at = 0, index = 0; at < bytes.length; index++) {
    const size = sizes[index % sizes.length]!
    chunks.push(bytes.slice(at, at + size))
    at += size
  }
  return chunks
}

function framed(event: Data, inLines: boolean): string {
  const json = JSON.stringify(event)
  const data = inLines ? json.replace(',', ',\ndata: ') : json
  return `event: ${event.type}\ndata: ${data}\n\n`
}

describe('as the SDK decodes it', () => {
  it('a guarded stream is sound exactly where the SDK reads it to its message_stop', async () => {
    await fc.assert(
      fc.asyncProperty(transcripts, async ({ blocks, noise, fault, at, newline, inLines, mark, sizes }) => {
        const events = eventsOfBlocks(blocks)
        const place = at % events.length
        const parts = events.map((event) => framed(event, inLines))
        if (fault === 'error') parts.splice(place, 0, sse(errorEvent()))
        if (fault === 'garbage') parts[place] = parts[place]!.replace(/\}\n\n$/, '\n\n')
        if (fault === 'order') parts.splice(place, 0, sse(delta(99, { type: 'text_delta', text: 'lost' })))
        if (fault === 'end' || fault === 'cut') parts.splice(place)
        for (const { at: index, text } of noise) parts.splice(index % (parts.length + 1), 0, text)
        const upstream = bytesOf([
          mark ? '\uFEFF' : '',
          ...parts.map((part) => part.replaceAll('\n', newline)),
        ])
        const failure = fault === 'cut' ? new TypeError('terminated') : undefined
        const source = { chunks: chunksOf(upstream, sizes), failure }

        const oracle = await eventsOf(
          Stream.fromSSEResponse<Data>(responseOf(source), new AbortController(), {
            logLevel: 'off',
          } as never),
        )
        const isSound =
          oracle.error === undefined &&
          oracle.events.some(({ type }) => type === 'message_stop') &&
          fault !== 'order'

        const response = await guardedFetch(() => responseOf(source))
        if (!response.ok) {
          expect(isSound).toBe(false)
          expect(response.status).toBe(fault === 'error' ? 529 : 502)
          return
        }
        const chunks: Uint8Array[] = []
        const got = await eventsOf(response.body!)
        chunks.push(...got.events)
        const delivered = joined(chunks)
        expect(delivered).toEqual(upstream.slice(0, delivered.length))
        expect(got.error === undefined).toBe(isSound)
        if (isSound) {
          expect(delivered.length).toBe(upstream.length)
          return
        }
        expect(got.error).toBeInstanceOf(StreamInterruptedError)
        const { reason, deliveredEvents } = got.error as StreamInterruptedError
        const reasons: Record<string, string> = { error: 'error_event', end: 'truncated', cut: 'cut' }
        expect(reason).toBe(reasons[fault] ?? 'malformed')
        // What is delivered is what the SDK can read of it.
        const decoded = await eventsOf(
          Stream.fromSSEResponse<Data>(new Response(delivered), new AbortController()),
        )
        expect(decoded.events).toHaveLength(deliveredEvents)
      }),
      { numRuns: 200 },
    )
  })
})
