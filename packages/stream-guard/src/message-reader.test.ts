import type { StreamEvent } from '@breakwater/core'
import { Stream } from '@anthropic-ai/sdk/core/streaming'
import { MessageStream } from '@anthropic-ai/sdk/lib/MessageStream'
import { describe, expect, it } from 'vitest'
import { messageReader, type EventMeaning, type MessageReader } from './message-reader.ts'
import {
  answer,
  blockStart,
  blockStop,
  bytesOf,
  delta,
  errorEvent,
  everything,
  messageDelta,
  messageStart,
  messageStop,
  ping,
  text,
  thinking,
  toolUse,
  type Data,
} from './testing/transcripts.ts'

function eventOf(data: Data | string, type = typeof data === 'string' ? 'x' : data.type): StreamEvent {
  const json = typeof data === 'string' ? data : JSON.stringify(data)
  return { type, start: 0, end: json.length, data: () => json }
}

function readAll(
  events: readonly (Data | string)[],
  maxBytes = 1_000_000,
): { reader: MessageReader; meanings: EventMeaning[] } {
  const reader = messageReader(maxBytes)
  return { reader, meanings: events.map((event) => reader.read(eventOf(event))) }
}

function meaningsOf(...events: (Data | string)[]): EventMeaning[] {
  return readAll(events).meanings
}

/** The message so far, as the SDK has it. */
async function snapshotOf(events: readonly Data[]): Promise<unknown> {
  const stream = Stream.fromSSEResponse(new Response(bytesOf(events)), new AbortController())
  const message = MessageStream.fromReadableStream(stream.toReadableStream())
  let snapshot: unknown
  message.on('streamEvent', (_, current) => {
    snapshot = current
  })
  await message.done().catch(() => {})
  return snapshot
}

describe('the meaning of an event', () => {
  it('tells the preamble from the content', () => {
    expect(meaningsOf(messageStart, ping, ...text(0, 'a'), messageDelta('end_turn'), messageStop)).toEqual([
      'preamble',
      'nothing',
      'preamble',
      'content',
      'preamble',
      'content',
      'content',
    ])
  })

  it.each<[EventMeaning, object]>([
    ['preamble', { type: 'text', text: '' }],
    ['content', { type: 'text', text: 'a' }],
    ['preamble', { type: 'thinking', thinking: '', signature: '' }],
    ['content', { type: 'thinking', thinking: 'a', signature: '' }],
    ['content', { type: 'redacted_thinking', data: 'x' }],
    ['preamble', { type: 'tool_use', id: 'a', name: 'b', input: {} }],
    ['preamble', { type: 'tool_use', id: 'a', name: 'b' }],
    ['content', { type: 'tool_use', id: 'a', name: 'b', input: { c: 1 } }],
    ['preamble', { type: 'server_tool_use', id: 'a', name: 'b', input: {} }],
    ['preamble', { type: 'mcp_tool_use', id: 'a', name: 'b', input: {} }],
    ['content', { type: 'web_search_tool_result', tool_use_id: 'a', content: [] }],
    ['preamble', { type: 'compaction', content: null }],
    ['content', { type: 'a_type_to_come' }],
  ])('takes for %s the start of %j', (meaning, block) => {
    expect(meaningsOf(messageStart, blockStart(0, block))).toEqual(['preamble', meaning])
  })

  it('takes an event of an unknown type for content, and one without type or data for none', () => {
    expect(meaningsOf({ type: 'new_event' })).toEqual(['content'])
    const reader = messageReader(1000)
    expect(reader.read(eventOf('[DONE]', ''))).toBe('nothing')
    expect(reader.read(eventOf('', 'message_start'))).toBe('nothing')
    expect(reader.read(eventOf('{"type":"ping"}', 'message'))).toBe('nothing')
    expect(reader.events).toBe(0)
  })

  it('goes by the type of the data, whatever the name', () => {
    const reader = messageReader(1000)
    expect(reader.read(eventOf(messageStart, 'message'))).toBe('preamble')
    expect(reader.read(eventOf(errorEvent(), 'message'))).toBe('error_event')
  })

  it('counts events without pings, and characters of content', () => {
    const { reader } = readAll(everything)
    expect(reader.events).toBe(everything.length - 1)
    expect(reader.characters).toBe('hm ü'.length + 'Grüße 🙂🙂 – end'.length + '{"query":"wéather"}'.length)
    expect(reader).toMatchObject({ isStarted: true, isStopped: true, hasStopReason: true, isSuspect: false })
  })
})

