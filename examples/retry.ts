/** A rate limit, an overload and a reset in a row: each waits as it asks for, and the caller gets its answer. */
import Anthropic from '@anthropic-ai/sdk'
import { jitterRetry } from '@breakwater/jitter-retry'
import { createFakeAnthropic } from '@breakwater/testkit'
import { timeout } from '@breakwater/timeout'

const fake = await createFakeAnthropic({
  script: [{ status: 429, retryAfterMs: 200 }, 529, { network: 'hang' }, { text: 'Here I am.' }],
})
const client = new Anthropic({
  apiKey: 'not-a-key',
  baseURL: fake.url,
  maxRetries: 0,
  middleware: [
    jitterRetry({
      // The default waits of an overload go up to 45 s: too long for an example.
      policy: { overloaded: { stepsMs: [300] } },
      onRetry: ({ category, waitMs, reason }) =>
        console.log(`${category}: again in ${waitMs} ms (${reason})`),
    }),
    // Inside the retry: each try, and the whole call with its waits.
    timeout({ attemptMs: 500, totalMs: 20_000 }),
  ],
})

const message = await client.messages.create({
  model: 'claude-haiku-5-5',
  max_tokens: 10,
  messages: [{ role: 'user', content: 'Hello' }],
})
console.log(message.content, `after ${fake.requests.length} requests`)
await fake.close()
