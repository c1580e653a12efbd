import type { Incoming } from './engine.ts'

/** What `fetch` accepts as its first argument. */
export type FetchInput = string | URL | Request

/** Reads what is there at once: a URL with a body that is text or none; undefined for anything else. */
export function readSimple(
  input: FetchInput,
  init: RequestInit | undefined,
): Omit<Incoming, 'reused'> | undefined {
  const body = init?.body ?? undefined
  const method = init?.method?.toUpperCase() ?? 'GET'
  if (typeof input === 'object' && !(input instanceof URL)) return undefined
  if (body !== undefined && (typeof body !== 'string' || method === 'GET' || method === 'HEAD'))
    return undefined
  if (!URL.canParse(input)) return undefined
  const url = new URL(input)
  const headers: Record<string, string> = {}
  for (const [name, value] of init?.headers instanceof Headers ? init.headers : new Headers(init?.headers)) {
    headers[name] = value
  }
  if (body !== undefined) headers['content-type'] ??= 'text/plain;charset=UTF-8'
  return { method, url: url.href, path: url.pathname, headers, text: body ?? '' }
}

/** Reads any request through the platform's own `Request`, which also refuses what `fetch` refuses. */
export async function readAny(
  input: FetchInput,
  init: RequestInit | undefined,
): Promise<Omit<Incoming, 'reused'>> {
  const request = new Request(input, { ...init, signal: null })
  const { method, url } = request
  const headers = Object.fromEntries(request.headers)
  return { method, url, path: new URL(url).pathname, headers, text: await request.text() }
}
