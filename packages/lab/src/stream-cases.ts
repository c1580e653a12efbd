import { Stream } from '@anthropic-ai/sdk/core/streaming'
import { chain, type Middleware } from '@breakwater/core'
import { streamGuard } from '@breakwater/stream-guard'
import { timeout } from '@breakwater/timeout'
import { callParts } from './call-parts.ts'

/** One way to read a stream to its end. */
export interface StreamCase {
  readonly name: string
  readonly read: (stream: Transcript) => Promise<void>
}

/** A stream that is made anew for every reader, chunk by chunk as it is read. */
export interface Transcript {
  readonly events: number
  readonly bytes: number
  readonly response: () => Response
}

const encoder = new TextEncoder()
const headers = { 'content-type': 'text/event-stream', 'request-id': 'req_bench' }

/** A message of `deltas` text deltas of `characters` each, `eventsPerChunk` events to a chunk. */
export function transcript(deltas: number, characters: number, eventsPerChunk: number): Transcript {
  const usage = { input_tokens: 10, output_tokens: 1 }
  const message = {
    id: 'msg',
    type: 'message',
    role: 'assistant',
    model: 'm',
    content: [],
    stop_reason: null,
    usage,
  }
  const before = [
    { type: 'message_start', message },
    { type: 'content_block_start', index: 0, content_block: { type: 'text', text: '' } },
  ]
  const delta = {
    type: 'content_block_delta',
    index: 0,
    delta: { type: 'text_delta', text: 'x'.repeat(characters) },
  }
  const after = [
    { type: 'content_block_stop', index: 0 },
    { type: 'message_delta', delta: { stop_reason: 'end_turn', stop_sequence: null }, usage },
    { type: 'message_stop' },
  ]
  const bytesOf = (events: readonly { type: string }[]): Uint8Array =>
    encoder.encode(events.map((event) => `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`).join(''))
  const [first, middle, last] = [
    bytesOf(before),
    bytesOf(Array.from({ length: eventsPerChunk }, () => delta)),
    bytesOf(after),
  ]
  const chunks = Math.ceil(deltas / eventsPerChunk)
  return {
    events: chunks * eventsPerChunk + before.length + after.length,
    bytes: first.length + chunks * middle.length + last.length,
    response() {
      let sent = -1
      const body = new ReadableStream<Uint8Array>(
        {
          pull(controller) {
            if (sent === -1) controller.enqueue(first)
            else if (sent < chunks) controller.enqueue(middle.slice())
            else if (sent === chunks) controller.enqueue(last)
            else controller.close()
            sent++
          },
        },
        { highWaterMark: 0 },
      )
      return new Response(body, { headers })
    },
  }
}

/** Who reads what. */
export function streamCases(): StreamCase[] {
  const { request, context } = callParts(1_000)
  const limits = timeout({ totalMs: 600_000 })
  const through = (
    middleware: Middleware,
    read: (response: Response) => Promise<void>,
  ): StreamCase['read'] => {
    return async ({ response }) =>
      read(await middleware(request(), () => Promise.resolve(response()), context()))
  }
  const pass: Middleware = async (request, next) => {
    const response = await next(request)
    const reader = response.body?.getReader()
    const body = new ReadableStream<Uint8Array>(
      {
        pull: (controller) =>
          reader?.read().then(({ done, value }) => (done ? controller.close() : controller.enqueue(value))),
        cancel: (reason) => reader?.cancel(reason),
      },
      { highWaterMark: 0 },
    )
    return new Response(body, response)
  }
  return [
    { name: 'bare body', read: ({ response }) => drain(response()) },
    { name: 'bare pass-through stream', read: through(pass, drain) },
    { name: 'timeout, all limits', read: through(limits, drain) },
    { name: 'streamGuard', read: through(streamGuard(), drain) },
    { name: 'streamGuard around timeout', read: through(chain(streamGuard(), limits), drain) },
    { name: "the SDK's decoder", read: ({ response }) => decode(response()) },
    { name: "the SDK's decoder, through a bare pass-through stream", read: through(pass, decode) },
    { name: "the SDK's decoder, through streamGuard", read: through(streamGuard(), decode) },
  ]
}

/** Reads the bytes. */
async function drain({ body }: Response): Promise<void> {
  if (body === null) throw new Error('The stream has no body.')
  const reader = body.getReader()
  let isDone = false
  while (!isDone) isDone = (await reader.read()).done
}

/** Reads the events, as a user of the SDK does. */
async function decode(response: Response): Promise<void> {
  let last: unknown
  for await (const event of Stream.fromSSEResponse(response, new AbortController())) last = event
  if (last === undefined) throw new Error('The stream had no event.')
}
