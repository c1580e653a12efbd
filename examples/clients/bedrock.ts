/**
 * `@anthropic-ai/bedrock-sdk`: the stack as its `middleware`, which sees Anthropic's own requests and events. Around its
 * `fetch` are Bedrock's signed ones: there only retry, breaker and limits work. Its own retries: `maxRetries: 0`.
 */
import { AnthropicBedrock } from '@anthropic-ai/bedrock-sdk'
import { breakwater } from 'breakwater'
import { startFakeCloud } from './support/fake-cloud.ts'
import { messageCalls } from './support/message-calls.ts'
import { prove } from './support/prove.ts'

const common = {
  awsRegion: 'us-east-1',
  awsAccessKey: 'not-a-key',
  awsSecretKey: 'not-a-secret',
  logLevel: 'off',
} as const

await prove(
  '@anthropic-ai/bedrock-sdk',
  [
    {
      name: 'middleware',
      open: ({ url, maxRetries, options }) =>
        messageCalls(new AnthropicBedrock({ ...common, baseURL: url, ...breakwater(options), maxRetries })),
    },
    {
      name: 'fetch',
      isOpaque: true,
      open: ({ url, maxRetries, options }) =>
        messageCalls(
          new AnthropicBedrock({ ...common, baseURL: url, maxRetries, fetch: breakwater.fetch(options) }),
        ),
    },
  ],
  startFakeCloud,
)
