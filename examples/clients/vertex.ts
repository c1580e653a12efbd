/**
 * `@anthropic-ai/vertex-sdk`: the stack as its `middleware`, which sees Anthropic's own requests. Around its `fetch` the
 * model is in the URL: there only retry, breaker and limits work. Its own retries: `maxRetries: 0`.
 */
import { AnthropicVertex, type ClientOptions } from '@anthropic-ai/vertex-sdk'
import { breakwater } from 'breakwater'
import { startFakeCloud } from './support/fake-cloud.ts'
import { messageCalls } from './support/message-calls.ts'
import { prove } from './support/prove.ts'

// Google's own client stands here; without one the SDK looks for the credentials of the machine.
const authClient = {
  projectId: 'project',
  getRequestHeaders: () => Promise.resolve(new Headers({ authorization: 'Bearer not-a-token' })),
} as unknown as NonNullable<ClientOptions['authClient']>
const common = { region: 'us-east5', projectId: 'project', authClient, logLevel: 'off' } as const

await prove(
  '@anthropic-ai/vertex-sdk',
  [
    {
      name: 'middleware',
      open: ({ url, maxRetries, options }) =>
        messageCalls(
          new AnthropicVertex({ ...common, baseURL: `${url}/v1`, ...breakwater(options), maxRetries }),
        ),
    },
    {
      name: 'fetch',
      isOpaque: true,
      open: ({ url, maxRetries, options }) =>
        messageCalls(
          new AnthropicVertex({
            ...common,
            baseURL: `${url}/v1`,
            maxRetries,
            fetch: breakwater.fetch(options),
          }),
        ),
    },
  ],
  startFakeCloud,
)
