import { copyResponse } from '@breakwater/core'

/** A response under the `content-type` of event streams, by which its body is looked through. */
export function asEventStream(response: Response): Response {
  const headers = new Headers(response.headers)
  headers.set('content-type', 'text/event-stream')
  return copyResponse(response, headers)
}

/** What became of that: the stream with the headers that `response` had, or the failing response. */
export function inHeadersOf(response: Response, guarded: Response): Response {
  return guarded.ok ? copyResponse(guarded, response.headers) : guarded
}
