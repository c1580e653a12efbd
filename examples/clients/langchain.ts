/**
 * `@langchain/anthropic`: the stack as the `middleware` or around the `fetch` of the SDK in it. Its own retries:
 * `maxRetries: 0` of the model; those of the SDK in it are always off.
 */
import { ChatAnthropic } from '@langchain/anthropic'
import { breakwater } from 'breakwater'
import { primary } from './support/options.ts'
import { prove, type Calls } from './support/prove.ts'

const common = { apiKey: 'not-a-key', model: primary }
const quiet = { logLevel: 'off' } as const

function callsOf(model: ChatAnthropic): Calls {
  return {
    async create(signal) {
      return (await model.invoke('Hello', { signal })).text
    },
    async stream(signal) {
      let text = ''
      for await (const chunk of await model.stream('Hello', { signal })) text += chunk.text
      return text
    },
  }
}

await prove('@langchain/anthropic', [
  {
    name: 'clientOptions.middleware',
    multiplies: true,
    open: ({ url, maxRetries, options }) =>
      callsOf(
        new ChatAnthropic({
          ...common,
          maxRetries,
          clientOptions: { ...quiet, baseURL: url, middleware: breakwater(options).middleware },
        }),
      ),
  },
  {
    name: 'clientOptions.fetch',
    multiplies: true,
    open: ({ url, maxRetries, options }) =>
      callsOf(
        new ChatAnthropic({
          ...common,
          maxRetries,
          clientOptions: { ...quiet, baseURL: url, fetch: breakwater.fetch(options) },
        }),
      ),
  },
])
