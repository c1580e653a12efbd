import { createFetch } from '@breakwater/core'
import { params, seams } from '@breakwater/testing'
import { createFakeAnthropic, type FakeAnthropic, type Reply } from '@breakwater/testkit'
import Anthropic from '@anthropic-ai/sdk'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { circuitBreaker, type CircuitBreaker } from './circuit-breaker.ts'
import { CircuitOpenError } from './circuit-open-error.ts'
import { shortOf } from './testing/set-up.ts'

let fake: FakeAnthropic | undefined
afterEach(async () => {
  await fake?.close()
  fake = undefined
})

const windowOf = (breaker: CircuitBreaker) => breaker.snapshot().circuits[0]?.window

describe.each(seams)('over real HTTP, by %s', (seam, clientOf) => {
  it.each<[string, Reply, [number, number][]]>([
    ['complete', { text: 'hello' }, [[1, 0]]],
    ['an error event', { fault: 'error' }, [[0, 1]]],
    ['an end too early', { fault: 'end' }, [[0, 1]]],
    ['a cut connection', { fault: 'cut' }, [[0, 1]]],
    ['a reset connection', { fault: 'reset' }, [[0, 1]]],
  ])('a stream: %s', async (_name, reply, counts) => {
    fake = await createFakeAnthropic({ script: [reply] })
    const breaker = circuitBreaker()
    const client = clientOf({ middleware: breaker, baseURL: fake.url })
    await client.messages
      .stream(params)
      .finalText()
      .catch(() => '')
    await vi.waitFor(() => expect(windowOf(breaker)).toEqual(counts))
  })

  it('an abort and a break close the connection and count for nothing', async () => {
    fake = await createFakeAnthropic({ script: [{ fault: 'stall' }, { fault: { kind: 'pings', gapMs: 5 } }] })
    const breaker = circuitBreaker()
    const client = clientOf({ middleware: breaker, baseURL: fake.url })
    const controller = new AbortController()
    const stream = client.messages.stream(params, { signal: controller.signal })
    stream.once('text', () => controller.abort())
    await expect(stream.finalMessage()).rejects.toBeInstanceOf(Anthropic.APIUserAbortError)
    for await (const event of await client.messages.create({ ...params, stream: true })) {
      if (event.type === 'content_block_delta') break
    }
    const { requests } = fake
    await vi.waitFor(() => expect(requests).toMatchObject([{ aborted: true }, { aborted: true }]))
    expect(windowOf(breaker)).toEqual([])
  })

  it('an outage: requests stop, and the SDK does not retry what is refused', async () => {
    fake = await createFakeAnthropic({ script: [{ status: 529, retryAfter: 60, repeat: 'forever' }] })
    const breaker = circuitBreaker()
    const client = clientOf({ middleware: breaker, baseURL: fake.url })
    const outcomes: string[] = []
    for (let call = 0; call < 15; call++) {
      const options = { maxRetries: call < 10 ? 0 : 2 }
      outcomes.push(shortOf(await client.messages.create(params, options).catch((error: unknown) => error)))
    }
    expect(outcomes.slice(10)).toEqual(['open', 'open', 'open', 'open', 'open'])
    expect(fake.requests).toHaveLength(10)
    const error: unknown = await client.messages
      .create(params, { maxRetries: 2 })
      .catch((thrown: unknown) => thrown)
    if (seam === 'middleware') expect(error).toBeInstanceOf(CircuitOpenError)
    else {
      expect(error).toBeInstanceOf(Anthropic.ServiceUnavailableError)
      expect(error).toMatchObject({ status: 503, errorCode: 'circuit_open' })
    }
  })
})

it('a thousand open circuits keep no process alive', async () => {
  const middleware = circuitBreaker({ volumeThreshold: 1, resetMs: 3_600_000 })
  const failing = (): Promise<Response> => Promise.resolve(new Response('{}', { status: 529 }))
  const fetch = createFetch(middleware, { fetch: failing })
  const before = process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length
  for (let index = 0; index < 1000; index++) {
    const body = JSON.stringify({ model: `model-${index}` })
    await fetch('https://api.test/v1/messages', { method: 'POST', body })
  }
  expect(middleware.snapshot().circuits.filter(({ state }) => state === 'open')).toHaveLength(1000)
  expect(process.getActiveResourcesInfo().filter((name) => name === 'Timeout')).toHaveLength(before)
})
