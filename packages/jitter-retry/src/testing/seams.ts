import Anthropic, { type ClientOptions } from '@anthropic-ai/sdk'
import { createFetch, type Middleware } from '@breakwater/core'

/** How a client is made of middleware and what is upstream of it. */
export interface SeamParts extends Pick<ClientOptions, 'maxRetries' | 'timeout' | 'baseURL' | 'apiKey'> {
  readonly middleware: Middleware | readonly Middleware[]
  readonly fetch?: typeof globalThis.fetch
}

const defaults = { apiKey: 'not-a-key', maxRetries: 0, logLevel: 'off' } as const

/** Both seams, for tests that expect the same of each. */
export const seams: readonly [name: string, clientOf: (parts: SeamParts) => Anthropic][] = [
  [
    'middleware',
    ({ middleware, ...parts }) => new Anthropic({ ...defaults, ...parts, middleware: [middleware].flat() }),
  ],
  [
    'createFetch',
    ({ middleware, fetch, ...parts }) =>
      new Anthropic({
        ...defaults,
        ...parts,
        fetch: createFetch(middleware, { ...(fetch !== undefined && { fetch }) }),
      }),
  ],
]

/** The parameters of a small call. */
export const params: Anthropic.MessageCreateParamsNonStreaming = {
  model: 'claude-haiku-5-5',
  max_tokens: 10,
  messages: [{ role: 'user', content: 'Hello' }],
}
