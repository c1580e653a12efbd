import type { StreamEvent } from '@breakwater/core'
import { describe, expect, it } from 'vitest'
import { messageReader, type EventMeaning, type MessageReader } from './message-reader.ts'
import {
  blockStart,
  blockStop,
  delta,
  everything,
  messageDelta,
  messageStart,
  messageStop,
  text,
  toolUse,
  type Data,
} from './testing/transcripts.ts'

function eventOf(data: Data | string, start: number, name?: string): StreamEvent {
  const json = typeof data === 'string' ? data : JSON.stringify(data)
  const type = name ?? (typeof data === 'string' ? 'x' : data.type)
  return { type, start, end: start + json.length, data: () => json }
}

/** Reads events as they stand behind each other in a body. */
function readAll(
  events: readonly (Data | string)[],
  maxBytes = 1_000_000,
): { reader: MessageReader; meanings: EventMeaning[] } {
  const reader = messageReader(maxBytes)
  let at = 0
  const meanings = events.map((data) => {
    const event = eventOf(data, at)
    at = event.end
    return reader.read(event)
  })
  return { reader, meanings }
}

const sizeOf = (events: readonly Data[]): number =>
  events.reduce((sum, event) => sum + JSON.stringify(event).length, 0)

describe('a limit on what is kept', () => {
  const broken = [messageStart, ...text(0, 'a', 'b'), ...toolUse(1, '{"a":', '[1'), messageDelta('tool_use')]
  it.each<[string, readonly Data[]]>([
    ['a whole message', everything],
    [
      'blocks within each other',
      [
        messageStart,
        blockStart(0, { type: 'text', text: '' }),
        ...text(1, 'a', 'b'),
        ...toolUse(2, '{"a":', '1}'),
        delta(0, { type: 'text_delta', text: 'c' }),
        blockStop(0),
        messageDelta('end_turn'),
        messageStop,
      ],
    ],
    ['a tool call that breaks off', broken],
  ])('changes nothing of what the events of %s mean, wherever it is reached', (_, events) => {
    const { reader: expected, meanings } = readAll(events)
    const size = sizeOf(events.filter(({ type }) => type !== 'ping'))
    for (let limit = 0; limit <= size; limit += 7) {
      const { reader, meanings: limited } = readAll(events, limit)
      expect(limited).toEqual(meanings)
      expect([reader.events, reader.characters]).toEqual([expected.events, expected.characters])
      expect(reader.toolCallComplete()).toBe(expected.toolCallComplete())
      if (limit < size && reader.partial() !== undefined) expect(reader.partial()).toEqual(expected.partial())
    }
    expect(readAll(events, size).reader.partial()).toEqual(expected.partial())
    expect(readAll(events, size).reader.partial()).toBeDefined()
  })

  it('counts bytes, wherever in the body they stand', () => {
    const reader = messageReader(sizeOf([messageStart]))
    reader.read(eventOf(messageStart, 5_000_000))
    expect(reader.partial()).toMatchObject({ id: 'msg_1' })
  })
})

describe('a delta that does not suit its block', () => {
  it.each<[string, Data, object]>([
    ['text in thinking', delta(0, { type: 'text_delta', text: 'no' }), { type: 'thinking', thinking: 'a' }],
    [
      'text in a tool call',
      delta(0, { type: 'text_delta', text: 'no' }),
      { type: 'tool_use', input: { a: 1 } },
    ],
    ['thinking in a text', delta(0, { type: 'thinking_delta', thinking: 'no' }), { type: 'text', text: 'a' }],
    [
      'input in a text',
      delta(0, { type: 'input_json_delta', partial_json: 'no' }),
      { type: 'text', text: 'a' },
    ],
    [
      'a citation in thinking',
      delta(0, { type: 'citations_delta', citation: 'no' }),
      { type: 'thinking', thinking: 'a' },
    ],
    [
      'a signature in a text',
      delta(0, { type: 'signature_delta', signature: 'no' }),
      { type: 'text', text: 'a' },
    ],
    [
      'a compaction in a text',
      delta(0, { type: 'compaction_delta', content: 'no' }),
      { type: 'text', text: 'a' },
    ],
    ['a text that is none', delta(0, { type: 'text_delta', text: 7 }), { type: 'text', text: 'a' }],
    ['nothing that is known', delta(0, { type: 'new_delta', text: 'no' }), { type: 'text', text: 'a' }],
  ])('is left out: %s', (_, odd, block) => {
    const { reader, meanings } = readAll([messageStart, blockStart(0, block), odd, blockStop(0)])
    expect(meanings.slice(2)).toEqual(['content', 'preamble'])
    expect(reader.characters).toBe(0)
    expect(reader.partial()?.content).toEqual([block])
  })
})