describe('an event that makes no sense', () => {
  const open = [messageStart, blockStart(0, { type: 'text', text: '' })]
  it.each<[string, (Data | string)[]]>([
    ['broken JSON', [messageStart, '{"type":']],
    ['JSON that is no object', [messageStart, '7']],
    ['null', ['null']],
    ['a block before the message', [blockStart(0, { type: 'text', text: '' })]],
    ['an end before the message', [messageStop]],
    ['a second message', [messageStart, messageStart]],
    ['a second message after the first', [...answer('a'), messageStart]],
    ['a message without a message', [{ type: 'message_start' }]],
    ['a message without content', [{ type: 'message_start', message: { id: 'a' } }]],
    ['a block without a block', [messageStart, { type: 'content_block_start', index: 0 }]],
    ['a second block in the same place', [...open, blockStart(0, { type: 'text', text: '' })]],
    ['a delta without a block', [messageStart, delta(0, { type: 'text_delta', text: 'a' })]],
    ['a delta of another block', [...open, delta(1, { type: 'text_delta', text: 'a' })]],
    ['a delta after its block', [...open, blockStop(0), delta(0, { type: 'text_delta', text: 'a' })]],
    ['a delta without a delta', [...open, { type: 'content_block_delta', index: 0 }]],
    ['an end without a delta', [...open, { type: 'message_delta', usage: { output_tokens: 1 } }]],
  ])('is %s', (_, events) => {
    expect(meaningsOf(...events).at(-1)).toBe('malformed')
    expect(meaningsOf(...events.slice(0, -1))).not.toContain('malformed')
  })

  it.each<[string, Data[]]>([
    ['a gap between blocks', [messageStart, ...text(0, 'a'), ...text(3, 'b')]],
    ['blocks within each other', [...open, ...text(1, 'a'), blockStop(0)]],
    ['a second end of a block', [...open, blockStop(0), blockStop(0)]],
    ['a second end of the message', [...answer('a'), messageStop]],
    ['what comes after the end', [...answer('a'), delta(0, { type: 'text_delta', text: 'a' })]],
    ['no usage', [...open, { type: 'message_delta', delta: { stop_reason: 'end_turn' } }]],
    ['a delta of an unknown type', [...open, delta(0, { type: 'new_delta' })]],
  ])('is not %s', (_, events) => {
    expect(meaningsOf(...events)).not.toContain('malformed')
  })
})

describe('the input of a tool', () => {
  const broken = toolUse(0, '{"a":', '[1')

  it.each([['tool_use'], ['end_turn'], ['pause_turn']])(
    'has to be JSON in a message that ends with %s: the event after its block tells',
    (reason) => {
      const { reader, meanings } = readAll([messageStart, ...broken, ping, messageDelta(reason)])
      expect(meanings.slice(-3)).toEqual(['preamble', 'nothing', 'tool_input'])
      expect(reader.partial()).toMatchObject({ stop_reason: null, content: [{ input: '{"a":[1' }] })
      expect(reader.toolCallComplete()).toBe(false)
    },
  )

  it.each([['max_tokens'], ['refusal'], ['model_context_window_exceeded']])(
    'may end anywhere in a message that says so itself, by %s',
    (reason) => {
      const { reader, meanings } = readAll([messageStart, ...broken, messageDelta(reason), messageStop])
      expect(meanings.slice(-2)).toEqual(['content', 'content'])
      expect(reader.toolCallComplete()).toBe(false)
    },
  )

  it.each<[string, Data[]]>([
    ['another block', [blockStart(1, { type: 'text', text: '' })]],
    ['a message_delta without a reason and the end', [messageDelta(null), messageStop]],
    ['an unknown event', [{ type: 'new_event' }]],
  ])('is wrong when %s follows', (_, events) => {
    expect(meaningsOf(messageStart, ...broken, ...events).at(-1)).toBe('tool_input')
  })

  it('is looked at too where its block was never closed', () => {
    const events = [messageStart, ...broken.slice(0, -1)]
    expect(meaningsOf(...events, messageDelta('tool_use'), messageStop).at(-1)).toBe('tool_input')
    expect(meaningsOf(...events, messageDelta('max_tokens'), messageStop).at(-1)).toBe('content')
    expect(meaningsOf(...events, messageStop).at(-1)).toBe('tool_input')
  })

  it.each([['server_tool_use'], ['mcp_tool_use']])('is that of %s too', (type) => {
    const start = blockStart(0, { type, id: 'a', name: 'b', input: {} })
    expect(meaningsOf(messageStart, start, ...broken.slice(1), messageDelta('tool_use')).at(-1)).toBe(
      'tool_input',
    )
  })

  it('may be empty, and may come at the start', () => {
    const start = blockStart(1, { type: 'tool_use', id: 'b', name: 'b', input: { c: 1 } })
    const { reader } = readAll([messageStart, ...toolUse(0, ''), start, blockStop(1)])
    expect(reader.isSuspect).toBe(false)
    expect(reader.toolCallComplete()).toBe(true)
    expect(reader.partial()?.content).toMatchObject([{ input: {} }, { input: { c: 1 } }])
  })

  it('is looked at when nothing is kept for the partial message', () => {
    const { reader, meanings } = readAll([messageStart, ...broken, messageDelta('tool_use')], 0)
    expect(meanings.at(-1)).toBe('tool_input')
    expect(reader.partial()).toBeUndefined()
    expect(reader.toolCallComplete()).toBe(false)
  })

  it('passes where it is too large to be kept', () => {
    const large = `{"a":"${'x'.repeat(600_000)}`
    const events = [messageStart, ...toolUse(0, large, large, large), messageDelta('tool_use')]
    const { reader, meanings } = readAll(events, 0)
    expect(meanings.at(-1)).toBe('content')
    expect(reader.toolCallComplete()).toBe(false)
    expect(readAll(events, 10_000_000).meanings.at(-1)).toBe('tool_input')
  })

  it('is incomplete until its block ends', () => {
    expect(readAll([messageStart, ...text(0, 'a')]).reader.toolCallComplete()).toBeUndefined()
    expect(readAll([messageStart, ...toolUse(0, '{}').slice(0, -1)]).reader.toolCallComplete()).toBe(false)
    expect(readAll([messageStart, ...toolUse(0, '{}')]).reader.toolCallComplete()).toBe(true)
  })
})

