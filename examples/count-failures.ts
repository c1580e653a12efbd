/** One counter per category, for every Breakwater middleware in the process: what a dashboard and its alerts are made of. */
import Anthropic from '@anthropic-ai/sdk'
import { classify } from '@breakwater/classify'
import { onEvent } from '@breakwater/core'
import { createFakeAnthropic } from '@breakwater/testkit'

const counters = new Map<string, number>()
const stop = onEvent((event) => {
  if (event.type !== 'failure') return
  const name = `anthropic_failures_total{category="${event.category}",fault="${event.fault}"}`
  counters.set(name, (counters.get(name) ?? 0) + 1)
})

const fake = await createFakeAnthropic({ seed: 7, script: [529, 529, 401, { status: 429, retryAfter: 1 }] })
const client = new Anthropic({
  apiKey: 'not-a-key',
  baseURL: fake.url,
  logLevel: 'off',
  maxRetries: 0,
  middleware: [classify()],
})
for (let call = 0; call < 5; call++) {
  await client.messages
    .create({ model: 'claude-haiku-5-5', max_tokens: 10, messages: [{ role: 'user', content: 'Hello' }] })
    .catch(() => {})
}
for (const [name, count] of counters) console.log(name, count)

stop()
await fake.close()
