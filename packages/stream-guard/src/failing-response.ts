import { classifyErrorEvent, statusOfErrorType } from '@breakwater/classify'
import { carryAttempt } from '@breakwater/core'
import type { InterruptReason } from './stream-interrupted-error.ts'
import { isRecord, parseJson } from './records.ts'

/** What is known of the fault of a stream. */
export interface StreamFault {
  readonly reason: InterruptReason
  /** The data of the `error` event. */
  readonly data?: string | undefined
}

/** What an `error` event says, and the status that the API would have answered with. */
export interface ErrorEventFacts {
  readonly errorType: string | undefined
  readonly status: number
  readonly requestId: string | undefined
}

/** Reads the data of an `error` event of `response`. */
export function errorEventFacts(data: string | undefined, { headers }: Response): ErrorEventFacts {
  const { type, requestId } = classifyErrorEvent(data, headers)
  return { errorType: type, status: statusOfErrorType(type), requestId }
}

const texts: Readonly<Partial<Record<InterruptReason, string>>> = {
  empty: 'The stream was empty: it ended without one event.',
  truncated: 'The stream ended before `message_stop`.',
  cut: 'The connection broke before the end of the stream.',
}

const bodyHeaders = ['content-encoding', 'content-length', 'content-type', 'transfer-encoding']

/**
 * The response that the API would have given had it failed before its headers: by the `error` event of the stream, with the
 * bytes of its data; a 502 where the stream itself is broken. It stands for the attempt of `response`.
 */
export function failingResponse(response: Response, { reason, data }: StreamFault): Response {
  const headers = new Headers(response.headers)
  for (const name of bodyHeaders) headers.delete(name)
  if (reason !== 'error_event') {
    const message = texts[reason] ?? 'The stream was malformed.'
    const request_id = headers.get('request-id')
    headers.set('content-type', 'application/json')
    const body = JSON.stringify({ type: 'error', error: { type: 'api_error', message }, request_id })
    return carryAttempt(response, new Response(body, { status: 502, headers }))
  }
  const { status, requestId } = errorEventFacts(data, response)
  if (requestId !== undefined && !headers.has('request-id')) headers.set('request-id', requestId)
  headers.set('content-type', isRecord(parseJson(data ?? '')) ? 'application/json' : 'text/plain')
  return carryAttempt(response, new Response(data ?? '', { status, headers }))
}
