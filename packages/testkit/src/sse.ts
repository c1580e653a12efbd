import { type Block, contentText, type FakeMessage } from './message.ts'

/** One server-sent event with its text on the wire. */
export interface SseEvent {
  name: string
  text: string
}

/** The data of an event, which its type names. */
export interface EventData {
  type: string
  [field: string]: unknown
}

/** Options of {@link messageEvents}. */
export interface MessageEventsOptions {
  deltaChars: number
  newline: string
  truncateToolJson: boolean
}

/** Frames one server-sent event, its type being its name. */
export function sseEvent(data: EventData, newline = '\n'): SseEvent {
  return {
    name: data.type,
    text: `event: ${data.type}${newline}data: ${JSON.stringify(data)}${newline}${newline}`,
  }
}

/** Lists the events that stream a message, in the order of the real API. */
export function messageEvents(message: FakeMessage, options: MessageEventsOptions): SseEvent[] {
  const { newline } = options
  const { content, usage, stop_reason, stop_sequence, stop_details, container } = message
  const { input_tokens, output_tokens, cache_creation_input_tokens, cache_read_input_tokens } = usage
  const opening = { ...message, content: [], stop_reason: null, stop_sequence: null, stop_details: null }
  const events = [
    sseEvent(
      { type: 'message_start', message: { ...opening, usage: { ...usage, output_tokens: 1 } } },
      newline,
    ),
  ]
  for (const [index, block] of content.entries()) {
    for (const data of blockEvents(block, index, options)) events.push(sseEvent(data, newline))
    // The real stream sends its first ping once the first block is open.
    if (index === 0) events.splice(2, 0, sseEvent({ type: 'ping' }, newline))
  }
  const ending = {
    type: 'message_delta',
    delta: { stop_reason, stop_sequence, stop_details, container },
    usage: {
      input_tokens,
      cache_creation_input_tokens,
      cache_read_input_tokens,
      output_tokens,
      output_tokens_details: null,
      server_tool_use: null,
    },
  }
  events.push(sseEvent(ending, newline), sseEvent({ type: 'message_stop' }, newline))
  return events
}

function blockEvents(block: Block, index: number, options: MessageEventsOptions): EventData[] {
  const whole = contentText(block)
  const truncated = options.truncateToolJson && block.type === 'tool_use'
  const sent = truncated ? whole.slice(0, Math.floor(whole.length / 2)) : whole
  const pieces = sent.match(new RegExp(`[^]{1,${options.deltaChars}}`, 'gu')) ?? []
  const deltas: object[] = pieces.map((piece) => contentDelta(block, piece))
  if (block.type === 'tool_use') deltas.unshift(contentDelta(block, ''))
  if (block.type === 'thinking') deltas.push({ type: 'signature_delta', signature: block.signature })
  return [
    { type: 'content_block_start', index, content_block: emptyBlock(block) },
    ...deltas.map((delta) => ({ type: 'content_block_delta', index, delta })),
    { type: 'content_block_stop', index },
  ]
}

function emptyBlock(block: Block): Block {
  if (block.type === 'text') return { ...block, text: '' }
  return block.type === 'thinking' ? { ...block, thinking: '', signature: '' } : { ...block, input: {} }
}

function contentDelta(block: Block, piece: string): object {
  if (block.type === 'text') return { type: 'text_delta', text: piece }
  if (block.type === 'thinking') return { type: 'thinking_delta', thinking: piece }
  return { type: 'input_json_delta', partial_json: piece }
}
