import Anthropic from '@anthropic-ai/sdk'
import { createFetch } from '@breakwater/core'
import { createFakeAnthropic, type FakeAnthropic, type Reply } from '@breakwater/testkit'
import { params, seams } from '@breakwater/testing'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { streamGuard } from './stream-guard.ts'
import { eventsOf, failureOf } from './testing/outcomes.ts'

const streaming = { ...params, stream: true } as const

let fake: FakeAnthropic
afterEach(() => fake.close())

describe.each(seams)('over real HTTP, by %s', (_, clientOf) => {
  async function start(...script: Reply[]): Promise<Anthropic> {
    fake = await createFakeAnthropic({
      script: script.map((reply) => (typeof reply === 'number' ? { status: reply } : reply)),
    })
    return clientOf({ middleware: streamGuard(), baseURL: fake.url })
  }

  it.each<[string, Reply, number]>([
    ['an error', { fault: { kind: 'error', at: 2 } }, 529],
    ['an end', { fault: { kind: 'end', at: 1 } }, 502],
    ['a cut', { fault: { kind: 'cut', at: 1 } }, 502],
    ['a reset', { fault: { kind: 'reset', at: 1 }, gapMs: 2 }, 502],
    ['an empty answer', { contentType: 'text/event-stream', body: '' }, 502],
  ])('%s before the content is a response', async (_, reply, status) => {
    const client = await start(reply)
    expect(await failureOf(client.messages.create(streaming))).toMatchObject({
      status,
      requestID: fake.requests[0]?.reply?.requestId,
    })
  })

  it.each<[string, Reply, string]>([
    ['an error', { fault: { kind: 'error', at: 5 } }, 'error_event'],
    ['an end', { fault: { kind: 'end', at: 5 } }, 'truncated'],
    ['a cut', { fault: { kind: 'cut', at: 5 } }, 'cut'],
    ['a reset', { fault: { kind: 'reset', at: 5 }, gapMs: 2 }, 'cut'],
  ])('%s after it is an error', async (_, reply, reason) => {
    const client = await start(reply, reply)
    const { events, error } = await eventsOf(client.messages.create(streaming))
    expect(error).toMatchObject({ name: 'StreamInterruptedError', reason })
    expect(error).toMatchObject({ deliveredEvents: events.length })
    expect(await failureOf(client.messages.stream(params).finalMessage())).toMatchObject({
      cause: { reason },
    })
  })

  it('a faulty event closes the connection, before the content and after', async () => {
    const garbage = (at: number): Reply => ({
      fault: { kind: 'garbage', at },
      gapMs: 5,
      text: 'x'.repeat(4000),
    })
    const client = await start(garbage(1), garbage(5))
    expect(await failureOf(client.messages.create(streaming))).toMatchObject({ status: 502 })
    expect((await eventsOf(client.messages.create(streaming))).error).toMatchObject({ reason: 'malformed' })
    await vi.waitFor(() => expect(fake.requests).toMatchObject([{ aborted: true }, { aborted: true }]))
  })

  it('a reader that stops early closes the connection at once', async () => {
    const client = await start({ text: 'x'.repeat(4000), gapMs: 5 })
    for await (const event of await client.messages.create(streaming)) {
      if (event.type === 'content_block_delta') break
    }
    await vi.waitFor(() => expect(fake.requests[0]).toMatchObject({ aborted: true }), {
      timeout: 200,
      interval: 2,
    })
    expect(fake.requests[0]!.eventsSent.length).toBeLessThan(30)
  })

  it('the caller’s abort ends a stalled stream, held or not', async () => {
    const client = await start({ fault: { kind: 'stall', at: 1 } }, { fault: { kind: 'stall', at: 5 } })
    const early = new AbortController()
    const held = failureOf(client.messages.create(streaming, { signal: early.signal }))
    await vi.waitFor(() => expect(fake.requests[0]?.eventsSent).toHaveLength(1))
    const abortedAt = performance.now()
    early.abort()
    expect(await held).toBeInstanceOf(Anthropic.APIUserAbortError)
    expect(performance.now() - abortedAt).toBeLessThan(100)
    const late = new AbortController()
    const stream = client.messages.stream(params, { signal: late.signal })
    stream.once('text', () => late.abort())
    expect(await failureOf(stream.finalMessage())).toBeInstanceOf(Anthropic.APIUserAbortError)
    await vi.waitFor(() => expect(fake.requests).toMatchObject([{ aborted: true }, { aborted: true }]))
  })

  it('a stream in pieces of 7 bytes is the same', async () => {
    const tool = {
      thinking: 'hm',
      text: 'Grüße 🙂',
      toolUse: { name: 'a', input: { b: 'ü' } },
      chunkBytes: 7,
    }
    const client = await start(tool)
    const message = await client.messages.stream(params).finalMessage()
    expect(message.content).toMatchObject([{ thinking: 'hm' }, { text: 'Grüße 🙂' }, { input: { b: 'ü' } }])
  })
})

it('plain fetch is guarded too', async () => {
  fake = await createFakeAnthropic({ script: [{ fault: { kind: 'cut', at: 5 } }] })
  const fetch = createFetch(streamGuard())
  const headers = {
    'x-api-key': 'test',
    'anthropic-version': '2023-06-01',
    'content-type': 'application/json',
  }
  const response = await fetch(`${fake.url}/v1/messages`, {
    method: 'POST',
    headers,
    body: JSON.stringify(streaming),
  })
  expect(await failureOf(response.text())).toMatchObject({
    reason: 'cut',
    lastError: { message: 'terminated' },
  })
})
