import { carryAttempt } from '@breakwater/core'

/** A response under the `content-type` of event streams, by which its body is looked through. */
export function asEventStream(response: Response): Response {
  const headers = new Headers(response.headers)
  headers.set('content-type', 'text/event-stream')
  return withHeaders(response, headers, response.body)
}

/** What became of that: the stream with the headers that `response` had, or the failing response. */
export function inHeadersOf(response: Response, guarded: Response): Response {
  return guarded.ok ? withHeaders(response, response.headers, guarded.body) : guarded
}

function withHeaders(
  response: Response,
  headers: Headers,
  body: ReadableStream<Uint8Array> | null,
): Response {
  const { status, statusText } = response
  return carryAttempt(response, new Response(body, { status, statusText, headers }))
}
