import Anthropic from '@anthropic-ai/sdk'
import type { Middleware } from '@breakwater/core'
import { createFakeAnthropic } from '@breakwater/testkit'
import { streamGuard } from '@breakwater/stream-guard'

/** Median milliseconds from the call to its first text over real HTTP, without and with the guard, taken in turns. */
export async function firstContent(samples: number): Promise<{ without: number; with: number }> {
  const fake = await createFakeAnthropic({ script: [{ gapMs: 2, repeat: 'forever' }] })
  const clientOf = (middleware: Middleware[]): Anthropic =>
    new Anthropic({ apiKey: 'not-a-key', baseURL: fake.url, maxRetries: 0, logLevel: 'off', middleware })
  const clients = [clientOf([]), clientOf([streamGuard()])] as const
  const times = [[], []] as [number[], number[]]
  for (let sample = 0; sample < samples; sample++) {
    for (const index of [0, 1] as const) times[index].push(await untilText(clients[index]))
  }
  await fake.close()
  const median = (values: number[]): number =>
    values.toSorted((a, b) => a - b)[Math.floor(samples / 2)] ?? NaN
  return { without: median(times[0]), with: median(times[1]) }
}

async function untilText(client: Anthropic): Promise<number> {
  const from = performance.now()
  const stream = await client.messages.create({
    model: 'claude-haiku-5-5',
    max_tokens: 10,
    messages: [{ role: 'user', content: 'Hello' }],
    stream: true,
  })
  for await (const event of stream) if (event.type === 'content_block_delta') break
  return performance.now() - from
}
