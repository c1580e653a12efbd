/**
 * `@anthropic-ai/foundry-sdk`: its wire is that of the API itself, so that the stack works as `middleware` and around
 * `fetch` alike. Its own retries: `maxRetries: 0`.
 */
import { AnthropicFoundry } from '@anthropic-ai/foundry-sdk'
import { breakwater } from 'breakwater'
import { startFakeCloud } from './support/fake-cloud.ts'
import { messageCalls } from './support/message-calls.ts'
import { prove } from './support/prove.ts'

const common = { apiKey: 'not-a-key', logLevel: 'off' } as const

await prove(
  '@anthropic-ai/foundry-sdk',
  [
    {
      name: 'middleware',
      open: ({ url, maxRetries, options }) =>
        messageCalls(
          new AnthropicFoundry({
            ...common,
            baseURL: `${url}/anthropic`,
            ...breakwater(options),
            maxRetries,
          }),
        ),
    },
    {
      name: 'fetch',
      open: ({ url, maxRetries, options }) =>
        messageCalls(
          new AnthropicFoundry({
            ...common,
            baseURL: `${url}/anthropic`,
            maxRetries,
            fetch: breakwater.fetch(options),
          }),
        ),
    },
  ],
  startFakeCloud,
)
