import { getEventListeners } from 'node:events'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { setImmediate } from 'node:timers/promises'
import { createFetch } from '@breakwater/core'
import { createFakeAnthropic, type FakeAnthropic, type Reply } from '@breakwater/testkit'
import Anthropic from '@anthropic-ai/sdk'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { plainRetry } from './testing/retry.ts'
import { params, seams } from '@breakwater/testing'
import { failureOf } from './testing/outcomes.ts'
import { off } from './testing/set-up.ts'
import { timeout } from './timeout.ts'

let fake: FakeAnthropic
afterEach(() => fake.close())

describe.each(seams)('over real HTTP, by %s', (_, clientOf) => {
  it.each<[string, Reply]>([
    ['attempt', { network: 'hang' }],
    ['firstToken', { fault: { kind: 'pings', at: 1, gapMs: 5 } }],
    ['idle', { fault: { kind: 'pings', at: 4, gapMs: 5 } }],
    ['total', { text: 'x'.repeat(4_000), fault: { kind: 'drip', at: 4, gapMs: 5 } }],
  ])('the limit %s closes the connection', async (limit, reply) => {
    fake = await createFakeAnthropic({ script: [reply] })
    const told: string[] = []
    const limits = {
      ...off,
      [`${limit}Ms`]: 40,
      onTimeout: (event: { limit: string }) => told.push(event.limit),
    }
    const client = clientOf({ middleware: timeout(limits), baseURL: fake.url })
    const error = await failureOf(client.messages.stream(params).finalMessage())
    expect(String(error)).toMatch(/timed out/)
    expect(told).toEqual([limit])
    await vi.waitFor(() => expect(fake.requests[0]).toMatchObject({ aborted: true }))
  })

  it('a stalled JSON body ends', async () => {
    fake = await createFakeAnthropic({ script: [{ fault: { kind: 'stall', at: 30 } }] })
    const client = clientOf({ middleware: timeout({ ...off, idleMs: 30 }), baseURL: fake.url })
    expect(await failureOf(client.messages.create(params))).toMatchObject({ limit: 'idle' })
    await vi.waitFor(() => expect(fake.requests[0]).toMatchObject({ aborted: true }))
  })

  it('a retry outside gets its answer', async () => {
    fake = await createFakeAnthropic({ script: [{ network: 'hang' }, { text: 'second' }] })
    const middleware = [plainRetry(5), timeout({ attemptMs: 40 })]
    expect(await clientOf({ middleware, baseURL: fake.url }).messages.stream(params).finalText()).toBe(
      'second',
    )
  })

  it('an abort and a break close the connection', async () => {
    fake = await createFakeAnthropic({ script: [{ fault: 'stall' }, { fault: { kind: 'pings', gapMs: 5 } }] })
    const client = clientOf({ middleware: timeout({ totalMs: 60_000 }), baseURL: fake.url })
    const controller = new AbortController()
    const stream = client.messages.stream(params, { signal: controller.signal })
    stream.once('text', () => controller.abort())
    expect(await failureOf(stream.finalMessage())).toBeInstanceOf(Anthropic.APIUserAbortError)
    for await (const event of await client.messages.create({ ...params, stream: true })) {
      if (event.type === 'content_block_delta') break
    }
    await vi.waitFor(() => expect(fake.requests).toMatchObject([{ aborted: true }, { aborted: true }]))
  })
})

describe('an answer that nobody reads', () => {
  it.each([
    ['under all limits', timeout({ totalMs: 60_000 })],
    ['under attemptMs alone', timeout({ ...off, attemptMs: 60_000 })],
  ])('takes its listener with it, %s', async (_, middleware) => {
    fake = await createFakeAnthropic()
    const { signal } = new AbortController()
    const fetch = createFetch(middleware)
    for (let call = 0; call < 20; call++) {
      await fetch(`${fake.url}/v1/messages`, {
        method: 'POST',
        headers: {
          'x-api-key': 'test',
          'anthropic-version': '2023-06-01',
          'content-type': 'application/json',
        },
        body: JSON.stringify(params),
        signal,
      })
    }
    setFlagsFromString('--expose_gc')
    const collect = runInNewContext('gc') as () => void
    await vi.waitFor(
      async () => {
        collect()
        await setImmediate()
        expect(getEventListeners(signal, 'abort')).toEqual([])
      },
      { timeout: 4_000, interval: 20 },
    )
  })
})