describe('the message so far', () => {
  it('goes on from what was there at the start', () => {
    const start: Data = {
      type: 'message_start',
      message: { id: 'msg_2', content: [{ type: 'text', text: 'before' }], usage: { input_tokens: 3 } },
    }
    const cited = blockStart(1, { type: 'text', text: 'a', citations: ['first'] })
    const { reader } = readAll([start, cited, delta(1, { type: 'citations_delta', citation: 'second' })])
    expect(reader.partial()?.content).toEqual([
      { type: 'text', text: 'before' },
      { type: 'text', text: 'a', citations: ['first', 'second'] },
    ])
  })

  it('has what a message_delta says beside its delta, and nothing of what it leaves out', () => {
    const extras: Data = {
      type: 'message_delta',
      delta: { stop_reason: 'end_turn', container: { id: 'container_1' } },
      usage: { output_tokens: 7, input_tokens: null },
      context_management: { applied_edits: [] },
    }
    const without: Data = {
      type: 'message_delta',
      delta: { stop_sequence: 'x', container: null },
      context_management: null,
    }
    const { reader } = readAll([messageStart, extras, without])
    const partial = reader.partial()
    expect(partial).toMatchObject({
      stop_reason: 'end_turn',
      stop_sequence: 'x',
      container: { id: 'container_1' },
      context_management: { applied_edits: [] },
      usage: { input_tokens: 9, output_tokens: 7 },
    })
    expect(partial).not.toHaveProperty('delta')
    expect(partial?.['type']).toBe('message')
  })
})

describe('an event', () => {
  it('is no fault of a ping, whatever is in it', () => {
    const reader = messageReader(1000)
    expect(reader.read(eventOf('not JSON', 0, 'ping'))).toBe('nothing')
    expect(reader.events).toBe(0)
  })

  it('of a name that only ends as those of a message do needs no message', () => {
    expect(readAll([{ type: 'new_message_event' }, { type: 'a_content_block_start' }]).meanings).toEqual([
      'content',
      'content',
    ])
  })

  it('that ends a block which never began is none to mind', () => {
    const { reader, meanings } = readAll([messageStart, blockStop(4), messageDelta('end_turn'), messageStop])
    expect(meanings).toEqual(['preamble', 'preamble', 'content', 'content'])
    expect(reader.toolCallComplete()).toBeUndefined()
  })

  it('that is too long to be looked at is no excuse for the tool call before it', () => {
    const { reader } = readAll([messageStart, ...toolUse(0, '{"a":')])
    const unseen: StreamEvent = { type: 'content_block_start', start: 0, end: 9, data: () => undefined }
    expect(reader.isSuspect).toBe(true)
    expect(reader.read(unseen)).toBe('tool_input')
  })

  it('that is a fault is not counted', () => {
    const { reader, meanings } = readAll([messageStart, ...toolUse(0, '{"a":'), messageDelta('tool_use')])
    expect([meanings.at(-1), reader.events]).toEqual(['tool_input', 4])
    expect(readAll([messageStart, messageStart]).reader.events).toBe(1)
  })
})
