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

/** Answers at once, with a body that has not been read. */
export const freshUpstream: (...args: readonly unknown[]) => Promise<Response> = () =>
  Promise.resolve(new Response('{}', { headers }))

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
