/** `@anthropic-ai/sdk` 0.103, the oldest that has `middleware` as it is now. Its own retries: `maxRetries: 0`. */
import Anthropic from 'anthropic-sdk-oldest'
import { breakwater } from 'breakwater'
import { primary } from './support/options.ts'
import { prove, type Calls } from './support/prove.ts'

const common = { apiKey: 'not-a-key', logLevel: 'off' } as const
const question: Anthropic.MessageCreateParamsNonStreaming = {
  model: primary,
  max_tokens: 100,
  messages: [{ role: 'user', content: 'Hello' }],
}

function callsOf({ messages }: Anthropic): Calls {
  return {
    async create(signal) {
      const { content } = await messages.create(question, { signal })
      return content.map((block) => (block.type === 'text' ? block.text : '')).join('')
    },
    async stream(signal) {
      let text = ''
      for await (const event of await messages.create({ ...question, stream: true }, { signal })) {
        if (event.type === 'content_block_delta' && event.delta.type === 'text_delta')
          text += event.delta.text
      }
      return text
    },
  }
}

await prove('@anthropic-ai/sdk, oldest', [
  {
    name: 'middleware',
    open: ({ url, maxRetries, options }) =>
      callsOf(new Anthropic({ ...common, baseURL: url, ...breakwater(options), maxRetries })),
  },
  {
    name: 'fetch',
    open: ({ url, maxRetries, options }) =>
      callsOf(new Anthropic({ ...common, baseURL: url, maxRetries, fetch: breakwater.fetch(options) })),
  },
])
