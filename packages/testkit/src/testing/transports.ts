import type { FakeOptions } from '../engine.ts'
import { fakeFetch } from '../fake-fetch.ts'
import type { RecordedRequest } from '../request.ts'
import { createFakeAnthropic } from '../server.ts'

/** A fake over one of the two transports. */
export interface Opened {
  fetch: typeof fetch
  url: string
  requests: readonly RecordedRequest[]
  close: () => Promise<void>
}

/** The two transports, for tests that hold for both. */
export const transports = {
  async createFakeAnthropic(options: FakeOptions): Promise<Opened> {
    const { url, requests, close } = await createFakeAnthropic(options)
    return { fetch: globalThis.fetch, url, requests, close }
  },
  async fakeFetch(options: FakeOptions): Promise<Opened> {
    const fetch = fakeFetch(options)
    return { fetch, url: 'http://127.0.0.1:1', requests: fetch.requests, close: async () => {} }
  },
}

/** What a client saw of one request. */
export interface Seen {
  status?: number
  statusText?: string
  headers?: Record<string, string>
  /** The body as far as it came. */
  text?: string
  chunks?: number
  error?: string
}

/** The body of a small message request. */
export const params: { model: string; max_tokens: number; messages: { role: 'user'; content: string }[] } = {
  model: 'claude-haiku-5-5',
  max_tokens: 10,
  messages: [{ role: 'user', content: 'hi' }],
}

/** Sends a request and reads the whole answer; gives up after `giveUpMs` when it is given. */
export async function see({ fetch, url }: Opened, body: object = params, giveUpMs?: number): Promise<Seen> {
  const seen: Seen = {}
  const control = new AbortController()
  const timer =
    giveUpMs === undefined ? undefined : setTimeout(() => control.abort(new Error('gave up')), giveUpMs)
  try {
    const headers = { 'content-type': 'application/json', 'x-api-key': 'key' }
    const init = { method: 'POST', headers, body: JSON.stringify(body), signal: control.signal }
    const response = await fetch(`${url}/v1/messages`, init)
    Object.assign(seen, { status: response.status, statusText: response.statusText, text: '', chunks: 0 })
    seen.headers = Object.fromEntries(response.headers)
    const decoder = new TextDecoder()
    for await (const chunk of response.body ?? []) {
      seen.text += decoder.decode(chunk, { stream: true })
      seen.chunks = (seen.chunks ?? 0) + 1
    }
  } catch (error) {
    seen.error = describeError(error)
  } finally {
    clearTimeout(timer)
  }
  return seen
}

/** Writes an error with all that tells it apart: name, message, and the same of its cause. */
export function describeError(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const code = 'code' in error ? ` ${String(error.code)}` : ''
  const cause = error.cause === undefined ? '' : ` < ${describeError(error.cause)}`
  return `${error.name}: ${error.message.replace(/:\d+$/, '')}${code}${cause}`
}

/** Lists the names of the events in a stream's text. */
export function eventNames(text = ''): string[] {
  return [...text.matchAll(/^event: (.+)$/gm)].map((match) => match[1] ?? '')
}
