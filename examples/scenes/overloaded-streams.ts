import Anthropic from '@anthropic-ai/sdk'
import { isStreamInterruptedError, streamGuard } from '@breakwater/stream-guard'
import type { Middleware } from '@breakwater/core'
import { jitterRetry } from '@breakwater/jitter-retry'
import { modelFailover } from '@breakwater/model-failover'
import { createFakeAnthropic, type ScriptFunction } from '@breakwater/testkit'
import { crowd } from './crowd.ts'

const primary = 'claude-opus-5-5'
const fallback = 'claude-haiku-5-5'
const streams = 510

/**
 * What a gateway counted in 80 minutes: 510 streams that began with a 200 and then said `overloaded_error`, and not one
 * retry or fallback. Here half of them are overloaded once and have a retry, half for ever and have a fallback.
 */
export async function overloadedStreams(): Promise<boolean> {
  console.log(
    `\n${streams} streams, each overloaded in band after its 200: half of them once, half for ever.\n`,
  )
  const alone = await play([], [], 2)
  const retries = jitterRetry({ policy: { overloaded: { stepsMs: [20] } }, budget: false })
  const guarded = await play(
    [retries, streamGuard()],
    // Without a cooldown each of them asks the overloaded model first.
    [modelFailover({ to: [fallback], cooldownMs: 0 }), streamGuard()],
    0,
  )
  console.log(`the SDK alone, 2 retries   ${alone.text}\nwith Breakwater            ${guarded.text}`)
  return guarded.answered === streams
}

async function play(
  once: Middleware[],
  forEver: Middleware[],
  maxRetries: number,
): Promise<{ answered: number; text: string }> {
  const overloaded = new Set<string>()
  const script: ScriptFunction = ({ headers, model, index }) => {
    const stream = headers['x-stream'] ?? ''
    if (model !== primary || (Number(stream) % 2 === 0 && overloaded.has(stream))) return undefined
    overloaded.add(stream)
    // Before `message_start`, after it, after the start of the first block.
    return { fault: { kind: 'error', at: index % 3 } }
  }
  const fake = await createFakeAnthropic({ script })
  const clients = [once, forEver].map(
    (middleware) =>
      new Anthropic({ apiKey: 'not-a-key', baseURL: fake.url, maxRetries, logLevel: 'off', middleware }),
  )
  const { answers, errors } = await crowd(streams, 2, async (index) => {
    const stream = clients[index % 2]?.messages.stream(
      { model: primary, max_tokens: 10, messages: [{ role: 'user', content: 'Hello' }] },
      { headers: { 'x-stream': String(index) } },
    )
    return stream?.finalMessage()
  })
  await fake.close()
  const by = (model: string): number => answers.filter((message) => message?.model === model).length
  const raw = errors.filter((error) => !isStreamInterruptedError(error)).length
  return {
    answered: answers.length,
    text: `${answers.length} answered (${by(primary)} after a retry, ${by(fallback)} by the fallback), ${raw} raw errors; ${fake.requests.length} requests`,
  }
}
