import { getEventListeners } from 'node:events'
import Anthropic from '@anthropic-ai/sdk'
import { callOf, createFetch, type Middleware } from '@breakwater/core'
import { createFakeAnthropic, fakeFetch, type Reply } from '@breakwater/testkit'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { jitterRetry } from '../jitter-retry.ts'
import { params, seams } from '@breakwater/testing'
import { setUp, settle } from './set-up.ts'

const url = 'https://api.anthropic.com/v1/messages'
const body = JSON.stringify(params)
/** One long wait after an overload. */
const policy = { overloaded: { stepsMs: [5000] } }

/** How `jitterRetry` begins, ends and cleans up; run against each p-retry that it accepts. */
export function lifecycle(pRetry: string): void {
  describe.each(seams)(`jitterRetry on ${pRetry}, by %s`, (seam, clientOf) => {
    beforeEach(() => void vi.useFakeTimers())
    afterEach(() => void vi.useRealTimers())

    it.each<[string, Reply, number]>([
      ['while it waits', 529, 2000],
      ['during the first try', { network: 'hang' }, 10],
      ['while an error body is read', { status: 500, endless: true, gapMs: 100 }, 300],
    ])('settles at once when the caller aborts %s', async (_name, reply, ms) => {
      const { client, fetch, call } = setUp(clientOf, () => reply, { maxRetries: 2, policy })
      const controller = new AbortController()
      let error: unknown
      void client.messages
        .create(params, { signal: controller.signal })
        .catch((thrown: unknown) => (error = thrown))
      await vi.advanceTimersByTimeAsync(ms)
      expect(error).toBeUndefined()
      controller.abort(new Error('the user left'))
      await vi.advanceTimersByTimeAsync(0)
      expect(error).toBeInstanceOf(Anthropic.APIUserAbortError)
      expect(vi.getTimerCount()).toBe(0)
      expect(fetch.requests).toHaveLength(1)
      expect(call().events.some(({ type }) => type === 'retry_exhausted')).toBe(false)
    })

    it('settles at once when the caller aborts during a retry', async () => {
      const { client, fetch } = setUp(clientOf, [500, { network: 'hang' }], { maxRetries: 2 })
      const controller = new AbortController()
      let error: unknown
      void client.messages
        .create(params, { signal: controller.signal })
        .catch((thrown: unknown) => (error = thrown))
      await vi.advanceTimersByTimeAsync(1500)
      controller.abort()
      await vi.advanceTimersByTimeAsync(0)
      expect(error).toBeInstanceOf(Anthropic.APIUserAbortError)
      expect(vi.getTimerCount()).toBe(0)
      expect(fetch.requests).toHaveLength(2)
    })

    it('hands the reason of the caller’s signal to whoever stands outside', async () => {
      const reason = new Error('the user left')
      const seen: unknown[] = []
      const look: Middleware = (request, next) =>
        next(request).catch((error: unknown) => {
          seen.push(error)
          throw error
        })
      const { client } = setUp(clientOf, () => 529, { outside: [look] })
      const controller = new AbortController()
      const calling = client.messages.create(params, { signal: controller.signal }).catch(() => {})
      await vi.advanceTimersByTimeAsync(1000)
      controller.abort(reason)
      await calling
      // In a `fetch` the SDK's own signal is the caller's.
      expect(seen).toEqual([seam === 'middleware' ? reason : expect.any(DOMException)])
    })

    it('hands on a stream as it is', async () => {
      const { client, fetch } = setUp(clientOf, [529, { text: 'hello world', gapMs: 1000 }])
      const seen: string[] = []
      const streaming = (async () => {
        for await (const event of await client.messages.create({ ...params, stream: true }))
          seen.push(event.type)
      })()
      await vi.advanceTimersByTimeAsync(2000)
      expect(seen.length).toBeGreaterThan(0)
      expect(seen).not.toContain('message_stop')
      await settle(streaming)
      expect(seen.at(-1)).toBe('message_stop')
      expect(fetch.requests).toHaveLength(2)
    })

    it('gives back the very response of a success', async () => {
      const seen: Response[] = []
      const look: Middleware = async (request, next) => {
        const response = await next(request)
        if (response.ok) seen.push(response)
        return response
      }
      const { send } = setUp(clientOf, [200, 500], { outside: [look], inside: [look] })
      await send()
      await send()
      expect(seen).toHaveLength(4)
      expect([seen[0] === seen[1], seen[2] === seen[3]]).toEqual([true, true])
    })

    it('cancels a response before it waits', async () => {
      const { client, fetch } = setUp(clientOf, [{ status: 529, endless: true, gapMs: 10 }], { policy })
      const calling = client.messages.create(params)
      await vi.advanceTimersByTimeAsync(1100)
      expect(fetch.requests).toMatchObject([{ aborted: true }])
      await settle(calling)
      expect(fetch.requests).toHaveLength(2)
    })

    it('keeps 100 calls at once apart', async () => {
      const { client, fetch } = setUp(
        clientOf,
        ({ headers }) => (headers['x-stainless-retry-count'] === '0' ? 529 : 200),
        {
          budget: false,
          random: Math.random,
          policy,
        },
      )
      const calls = Array.from({ length: 100 }, () => client.messages.create(params))
      await settle(Promise.all(calls))
      expect(fetch.requests).toHaveLength(200)
      const times = new Set(fetch.requests.slice(100).map(({ at }) => Math.round(at)))
      expect(times.size).toBeGreaterThan(80)
      expect([Math.min(...times), Math.max(...times)].every((at) => at >= 2500 && at <= 5000)).toBe(true)
    })
  })

  describe(`jitterRetry on ${pRetry}, by plain fetch`, () => {
    beforeEach(() => void vi.useFakeTimers())
    afterEach(() => void vi.useRealTimers())

    it('rejects with the reason of the signal, and leaves no listener', async () => {
      const controller = new AbortController()
      const fetch = createFetch(jitterRetry(), { fetch: fakeFetch({ script: () => 529 }) })
      const calling = fetch(url, { method: 'POST', body, signal: controller.signal })
      const outcome = calling.catch((thrown: unknown) => thrown)
      await vi.advanceTimersByTimeAsync(1000)
      expect(listenersOf(controller)).toBe(1)
      const reason = new Error('the user left')
      controller.abort(reason)
      expect(await outcome).toBe(reason)
      expect([listenersOf(controller), vi.getTimerCount()]).toEqual([0, 0])
    })

    it('rejects with the reason of the signal also while an error body is read', async () => {
      const upstream = fakeFetch({ script: [{ status: 500, endless: true, gapMs: 100 }] })
      const fetch = createFetch(jitterRetry(), { fetch: upstream })
      const controller = new AbortController()
      const outcome = fetch(url, { method: 'POST', body, signal: controller.signal }).catch(
        (thrown: unknown) => thrown,
      )
      await vi.advanceTimersByTimeAsync(300)
      const reason = new Error('the user left')
      controller.abort(reason)
      expect(await outcome).toBe(reason)
      expect(upstream.requests).toMatchObject([{ aborted: true }])
      expect([listenersOf(controller), vi.getTimerCount()]).toEqual([0, 0])
    })

    it('leaves no listener behind when it has waited', async () => {
      const controller = new AbortController()
      const fetch = createFetch(jitterRetry(), { fetch: fakeFetch({ script: [529, 500] }) })
      const response = await settle(fetch(url, { method: 'POST', body, signal: controller.signal }))
      await (response as Response).text()
      expect([listenersOf(controller), vi.getTimerCount()]).toEqual([0, 0])
    })

    it('sends nothing for a signal that is aborted', async () => {
      const upstream = fakeFetch()
      const reason = new Error('before')
      const fetch = createFetch(jitterRetry(), { fetch: upstream })
      await expect(fetch(url, { method: 'POST', body, signal: AbortSignal.abort(reason) })).rejects.toBe(
        reason,
      )
      expect(upstream.requests).toHaveLength(0)
    })

    it.each<[string, () => BodyInit]>([
      ['a string', () => body],
      ['bytes', () => new TextEncoder().encode(body)],
      ['a blob', () => new Blob([body])],
      ['a form', () => formOf('hello')],
      ['parameters', () => new URLSearchParams({ a: 'b' })],
    ])('replays %s byte for byte', async (_name, make) => {
      const upstream = fakeFetch({ script: [500] })
      const fetch = createFetch(jitterRetry(), { fetch: upstream })
      await settle(fetch(`${url}?raw`, { method: 'POST', body: make() }))
      const texts = upstream.requests.map(({ text }) => text.replaceAll(/-*formdata-\S+/g, '--'))
      expect(texts).toHaveLength(2)
      expect(texts[0]).not.toBe('')
      expect(texts[1]).toBe(texts[0])
    })

    it.each<[string, () => Parameters<typeof globalThis.fetch>]>([
      [
        'a stream',
        () => [url, { method: 'POST', body: new Blob([body]).stream(), duplex: 'half' } as RequestInit],
      ],
      ['a Request', () => [new Request(url, { method: 'POST', body })]],
    ])('sends %s once, and says so', async (_name, make) => {
      const events: unknown[] = []
      const look: Middleware = async (request, next, ctx) => {
        const response = await next(request)
        events.push(...callOf(request, ctx).events)
        return response
      }
      const upstream = fakeFetch({ script: [529] })
      const fetch = createFetch([look, jitterRetry()], { fetch: upstream })
      const response = await settle(fetch(...make()))
      expect(response).toMatchObject({ status: 529 })
      expect(upstream.requests).toHaveLength(1)
      expect(events).toMatchObject([
        { type: 'retry_exhausted', reason: 'not_replayable', category: 'overloaded' },
      ])
    })
  })

  it(`retries a closed keep-alive connection for free on ${pRetry}`, async () => {
    const script = [200, { network: 'resetOnReusedSocket' as const, repeat: 'forever' as const }]
    const fake = await createFakeAnthropic({ script })
    try {
      const onRetry = vi.fn()
      const policy = { connection: { retries: 1, baseMs: 3_600_000, capMs: 3_600_000 } }
      const middleware = [jitterRetry({ onRetry, policy })]
      const client = new Anthropic({ apiKey: 'not-a-key', baseURL: fake.url, maxRetries: 0, middleware })
      while (onRetry.mock.calls.length === 0) {
        await client.messages.create(params)
        // The pool takes the connection back a moment later.
        await new Promise(setImmediate)
      }
      expect(onRetry.mock.calls).toMatchObject([
        [{ category: 'connection', reason: 'stale_socket', waitMs: 0 }],
      ])
    } finally {
      await fake.close()
    }
  })
}

function listenersOf({ signal }: AbortController): number {
  return getEventListeners(signal, 'abort').length
}

function formOf(text: string): FormData {
  const form = new FormData()
  form.set('file', new Blob([text]), 'hello.txt')
  return form
}
