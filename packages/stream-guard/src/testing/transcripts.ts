/** The data of an event. */
export interface Data {
  readonly type: string
  readonly [field: string]: unknown
}

const usage = { input_tokens: 9, output_tokens: 1 }

export const messageStart: Data = {
  type: 'message_start',
  message: {
    id: 'msg_1',
    type: 'message',
    role: 'assistant',
    model: 'claude-haiku-5-5',
    content: [],
    stop_reason: null,
    stop_sequence: null,
    usage,
  },
}
export const ping: Data = { type: 'ping' }
export const messageStop: Data = { type: 'message_stop' }

/** The end of a message. */
export function messageDelta(stop_reason: string | null): Data {
  return {
    type: 'message_delta',
    delta: { stop_reason, stop_sequence: null, stop_details: null },
    usage: { input_tokens: null, output_tokens: 7 },
  }
}

export function blockStart(index: number, content_block: object): Data {
  return { type: 'content_block_start', index, content_block }
}

export function delta(index: number, delta: object): Data {
  return { type: 'content_block_delta', index, delta }
}

export function blockStop(index: number): Data {
  return { type: 'content_block_stop', index }
}

/** An error in a stream. */
export function errorEvent(type = 'overloaded_error'): Data {
  return { type: 'error', error: { type, message: 'Try again later', details: null }, request_id: 'req_body' }
}

/** A text block. */
export function text(index: number, ...parts: string[]): Data[] {
  return [
    blockStart(index, { type: 'text', text: '' }),
    ...parts.map((part) => delta(index, { type: 'text_delta', text: part })),
    blockStop(index),
  ]
}

/** A tool call, its input in parts. */
export function toolUse(index: number, ...parts: string[]): Data[] {
  return [
    blockStart(index, { type: 'tool_use', id: `toolu_${index}`, name: 'find', input: {} }),
    ...parts.map((partial_json) => delta(index, { type: 'input_json_delta', partial_json })),
    blockStop(index),
  ]
}

/** Thinking with its signature. */
export function thinking(index: number, ...parts: string[]): Data[] {
  return [
    blockStart(index, { type: 'thinking', thinking: '', signature: '' }),
    ...parts.map((part) => delta(index, { type: 'thinking_delta', thinking: part })),
    delta(index, { type: 'signature_delta', signature: 'c2ln' }),
    blockStop(index),
  ]
}

/** Text of more than one byte a character, thinking and two tool calls, as an answer. */
export const everything: readonly Data[] = [
  messageStart,
  ...thinking(0, 'hm ', 'ü'),
  ping,
  ...text(1, 'Grüße ', '🙂🙂', ' – end'),
  ...toolUse(2, '', '{"query":', '"wéather"}'),
  ...toolUse(3),
  messageDelta('tool_use'),
  messageStop,
]

/** A message of one text block. */
export function answer(...parts: string[]): Data[] {
  return [messageStart, ...text(0, ...parts), messageDelta('end_turn'), messageStop]
}

const encoder = new TextEncoder()

/** An event on the wire. */
export function sse(data: Data, newline = '\n'): string {
  return `event: ${data.type}${newline}data: ${JSON.stringify(data)}${newline}${newline}`
}

/** The bytes of a stream: events, and texts as they are. */
export function bytesOf(parts: readonly (Data | string)[], newline = '\n'): Uint8Array<ArrayBuffer> {
  return encoder.encode(parts.map((part) => (typeof part === 'string' ? part : sse(part, newline))).join(''))
}
