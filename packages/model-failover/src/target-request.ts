import type { MiddlewareRequest } from '@breakwater/core'
import type { BodyPatch, Target } from './targets.ts'

type Json = Readonly<Record<string, unknown>>

/** What says who asks, or where: it stays with the origin that it was meant for. */
const personal =
  /auth|key|token|secret|cookie|credential|session|signature|workspace|organi[sz]ation|project|profile|^x-amz-|^x-goog-|^host$|^baggage$/

/**
 * The body for a target: of each field of the patch a value sets it and `null` removes it, what is absent or `undefined`
 * stays. Neither argument is changed.
 */
export function patchedBody(body: Json, patch: BodyPatch | undefined, model: string | undefined): Json {
  // A spread and not an assignment: a key `__proto__` of the JSON stays a key.
  const patched: Record<string, unknown> = { ...body, ...(model !== undefined && { model }) }
  for (const [field, value] of Object.entries(patch ?? {})) {
    if (value === null) delete patched[field]
    else if (value !== undefined) define(patched, field, value)
  }
  return patched
}

/**
 * The URL behind another base, which may have a path: that of the API begins at its last `/v1/`. A base that ends with `/v1`
 * stands for it, unless the client's own base does so too, as Vertex's.
 */
export function movedUrl(url: string, baseURL: string): string {
  const path = url.slice(originOf(url).length)
  const end = path.search(/[?#]|$/)
  const at = path.lastIndexOf('/v1/', end)
  const rest = at < 0 ? path : path.slice(at)
  const isDoubled = path.slice(0, Math.max(0, at)).endsWith('/v1')
  return baseURL + (at >= 0 && baseURL.endsWith('/v1') && !isDoubled ? rest.slice(3) : rest)
}

/** The request for a target. `body` is its JSON where it is not the original's; nothing that is given is changed. */
export function requestFor(
  { baseURL, headers: changes }: Target,
  request: MiddlewareRequest,
  body: Json | undefined,
): MiddlewareRequest {
  const url = baseURL === undefined ? request.url : movedUrl(request.url, baseURL)
  const headers = new Headers(request.headers)
  if (originOf(url) !== originOf(request.url)) {
    const names = [...headers.keys()].filter((name) => personal.test(name))
    for (const name of names) headers.delete(name)
  }
  for (const [name, value] of Object.entries(changes ?? {})) {
    if (value === null) headers.delete(name)
    else if (value !== undefined) headers.set(name, value)
  }
  if (body === undefined) return Object.assign({}, request, { url, headers })
  headers.delete('content-length')
  if (!headers.has('content-type')) headers.set('content-type', 'application/json')
  return Object.assign({}, request, { url, headers, body: JSON.stringify(body) })
}

/** The scheme and the host; empty for a relative URL. */
function originOf(url: string): string {
  return /^[a-z][a-z\d+.-]*:\/\/[^/?#]*/i.exec(url)?.[0].toLowerCase() ?? ''
}

function define(record: object, key: string, value: unknown): void {
  Object.defineProperty(record, key, { value, enumerable: true, configurable: true, writable: true })
}
