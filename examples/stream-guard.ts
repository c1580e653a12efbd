/** Streams that fail: before the first content a retry heals them, after it the caller learns what is missing. */
import Anthropic from '@anthropic-ai/sdk'
import { jitterRetry } from '@breakwater/jitter-retry'
import { isStreamInterruptedError, streamGuard } from '@breakwater/stream-guard'
import { createFakeAnthropic } from '@breakwater/testkit'

const fake = await createFakeAnthropic({
  script: [
    { fault: { kind: 'error', at: 2 } },
    { text: 'A second try, and nobody has noticed.' },
    { text: 'An answer that ends half way.', fault: { kind: 'end', at: 5 } },
  ],
})
const client = new Anthropic({
  apiKey: 'not-a-key',
  baseURL: fake.url,
  maxRetries: 0,
  middleware: [
    // The default waits of an overload go up to 45 s: too long for an example.
    jitterRetry({ policy: { overloaded: { stepsMs: [300] } } }),
    // Inside the retry, which sees the failures that are found in the streams.
    streamGuard({
      onInterrupt: ({ reason, category, committed }) => console.log({ reason, category, committed }),
    }),
  ],
})

for (const question of ['Hello', 'Hello again']) {
  let text = ''
  try {
    const stream = await client.messages.create({
      model: 'claude-haiku-5-5',
      max_tokens: 100,
      messages: [{ role: 'user', content: question }],
      stream: true,
    })
    for await (const event of stream) {
      if (event.type === 'content_block_delta' && event.delta.type === 'text_delta') text += event.delta.text
    }
    console.log(text)
  } catch (error) {
    if (!isStreamInterruptedError(error)) throw error
    console.log(`${error.reason} after ${error.deliveredCharacters} characters:`, error.partial?.content)
  }
}
console.log(`${fake.requests.length} requests`)
await fake.close()
