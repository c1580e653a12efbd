/**
 * The Vercel AI SDK with `@ai-sdk/anthropic`: the stack around its `fetch`. Its own retries: `maxRetries: 0` in every
 * `generateText` and `streamText`.
 */
import { createAnthropic } from '@ai-sdk/anthropic'
import { generateText, streamText } from 'ai'
import { breakwater } from 'breakwater'
import { primary } from './support/options.ts'
import { prove } from './support/prove.ts'

await prove('@ai-sdk/anthropic and ai', [
  {
    name: 'fetch',
    multiplies: true,
    open({ url, maxRetries, options }) {
      const anthropic = createAnthropic({
        apiKey: 'not-a-key',
        baseURL: `${url}/v1`,
        fetch: breakwater.fetch(options),
      })
      const call = { model: anthropic(primary), prompt: 'Hello', maxRetries }
      return {
        async create(abortSignal) {
          return (await generateText({ ...call, abortSignal })).text
        },
        async stream(abortSignal) {
          let text = ''
          // Failures are parts of the stream: whoever reads `textStream` alone does not see them.
          const { fullStream } = streamText({ ...call, abortSignal, onError: () => {} })
          for await (const part of fullStream) {
            if (part.type === 'text-delta') text += part.text
            if (part.type === 'error') throw part.error
          }
          return text
        },
      }
    },
  },
])
