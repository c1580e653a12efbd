import type { MiddlewareContext, MiddlewareRequest } from '@breakwater/core'

/** One way to make a call. */
export interface Case {
  readonly name: string
  readonly call: () => Promise<unknown>
}

/** What a client makes for each attempt. */
export interface CallParts {
  readonly request: () => MiddlewareRequest
  readonly context: () => MiddlewareContext
  /** The same for a `fetch`. */
  readonly init: RequestInit
  /** A body that names the model behind everything else. */
  readonly modelLast: string
}

export const url = 'http://bench.invalid/v1/messages'

const headers = { 'content-type': 'application/json', 'request-id': 'req_bench' }
const answer = new Response('{}', { headers })

/** Answers at once, always the same. */
export const upstream: (...args: readonly unknown[]) => Promise<Response> = () => Promise.resolve(answer)

/**
 * Answers in the next turn of the event loop, with a body of its own. A loop that is never left would keep alive what any code holds
 * weakly, and no timer would cost what it costs.
 */
export const freshUpstream: (...args: readonly unknown[]) => Promise<Response> = () =>
  later(() => new Response('{}', { headers }))

/** Makes a response in the next turn of the event loop. */
export function later(respond: () => Response): Promise<Response> {
  return new Promise((resolve) => {
    setImmediate(() => resolve(respond()))
  })
}

/** A call whose answer is read, as it is in life. */
export function read(name: string, call: () => Promise<Response>): Case {
  return { name, call: async () => (await call()).text() }
}

/** Requests and contexts are made anew for each call: what is kept with them must not be found again. */
export function callParts(bytes: number): CallParts {
  const content = { max_tokens: 1, messages: 'x'.repeat(bytes) }
  const body = JSON.stringify({ model: 'claude-bench', ...content })
  const sent = new Headers({ 'content-type': 'application/json', 'x-stainless-retry-count': '0' })
  return {
    request: () => ({ method: 'POST', url, headers: sent, body }),
    context: () => ({
      options: { method: 'post', path: '/v1/messages', body: { model: 'claude-bench' } },
      logger: console,
      parse: () => Promise.reject(new Error('The benchmark parses nothing.')),
    }),
    init: { method: 'POST', headers: sent, body },
    modelLast: JSON.stringify({ ...content, model: 'claude-bench' }),
  }
}
