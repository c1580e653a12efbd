/** `@anthropic-ai/sdk`: the stack as its `middleware`, or around its `fetch`. Its own retries: `maxRetries: 0`. */
import Anthropic from '@anthropic-ai/sdk'
import { breakwater } from 'breakwater'
import { messageCalls } from './support/message-calls.ts'
import { prove } from './support/prove.ts'

const common = { apiKey: 'not-a-key', logLevel: 'off' } as const

await prove('@anthropic-ai/sdk, newest', [
  {
    name: 'middleware',
    open: ({ url, maxRetries, options }) =>
      messageCalls(new Anthropic({ ...common, baseURL: url, ...breakwater(options), maxRetries })),
  },
  {
    name: 'fetch',
    open: ({ url, maxRetries, options }) =>
      messageCalls(new Anthropic({ ...common, baseURL: url, maxRetries, fetch: breakwater.fetch(options) })),
  },
])
