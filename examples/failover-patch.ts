/** The other model does not take what the first one takes: each target changes the original request as it needs. */
import Anthropic from '@anthropic-ai/sdk'
import { modelFailover } from '@breakwater/model-failover'
import { createFakeAnthropic } from '@breakwater/testkit'

const fake = await createFakeAnthropic({ script: ({ model }) => (model === 'claude-opus-5-5' ? 503 : 200) })
const client = new Anthropic({
  apiKey: 'not-a-key',
  baseURL: fake.url,
  maxRetries: 0,
  middleware: [
    modelFailover({
      to: [
        {
          model: 'claude-haiku-5-5',
          // `null` removes a field or a header, what is absent stays.
          patch: { thinking: null, max_tokens: 1_000 },
          headers: { 'anthropic-beta': null },
        },
      ],
    }),
  ],
})

await client.messages.create({
  model: 'claude-opus-5-5',
  max_tokens: 4_000,
  thinking: { type: 'enabled', budget_tokens: 2_000 },
  messages: [{ role: 'user', content: 'Hello' }],
})
for (const { body } of fake.requests) console.log(body)
await fake.close()
