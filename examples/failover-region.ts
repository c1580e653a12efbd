/** The region is down: the same model is asked in another one, with the key of that one, and then by another client. */
import Anthropic from '@anthropic-ai/sdk'
import { modelFailover } from '@breakwater/model-failover'
import { createFakeAnthropic } from '@breakwater/testkit'

const down = await createFakeAnthropic({ script: () => 503 })
const alsoDown = await createFakeAnthropic({ script: () => 529 })
const elsewhere = await createFakeAnthropic({ script: () => ({ text: 'Here I am.' }) })

// It could be the client of any cloud.
const other = new Anthropic({ apiKey: 'its-own-key', baseURL: elsewhere.url, maxRetries: 0 })
const askOther: typeof fetch = (_url, init) => {
  const params = JSON.parse(String(init?.body)) as Anthropic.MessageCreateParams
  return other.messages.create(params, { signal: init?.signal }).asResponse()
}

const client = new Anthropic({
  apiKey: 'not-a-key',
  baseURL: down.url,
  maxRetries: 0,
  middleware: [
    modelFailover({
      to: [
        {
          baseURL: alsoDown.url,
          headers: { authorization: 'Bearer key-of-that-region' },
          name: 'second region',
        },
        { fetch: askOther, name: 'another provider' },
      ],
      onFailover: ({ from, to, category }) => console.log(`${category}: ${from} → ${to}`),
    }),
  ],
})

const message = await client.messages.create({
  model: 'claude-haiku-5-5',
  max_tokens: 10,
  messages: [{ role: 'user', content: 'Hello' }],
})
console.log(message.content)
for (const fake of [down, alsoDown, elsewhere]) await fake.close()
