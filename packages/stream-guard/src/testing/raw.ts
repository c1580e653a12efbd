import { createFetch } from '@breakwater/core'
import { params } from '@breakwater/testing'
import { streamGuard, type StreamGuardOptions } from '../stream-guard.ts'
import { bytesOf, type Data } from './transcripts.ts'

/** What upstream sends, and how it ends. */
export interface Upstream {
  readonly chunks: readonly Uint8Array<ArrayBuffer>[]
  /** The error that breaks the body at its end. */
  readonly failure?: unknown
  readonly headers?: Readonly<Record<string, string>>
}

/** What a reader got. */
export interface Outcome {
  readonly status: number
  readonly bytes: Uint8Array
  readonly text: string
  readonly error: unknown
  readonly headers: Headers
}

/** One chunk for each event. */
export function eachAlone(...events: readonly (Data | string)[]): Uint8Array<ArrayBuffer>[] {
  return events.map((event) => bytesOf([event]))
}

/** A response that gives a chunk for each read. */
export function responseOf({ chunks, failure, headers }: Upstream): Response {
  let next = 0
  const body = new ReadableStream<Uint8Array<ArrayBuffer>>(
    {
      pull(controller) {
        const chunk = chunks[next++]
        if (chunk !== undefined) controller.enqueue(chunk)
        else if (failure !== undefined) controller.error(failure)
        else controller.close()
      },
    },
    { highWaterMark: 0 },
  )
  return new Response(body, {
    headers: { 'content-type': 'text/event-stream', 'request-id': 'req_1', ...headers },
  })
}

/** Sends a request for a stream through a guard under `createFetch`. */
export function guardedFetch(upstream: () => Response, options: StreamGuardOptions = {}): Promise<Response> {
  const fetch = createFetch(streamGuard(options), { fetch: () => Promise.resolve(upstream()) })
  return fetch('https://api.anthropic.com/v1/messages', {
    method: 'POST',
    body: JSON.stringify({ ...params, stream: true }),
  })
}

/** What a reader of a guarded stream gets. */
export async function outcomeOf(upstream: Upstream, options: StreamGuardOptions = {}): Promise<Outcome> {
  const response = await guardedFetch(() => responseOf(upstream), options)
  const { status, headers } = response
  const chunks: Uint8Array[] = []
  let error: unknown
  try {
    for await (const chunk of response.body ?? []) chunks.push(chunk)
  } catch (reason) {
    error = reason
  }
  const bytes = joined(chunks)
  return { status, headers, bytes, text: new TextDecoder().decode(bytes), error }
}

/** Chunks in one piece. */
export function joined(chunks: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(chunks.reduce((sum, { length }) => sum + length, 0))
  let at = 0
  for (const chunk of chunks) {
    bytes.set(chunk, at)
    at += chunk.length
  }
  return bytes
}
