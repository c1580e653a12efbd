/** A gateway of your own answers with codes that nobody else knows: teach them to the classifier. */
import Anthropic from '@anthropic-ai/sdk'
import { classify } from '@breakwater/classify'
import { createFakeAnthropic } from '@breakwater/testkit'

const fake = await createFakeAnthropic({ script: [{ status: 418, message: 'quota of team search used up' }] })

const client = new Anthropic({
  apiKey: 'not-a-key',
  baseURL: fake.url,
  logLevel: 'off',
  middleware: [
    classify({
      rules: [
        ({ status }) =>
          status === 418 ? { category: 'spend_limit', hint: 'Raise the quota of the gateway.' } : undefined,
      ],
      onFailure: ({ category, severity, hint }) => console.log({ category, severity, hint }),
    }),
  ],
})

await client.messages
  .create({ model: 'claude-haiku-5-5', max_tokens: 10, messages: [{ role: 'user', content: 'Hello' }] })
  .catch((error: unknown) => console.log(String(error)))
await fake.close()
