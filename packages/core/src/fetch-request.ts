import type { MiddlewareRequest } from './middleware.ts'

/** What `fetch` takes first. */
export type FetchInput = string | URL | Request

/** The arguments of a `fetch` as a request for the chain, and the way back. */
export interface FetchRequest {
  readonly request: MiddlewareRequest
  /** Arguments for `fetch` in the shape in which they came: the very same ones where nothing has changed. */
  toArguments(sent: MiddlewareRequest): [input: FetchInput, init?: RequestInit]
}

/**
 * Makes a {@link FetchRequest} of the arguments of a `fetch`. Like the SDK, it hands a `Headers` object on as it is, so
 * that what a middleware writes to it stands in the caller's; of any other shape it makes a copy.
 */
export function fromArguments(input: FetchInput, init: RequestInit | undefined): FetchRequest {
  const url = isRequest(input) ? input.url : String(input)
  const fields: RequestInit = isRequest(input) ? { ...fieldsOf(input), ...init } : (init ?? {})
  const given = fields.headers
  const headers = given instanceof Headers ? given : new Headers(given)
  // On Node 20 an object spread costs eight times as much as this.
  const request: MiddlewareRequest = Object.assign({ url, headers }, fields, { headers })

  return {
    request,
    toArguments(sent) {
      const sameHeaders = sent.headers === given || equal(sent.headers, given)
      if (sameHeaders && sent.url === url && sameFields(sent, fields)) {
        return init === undefined ? [input] : [input, init]
      }
      const { url: sentUrl, headers: sentHeaders, ...next } = sent
      // `fetch(request, init)` takes from `request` what `init` lacks, and the body can be taken only once.
      if (isRequest(input) && next.body === input.body) delete next.body
      const shaped = sameHeaders ? given : inShapeOf(given, sentHeaders)
      const changed: RequestInit = shaped === undefined ? next : { ...next, headers: shaped }
      return [sentUrl === url ? input : moved(input, sentUrl), changed]
    },
  }
}

function isRequest(input: FetchInput): input is Request {
  return typeof input === 'object' && 'url' in input
}

/** The fields that make a `Request` again; those left out have no meaning on a server. */
function fieldsOf(request: Request): RequestInit {
  const { method, headers, body, signal, redirect, keepalive } = request
  const fields: RequestInit = { method, headers, signal, redirect, keepalive }
  // Node and the standard demand `duplex` beside a stream; the DOM's types do not know it yet.
  return body === null ? fields : Object.assign(fields, { body, duplex: 'half' })
}

function sameFields(sent: RequestInit, fields: RequestInit): boolean {
  for (const key in sent) {
    if (key !== 'url' && key !== 'headers' && !Object.is(get(sent, key), get(fields, key))) return false
  }
  for (const key in fields) {
    if (!(key in sent)) return false
  }
  return true
}

function get(record: object, key: string): unknown {
  return (record as Record<string, unknown>)[key]
}

function equal(sent: Headers, given: HeadersInit | undefined): boolean {
  const expected = [...new Headers(given)]
  const actual = [...sent]
  return (
    actual.length === expected.length &&
    actual.every(([name, value], index) => name === expected[index]?.[0] && value === expected[index]?.[1])
  )
}

function inShapeOf(given: HeadersInit | undefined, headers: Headers): HeadersInit {
  if (Array.isArray(given)) return [...headers]
  if (given === undefined || given instanceof Headers) return headers
  return Object.fromEntries(headers)
}

function moved(input: FetchInput, url: string): FetchInput {
  if (typeof input === 'string') return url
  return isRequest(input) ? new Request(url, input) : new URL(url)
}
