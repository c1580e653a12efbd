/** Nobody answers: the caller gets something all the same, in the form that was asked for, and knows it by the header. */
import Anthropic from '@anthropic-ai/sdk'
import { modelFailover } from '@breakwater/model-failover'
import { createFakeAnthropic } from '@breakwater/testkit'

const fake = await createFakeAnthropic({ script: () => 529 })
const client = new Anthropic({
  apiKey: 'not-a-key',
  baseURL: fake.url,
  maxRetries: 0,
  middleware: [
    modelFailover({
      to: [
        'claude-sonnet-5-5',
        {
          name: 'degraded',
          respond: ({ failure }) =>
            `I cannot answer right now (${failure.category}). Please try again in a minute.`,
        },
      ],
    }),
  ],
})

const stream = client.messages.stream({
  model: 'claude-haiku-5-5',
  max_tokens: 10,
  messages: [{ role: 'user', content: 'Hello' }],
})
for await (const event of stream) console.log(event.type)
console.log(await stream.finalText())
console.log(`served by ${(await stream.withResponse()).response.headers.get('breakwater-served-by')}`)
await fake.close()
