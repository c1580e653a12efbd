import Anthropic from '@anthropic-ai/sdk'
import { circuitBreaker } from '@breakwater/circuit-breaker'
import type { Middleware } from '@breakwater/core'
import { jitterRetry } from '@breakwater/jitter-retry'
import { modelFailover } from '@breakwater/model-failover'
import { createFakeAnthropic } from '@breakwater/testkit'
import { crowd } from './crowd.ts'

const primary = 'claude-opus-5-5'
const fallback = 'claude-haiku-5-5'
const outage = { fromMs: 1_000, toMs: 4_000, reply: 529, model: primary }
const calls = 500
const gapMs = 10

/** The primary model is overloaded for 3 of 5 seconds, the fallback is healthy: the SDK alone, and with Breakwater. */
export async function primaryDown(): Promise<boolean> {
  console.log(
    `\nThe primary model answers 529 for 3 s of 5, the fallback is healthy. ${calls} calls, one every ${gapMs} ms.\n`,
  )
  const alone = await play([], 2)
  const stack = [
    modelFailover({ to: [fallback], cooldownMs: 500 }),
    jitterRetry(),
    circuitBreaker({ volumeThreshold: 5, resetMs: 500 }),
  ]
  const guarded = await play(stack, 0)
  console.log(`the SDK alone, 2 retries   ${alone.text}\nwith Breakwater            ${guarded.text}`)
  return guarded.answered === calls
}

async function play(
  middleware: Middleware[],
  maxRetries: number,
): Promise<{ answered: number; text: string }> {
  const fake = await createFakeAnthropic({ dynamics: { outages: [outage] } })
  const client = new Anthropic({
    apiKey: 'not-a-key',
    baseURL: fake.url,
    maxRetries,
    logLevel: 'off',
    middleware,
  })
  const { answers, errors } = await crowd(calls, gapMs, () =>
    client.messages.create({
      model: primary,
      max_tokens: 10,
      messages: [{ role: 'user', content: 'Hello' }],
    }),
  )
  await fake.close()
  const seen = fake.requests.filter(({ model }) => model === primary)
  const during = seen.filter(({ at }) => at >= outage.fromMs && at < outage.toMs)
  const back = seen.find(({ at, reply }) => at >= outage.toMs && reply?.status === 200)
  const by = (model: string): number => answers.filter((message) => message.model === model).length
  const backMs = back === undefined ? 'never' : `${Math.round(back.at - outage.toMs)} ms`
  return {
    answered: answers.length,
    text: [
      `${answers.length} answered (${by(primary)} by the primary, ${by(fallback)} by the fallback), ${errors.length} failed;`,
      `the primary saw ${during.length} requests in its outage, and served again ${backMs} after it`,
    ].join(' '),
  }
}
