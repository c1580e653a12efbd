/** Fifty calls at once over a limit of ten a second: each waits for its turn, and none is refused. */
import Anthropic from '@anthropic-ai/sdk'
import { rateLimit } from '@breakwater/rate-limit'
import { createFakeAnthropic } from '@breakwater/testkit'

const fake = await createFakeAnthropic({
  dynamics: { rateLimit: { requestsPerMinute: 600, burstMs: 2000 } },
})
let waited = 0
const limits = rateLimit({
  onLimits: ({ key, limits }) => console.log(key, limits),
  onAdmit: () => waited++,
})
const client = new Anthropic({
  apiKey: 'not-a-key',
  baseURL: fake.url,
  logLevel: 'off',
  maxRetries: 0,
  middleware: [limits],
})

const from = performance.now()
await Promise.all(
  Array.from({ length: 50 }, () =>
    client.messages.create({
      model: 'claude-haiku-5-5',
      max_tokens: 10,
      messages: [{ role: 'user', content: 'Hello' }],
    }),
  ),
)
const refused = fake.requests.filter(({ reply }) => reply?.status === 429).length
console.log({ requests: fake.requests.length, refused, waited })
console.log(`${Math.round((performance.now() - from) / 1000)} s`, limits.snapshot().keys)
await fake.close()
