import { getEventListeners } from 'node:events'
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import Anthropic from '@anthropic-ai/sdk'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { fakeFetch } from './fake-fetch.ts'
import { describeError, params } from './testing/transports.ts'

const url = 'http://127.0.0.1:1/v1/messages'
const post = { method: 'POST', body: JSON.stringify(params) }
const streamed = { method: 'POST', body: JSON.stringify({ ...params, stream: true }) }

async function caught(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    () => 'nothing',
    (error: unknown) => error,
  )
}

describe('fakeFetch', () => {
  it('is a fetch', () => {
    const fetch: typeof globalThis.fetch = fakeFetch()
    expect(fetch).toBeTypeOf('function')
  })

  it('reads every form of a request', async () => {
    const fetch = fakeFetch()
    const form = new FormData()
    form.set('file', new Blob(['content']), 'a.txt')
    const stream = new Blob(['streamed']).stream()
    const duplex = { duplex: 'half' as const }
    await fetch(url)
    await fetch(new URL(`${url}?beta=true`), { method: 'post', body: 'text', headers: { 'X-Api-Key': 'a' } })
    await fetch(new Request(url, { method: 'POST', body: 'request', headers: [['x-api-key', 'b']] }))
    await fetch(new Request(url, { method: 'POST', body: 'first' }), { method: 'POST', body: 'second' })
    await fetch(url, {
      method: 'POST',
      body: new TextEncoder().encode('bytes'),
      headers: new Headers({ a: 'b' }),
    })
    await fetch(url, { method: 'POST', body: new URLSearchParams({ a: 'b' }) })
    await fetch(url, { method: 'POST', body: form })
    await fetch(url, { method: 'POST', body: stream, ...duplex })
    expect(
      fetch.requests.map(({ method, text }) => [method, text.includes('content') ? 'form' : text]),
    ).toEqual([
      ['GET', ''],
      ['POST', 'text'],
      ['POST', 'request'],
      ['POST', 'second'],
      ['POST', 'bytes'],
      ['POST', 'a=b'],
      ['POST', 'form'],
      ['POST', 'streamed'],
    ])
    expect(fetch.requests[1]).toMatchObject({
      path: '/v1/messages',
      url: `${url}?beta=true`,
      headers: { 'x-api-key': 'a' },
    })
    expect(fetch.requests[2]?.headers).toMatchObject({ 'x-api-key': 'b' })
    expect(fetch.requests[6]?.headers['content-type']).toMatch(/^multipart\/form-data; boundary=/)
  })

  it('refuses what fetch refuses', async () => {
    const fetch = fakeFetch()
    for (const [input, init] of [
      ['nonsense', {}],
      [url, { body: 'x' }],
      [url, { headers: { 'bad name': 'x' } }],
    ] as const) {
      expect(describeError(await caught(fetch(input, init)))).toBe(
        describeError(await caught(globalThis.fetch(input, init))),
      )
    }
    expect(fetch.requests).toEqual([])
  })

  it('refuses a connection with the error of fetch', async () => {
    const server = createServer()
    const port = await new Promise<number>((resolve) => {
      server.listen(0, '127.0.0.1', () => resolve((server.address() as AddressInfo).port))
    })
    await new Promise((resolve) => server.close(resolve))
    const target = `http://127.0.0.1:${port}/v1/messages`
    const [real, fake] = await Promise.all([
      caught(globalThis.fetch(target, post)),
      caught(fakeFetch({ script: [{ network: 'refused' }] })(target, post)),
    ])
    expect(fake).toEqual(real)
    expect((fake as TypeError).cause).toMatchObject({ ...((real as TypeError).cause as object) })
  })

  it('answers with a response like that of fetch', async () => {
    const response = await fakeFetch()(url, post)
    expect([response.url, response.ok, response.statusText, response.bodyUsed]).toEqual([
      url,
      true,
      'OK',
      false,
    ])
    const copy = response.clone()
    expect(await copy.json()).toEqual(await response.json())
    expect(response.bodyUsed).toBe(true)
  })

  it('fills the buffer of a BYOB reader', async () => {
    const { body } = await fakeFetch({ script: [{ body: 'abc' }] })(url, post)
    const reader = body?.getReader({ mode: 'byob' })
    const first = await reader?.read(new Uint8Array(10))
    expect(new TextDecoder().decode(first?.value)).toBe('abc')
    expect((await reader?.read(new Uint8Array(10)))?.done).toBe(true)
    const empty = await fakeFetch({ script: [{ body: '' }] })(url, post)
    expect((await empty.body?.getReader({ mode: 'byob' }).read(new Uint8Array(10)))?.done).toBe(true)
  })

  it('sends nothing when the signal is aborted already', async () => {
    const fetch = fakeFetch()
    const reason = new Error('mine')
    expect(await caught(fetch(url, { ...post, signal: AbortSignal.abort(reason) }))).toBe(reason)
    expect(await caught(fetch(new Request(url, { signal: AbortSignal.abort(reason) })))).toBe(reason)
    expect(fetch.requests).toEqual([])
  })

  it.each([
    ['a hang', { network: 'hang' }, post],
    ['a delay', { delayMs: 60_000 }, post],
    ['a stall', { fault: 'stall' }, streamed],
    ['a gap', { gapMs: 60_000 }, streamed],
  ] as const)(
    'rejects with the reason of an abort during %s, and leaves nothing behind',
    async (_name, entry, init) => {
      vi.useFakeTimers()
      const fetch = fakeFetch({ script: [entry] })
      const control = new AbortController()
      const reason = new Error('mine')
      const text = caught(fetch(url, { ...init, signal: control.signal }).then((response) => response.text()))
      await vi.advanceTimersByTimeAsync(1000)
      control.abort(reason)
      expect(await text).toBe(reason)
      expect(fetch.requests[0]).toMatchObject({ aborted: true, closedAt: 1000 })
      expect(getEventListeners(control.signal, 'abort')).toEqual([])
      expect(vi.getTimerCount()).toBe(0)
    },
  )

  it('aborts while a script function thinks', async () => {
    const fetch = fakeFetch({ script: () => new Promise(() => {}) })
    const control = new AbortController()
    const answer = caught(fetch(url, { ...post, signal: control.signal }))
    control.abort('why')
    expect(await answer).toBe('why')
    expect(fetch.requests[0]?.aborted).toBe(true)
  })

  it.each([200, { delayMs: 60_000 }])(
    'aborts when the script does so, whatever it answers: %j',
    async (reply) => {
      const control = new AbortController()
      const reason = new Error('mine')
      const fetch = fakeFetch({
        script: () => {
          control.abort(reason)
          return reply
        },
      })
      expect(await caught(fetch(url, { ...post, signal: control.signal }))).toBe(reason)
      expect(fetch.requests[0]?.aborted).toBe(true)
      expect(getEventListeners(control.signal, 'abort')).toEqual([])
    },
  )

  it('errors a body that is not read when the signal aborts', async () => {
    const control = new AbortController()
    const response = await fakeFetch()(url, { ...post, signal: control.signal })
    const reason = new Error('mine')
    control.abort(reason)
    expect(await caught(response.text())).toBe(reason)
  })

  it('leaves no listener on the signal after an answer, read or cancelled', async () => {
    const fetch = fakeFetch()
    const { signal } = new AbortController()
    await (await fetch(url, { ...streamed, signal })).text()
    await (await fetch(url, { ...streamed, signal })).body?.cancel()
    await (await fetch(url, { ...post, signal })).json()
    expect(getEventListeners(signal, 'abort')).toEqual([])
  })

  it('records a stream that the client left', async () => {
    const fetch = fakeFetch({ script: [{ gapMs: 1 }] })
    const { body } = await fetch(url, streamed)
    const reader = body?.getReader()
    await reader?.read()
    await reader?.cancel()
    expect(fetch.requests[0]).toMatchObject({ aborted: true, eventsSent: ['message_start'] })
  })

  describe('on fake time', () => {
    beforeEach(() => {
      vi.useFakeTimers({ now: Date.parse('2026-11-21T12:00:00Z') })
    })
    afterEach(() => {
      vi.useRealTimers()
    })

    it('waits exactly as told', async () => {
      const fetch = fakeFetch({ script: [{ delayMs: 5000, gapMs: 1000, text: 'x' }] })
      const startedAt = Date.now()
      const arrivals: number[] = []
      const done = (async () => {
        const { body } = await fetch(url, streamed)
        arrivals.push(Date.now() - startedAt)
        for await (const _ of body ?? []) arrivals.push(Date.now() - startedAt)
      })()
      await vi.runAllTimersAsync()
      await done
      expect(arrivals).toEqual([5000, 5000, 6000, 7000, 8000, 9000, 10_000, 11_000])
      expect(fetch.requests[0]).toMatchObject({ at: 0, closedAt: 11_000, aborted: false })
    })

    it('sets no timer where nothing waits', async () => {
      const fetch = fakeFetch({ script: [529, { fault: 'cut' }] })
      await (await fetch(url, post)).text()
      await caught((await fetch(url, streamed)).text())
      await (await fetch(url, streamed)).text()
      expect(vi.getTimerCount()).toBe(0)
    })

    it('drives the retries of a real client', async () => {
      const fetch = fakeFetch({
        script: [
          { status: 429, retryAfter: 30 },
          { status: 529, retryAfterDateMs: 9000 },
        ],
      })
      const client = new Anthropic({ apiKey: 'key', fetch, logLevel: 'off' })
      const message = client.messages.create(params)
      await vi.runAllTimersAsync()
      expect((await message).type).toBe('message')
      expect(fetch.requests.map(({ at }) => at)).toEqual([0, 30_000, 39_000])
    })

    it('serves a thousand calls', async () => {
      const fetch = fakeFetch({ script: [{ delayMs: 100, repeat: 'forever' }] })
      const all = Promise.all(Array.from({ length: 1000 }, async () => (await fetch(url, post)).status))
      await vi.advanceTimersByTimeAsync(100)
      expect(new Set(await all)).toEqual(new Set([200]))
    })
  })
})
