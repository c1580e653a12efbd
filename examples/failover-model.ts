/** The model is overloaded: another one answers at once, and is asked first until the model has had time to recover. */
import Anthropic from '@anthropic-ai/sdk'
import { modelFailover } from '@breakwater/model-failover'
import { createFakeAnthropic } from '@breakwater/testkit'

const fake = await createFakeAnthropic({
  script: ({ model }) => (model === 'claude-opus-5-5' ? 529 : { text: 'Here I am.' }),
})
const failover = modelFailover({
  to: ['claude-sonnet-5-5', 'claude-haiku-5-5'],
  onFailover: ({ from, to, category }) => console.log(`${category}: ${from} → ${to}`),
})
const client = new Anthropic({
  apiKey: 'not-a-key',
  baseURL: fake.url,
  maxRetries: 0,
  middleware: [failover],
})

for (let call = 1; call <= 2; call++) {
  const { data, response } = await client.messages
    .create({ model: 'claude-opus-5-5', max_tokens: 10, messages: [{ role: 'user', content: 'Hello' }] })
    .withResponse()
  console.log(data.content, `from ${response.headers.get('breakwater-served-by')}`)
}
console.log(failover.snapshot())
console.log(
  `The primary saw ${fake.requests.filter(({ model }) => model === 'claude-opus-5-5').length} request.`,
)
await fake.close()
