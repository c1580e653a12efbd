/** An outage: after three failures nothing is sent any more, and one call at a time finds out when the API is back. */
import Anthropic from '@anthropic-ai/sdk'
import { circuitBreaker, isCircuitOpenError } from '@breakwater/circuit-breaker'
import { createFakeAnthropic } from '@breakwater/testkit'

const fake = await createFakeAnthropic({ dynamics: { outages: [{ fromMs: 0, toMs: 700, reply: 529 }] } })
const client = new Anthropic({
  apiKey: 'not-a-key',
  baseURL: fake.url,
  logLevel: 'off',
  maxRetries: 0,
  middleware: [
    circuitBreaker({
      // Small numbers, for an example.
      volumeThreshold: 3,
      resetMs: 300,
      onStateChange: ({ key, from, to, reason }) => console.log(`${key}: ${from} > ${to} (${reason})`),
    }),
  ],
})

let refused = 0
let answered = 0
while (answered < 3) {
  try {
    await client.messages.create({
      model: 'claude-haiku-5-5',
      max_tokens: 10,
      messages: [{ role: 'user', content: 'Hello' }],
    })
    answered++
  } catch (error) {
    if (isCircuitOpenError(error)) refused++
  }
  await new Promise((resolve) => setTimeout(resolve, 50))
}
console.log({ requests: fake.requests.length, refused, answered })
await fake.close()