describe('the message so far', () => {
  const citations = [
    delta(1, { type: 'citations_delta', citation: { type: 'char_location', cited_text: 'a' } }),
    delta(1, { type: 'citations_delta', citation: { type: 'char_location', cited_text: 'b' } }),
  ]
  const transcript: readonly Data[] = [
    messageStart,
    ...thinking(0, 'hm ', 'ü'),
    blockStart(1, { type: 'text', text: 'at once, ', citations: [] }),
    delta(1, { type: 'text_delta', text: 'Grüße ' }),
    ...citations,
    delta(1, { type: 'text_delta', text: '🙂' }),
    // Not for this block: the SDK leaves it out.
    delta(1, { type: 'thinking_delta', thinking: 'no' }),
    blockStop(1),
    ...toolUse(2, '{"query":', '"wéather"}'),
    blockStart(3, { type: 'redacted_thinking', data: 'x' }),
    blockStop(3),
    messageDelta('tool_use'),
    messageStop,
  ]

  it.each(transcript.map((_, index) => index + 1))('is the SDK’s after %i events', async (count) => {
    const events = transcript.slice(0, count)
    const partial = readAll(events).reader.partial()
    const snapshot = await snapshotOf(events)
    const content = partial?.content.map((block) =>
      // The SDK guesses at the rest of an input.
      typeof block['input'] === 'string' ? { ...block, input: expect.anything() } : block,
    )
    expect(snapshot).toMatchObject({ ...partial, content })
    expect(partial?.content).toHaveLength((snapshot as { content: unknown[] }).content.length)
  })

  it('has an input as its text until it is whole', () => {
    const parts = toolUse(0, '{"a":', '1}')
    expect(readAll([messageStart, ...parts.slice(0, 2)]).reader.partial()?.content).toMatchObject([
      { input: '{"a":' },
    ])
    expect(readAll([messageStart, ...parts]).reader.partial()?.content).toMatchObject([{ input: { a: 1 } }])
  })

  it('has the content of a compaction, which comes as a whole', () => {
    const events = [
      messageStart,
      blockStart(0, { type: 'compaction', content: null }),
      delta(0, { type: 'compaction_delta', content: 'in short' }),
    ]
    expect(readAll(events).reader.partial()?.content).toEqual([{ type: 'compaction', content: 'in short' }])
  })

  it('keeps the counts of usage that a message_delta leaves out', () => {
    const { reader } = readAll([messageStart, messageDelta('end_turn')])
    expect(reader.partial()).toMatchObject({
      stop_reason: 'end_turn',
      usage: { input_tokens: 9, output_tokens: 7 },
    })
  })

  it('is not there before it begins, nor when it is too large', () => {
    expect(readAll([ping]).reader.partial()).toBeUndefined()
    const events = answer('x'.repeat(1000), 'y')
    const size = events.reduce((sum, event) => sum + JSON.stringify(event).length, 0)
    expect(readAll(events, size).reader.partial()?.content).toHaveLength(1)
    const { reader, meanings } = readAll(events, size - 1)
    expect(reader.partial()).toBeUndefined()
    expect(reader.characters).toBe(1001)
    expect(meanings).toEqual(meaningsOf(...events))
  })
})

describe('an event that is too long to be looked at', () => {
  const unseen = (type: string): StreamEvent => ({ type, start: 0, end: 2_000_000, data: () => undefined })

  it('is content, and what refers to it is not judged', () => {
    const { reader } = readAll([messageStart])
    expect(reader.read(unseen('content_block_start'))).toBe('content')
    expect(reader.read(eventOf(delta(0, { type: 'text_delta', text: 'a' })))).toBe('content')
    expect(reader.partial()).toBeUndefined()
    expect(reader.events).toBe(3)
  })

  it('may be the start of the message or a part of an input', () => {
    const reader = messageReader(1_000_000)
    expect(reader.read(unseen('message_start'))).toBe('content')
    expect(reader.read(eventOf(toolUse(0)[0]!))).toBe('preamble')
    expect(reader.read(unseen('content_block_delta'))).toBe('content')
    expect(reader.read(eventOf(delta(0, { type: 'input_json_delta', partial_json: '"}' })))).toBe('content')
    expect(reader.read(eventOf(blockStop(0)))).toBe('preamble')
    expect(reader.read(eventOf(messageDelta('tool_use')))).toBe('content')
    expect(reader.toolCallComplete()).toBe(false)
  })

  it('does not hide an error', () => {
    expect(messageReader(0).read(unseen('error'))).toBe('error_event')
  })
})
