/** A hint that is longer than the caller can wait: the call ends at once, and says when to come back. */
import Anthropic from '@anthropic-ai/sdk'
import { classifyError } from '@breakwater/classify'
import { jitterRetry } from '@breakwater/jitter-retry'
import { createFakeAnthropic } from '@breakwater/testkit'
import { timeout } from '@breakwater/timeout'

const fake = await createFakeAnthropic({ script: [{ status: 429, retryAfter: 30 }] })
const client = new Anthropic({
  apiKey: 'not-a-key',
  baseURL: fake.url,
  maxRetries: 0,
  middleware: [jitterRetry(), timeout({ totalMs: 10_000 })],
})

const startedAt = performance.now()
try {
  await client.models.list()
} catch (error) {
  const { category, retryAfterMs } = classifyError(error)
  console.log({ category, retryAfterMs, afterMs: Math.round(performance.now() - startedAt) })
}
await fake.close()
