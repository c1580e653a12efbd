import { markLocal } from '@breakwater/core'

/** A whole, well-formed answer of the Messages API with this text, as JSON or as an event stream. */
export function messageResponse(text: string, model: string, isStream: boolean): Response {
  const content = { type: 'text', text, citations: null }
  const message = {
    id: `msg_breakwater_${crypto.randomUUID().replaceAll('-', '')}`,
    type: 'message',
    role: 'assistant',
    model,
    content: [content],
    stop_reason: 'end_turn',
    stop_sequence: null,
    stop_details: null,
    container: null,
    usage: {
      input_tokens: 0,
      cache_creation_input_tokens: 0,
      cache_read_input_tokens: 0,
      output_tokens: 0,
    },
  }
  if (!isStream) return answer(JSON.stringify(message), 'application/json')
  const { stop_reason, stop_sequence, stop_details, container, usage } = message
  const opening = { ...message, content: [], stop_reason: null }
  const delta = { stop_reason, stop_sequence, stop_details, container }
  const events = [
    { type: 'message_start', message: opening },
    { type: 'content_block_start', index: 0, content_block: { ...content, text: '' } },
    { type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text } },
    { type: 'content_block_stop', index: 0 },
    { type: 'message_delta', delta, usage },
    { type: 'message_stop' },
  ]
  const transcript = events.map((event) => `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`)
  return answer(transcript.join(''), 'text/event-stream')
}

function answer(body: string, type: string): Response {
  return markLocal(new Response(body, { headers: { 'content-type': `${type}; charset=utf-8` } }))
}
