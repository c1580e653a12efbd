import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { Dynamics } from './dynamics.ts'
import { type FakeFetch, fakeFetch } from './fake-fetch.ts'
import { createFakeAnthropic } from './server.ts'
import { params } from './testing/transports.ts'

const url = 'https://api.anthropic.com/v1/messages'
// 200 characters are 50 tokens.
const text = JSON.stringify({ ...params, pad: '' })
const body = JSON.stringify({ ...params, pad: 'x'.repeat(200 - text.length) })

describe('dynamics', () => {
  beforeEach(() => {
    vi.useFakeTimers({ now: Date.parse('2026-11-21T12:00:00Z') })
  })
  afterEach(() => {
    vi.useRealTimers()
  })

  async function send(fetch: FakeFetch, change: object = {}, key = 'key'): Promise<Response> {
    const changed = Object.keys(change).length === 0 ? body : JSON.stringify({ ...params, ...change })
    return fetch(url, { method: 'POST', body: changed, headers: { authorization: `Bearer ${key}` } })
  }
  async function statuses(fetch: FakeFetch, count: number): Promise<number[]> {
    const responses = await Promise.all(Array.from({ length: count }, () => send(fetch)))
    return responses.map(({ status }) => status)
  }
  function start(dynamics: Dynamics, seed = 1): FakeFetch {
    return fakeFetch({ dynamics, seed })
  }

  describe('rateLimit', () => {
    it('limits requests, says when to come back, and then lets in', async () => {
      const fetch = start({ rateLimit: { requestsPerMinute: 2 } })
      const first = await send(fetch)
      expect([first.status, first.headers.get('anthropic-ratelimit-requests-limit')]).toEqual([200, '2'])
      expect(first.headers.get('anthropic-ratelimit-requests-remaining')).toBe('1')
      expect(first.headers.get('anthropic-ratelimit-requests-reset')).toBe('2026-11-21T12:00:30Z')
      expect((await send(fetch)).status).toBe(200)
      const limited = await send(fetch)
      expect([limited.status, limited.headers.get('retry-after')]).toEqual([429, '30'])
      expect(limited.headers.get('x-should-retry')).toBe('true')
      expect((await limited.json()).error.message).toContain('2 requests per minute')
      await vi.advanceTimersByTimeAsync(29_999)
      expect((await send(fetch)).status).toBe(429)
      await vi.advanceTimersByTimeAsync(1)
      expect(await statuses(fetch, 2)).toEqual([200, 429])
      expect(fetch.requests.at(-1)?.reply?.source).toBe('rateLimit')
    })

    it('limits input tokens by the size of the request', async () => {
      const fetch = start({ rateLimit: { inputTokensPerMinute: 120 } })
      expect(await statuses(fetch, 3)).toEqual([200, 200, 429])
      const limited = await send(fetch)
      expect(limited.headers.get('retry-after')).toBe('15')
      expect(limited.headers.get('anthropic-ratelimit-input-tokens-remaining')).toBe('20')
      expect(limited.headers.get('anthropic-ratelimit-tokens-limit')).toBe('120')
    })

    it('lets a request that is larger than the bucket in when the bucket is full', async () => {
      const fetch = start({ rateLimit: { inputTokensPerMinute: 20 } })
      expect((await send(fetch)).status).toBe(200)
      expect((await send(fetch)).headers.get('retry-after')).toBe('150')
    })

    it('charges output tokens after the answer', async () => {
      const script = [{ usage: { output_tokens: 100 }, repeat: 'forever' as const }]
      const fetch = fakeFetch({ script, dynamics: { rateLimit: { outputTokensPerMinute: 60 } } })
      expect((await send(fetch)).headers.get('anthropic-ratelimit-output-tokens-remaining')).toBe('60')
      const limited = await send(fetch)
      expect([limited.status, limited.headers.get('retry-after')]).toEqual([429, '41'])
    })

    it('shows the tighter of the token limits, in thousands', async () => {
      const fetch = start({ rateLimit: { inputTokensPerMinute: 40_000, outputTokensPerMinute: 8000 } })
      const { headers } = await send(fetch)
      expect(headers.get('anthropic-ratelimit-input-tokens-remaining')).toBe('40000')
      expect(headers.get('anthropic-ratelimit-output-tokens-remaining')).toBe('8000')
      expect(headers.get('anthropic-ratelimit-tokens-limit')).toBe('40000')
    })

    it('keeps a bucket for each key and model line', async () => {
      const fetch = start({ rateLimit: { requestsPerMinute: 1 } })
      expect((await send(fetch)).status).toBe(200)
      expect((await send(fetch, { model: 'claude-haiku-4-5' })).status).toBe(429)
      expect((await send(fetch, { model: 'claude-opus-5-5' })).status).toBe(200)
      expect((await send(fetch, {}, 'other')).status).toBe(200)
      const { status } = await fetch(url, { method: 'POST', body, headers: { 'x-api-key': 'other' } })
      expect(status).toBe(429)
    })

    it('holds less with a shorter burst', async () => {
      const fetch = start({ rateLimit: { requestsPerMinute: 1200, burstMs: 2000 } })
      expect((await statuses(fetch, 100)).filter((status) => status === 200)).toHaveLength(40)
      await vi.advanceTimersByTimeAsync(1000)
      expect((await statuses(fetch, 100)).filter((status) => status === 200)).toHaveLength(20)
    })

    it('is not about other endpoints', async () => {
      const fetch = start({ rateLimit: { requestsPerMinute: 1 }, capacity: { concurrent: 0 } })
      for (const _ of Array(3)) {
        expect((await fetch('https://api.anthropic.com/v1/models')).status).toBe(200)
      }
    })
  })

  describe('capacity', () => {
    it('is overloaded beyond the requests that it can hold', async () => {
      const dynamics = { capacity: { concurrent: 2 } }
      const fetch = fakeFetch({ script: [{ delayMs: 1000, repeat: 'forever' }], dynamics })
      const first = statuses(fetch, 3)
      await vi.advanceTimersByTimeAsync(1000)
      expect(await first).toEqual([200, 200, 529])
      const second = statuses(fetch, 1)
      await vi.advanceTimersByTimeAsync(1000)
      expect(await second).toEqual([200])
    })

    it('counts a stream until its end, its cancel or its abort', async () => {
      const dynamics = { capacity: { concurrent: 1 } }
      const fetch = fakeFetch({ script: [{ gapMs: 1000, repeat: 'forever' }], dynamics })
      const stream = { stream: true }
      const running = (await send(fetch, stream)).text()
      expect((await send(fetch, stream)).status).toBe(529)
      await vi.runAllTimersAsync()
      await running
      const left = await send(fetch, stream)
      expect(left.status).toBe(200)
      await left.body?.cancel()
      const control = new AbortController()
      const init = { method: 'POST', body: JSON.stringify({ ...params, ...stream }), signal: control.signal }
      expect((await fetch(url, init)).status).toBe(200)
      control.abort()
      expect((await send(fetch, stream)).status).toBe(200)
    })

    it('gives the place back after a network fault', async () => {
      const script = [{ network: 'reset' as const }]
      const fetch = fakeFetch({ script, dynamics: { capacity: { concurrent: 1 } } })
      await expect(send(fetch)).rejects.toThrow('fetch failed')
      expect((await send(fetch)).status).toBe(200)
    })
  })

  describe('outages', () => {
    it('fails in its time, for its model', async () => {
      const fetch = start({
        outages: [{ fromMs: 1000, toMs: 2000, reply: { status: 503, html: true }, model: params.model }],
      })
      expect((await send(fetch)).status).toBe(200)
      await vi.advanceTimersByTimeAsync(1000)
      expect((await send(fetch)).status).toBe(503)
      expect((await send(fetch, { model: 'claude-opus-5-5' })).status).toBe(200)
      await vi.advanceTimersByTimeAsync(1000)
      expect((await send(fetch)).status).toBe(200)
      expect(fetch.requests.map(({ reply }) => reply?.source)).toEqual([
        'default',
        'outage',
        'default',
        'default',
      ])
    })

    it('fails a share of the requests, the same one for the same seed', async () => {
      const outages = [{ reply: 529, share: 0.9 }]
      const failed = await statuses(start({ outages }), 1000)
      expect(failed.filter((status) => status === 529).length).toBeGreaterThan(870)
      expect(failed.filter((status) => status === 529).length).toBeLessThan(930)
      expect(await statuses(start({ outages }), 1000)).toEqual(failed)
      expect(await statuses(start({ outages }, 2), 1000)).not.toEqual(failed)
    })

    it('leaves the script alone', async () => {
      const fetch = fakeFetch({ script: [418], dynamics: { outages: [{ toMs: 10, reply: 500 }] } })
      expect(await statuses(fetch, 2)).toEqual([500, 500])
      await vi.advanceTimersByTimeAsync(10)
      expect(await statuses(fetch, 2)).toEqual([418, 200])
    })

    it('comes before the keys', async () => {
      const fetch = start({ outages: [{ reply: 502 }], keys: ['other'] })
      expect((await send(fetch)).status).toBe(502)
    })
  })

  describe('keys', () => {
    it('accepts each key in its time', async () => {
      const fetch = start({ keys: ['always', { key: 'old', toMs: 1000 }, { key: 'new', fromMs: 500 }] })
      const accepted = async (): Promise<number[]> => {
        const responses = await Promise.all(
          ['always', 'old', 'new', 'none'].map((key) => send(fetch, {}, key)),
        )
        return responses.map(({ status }) => status)
      }
      expect(await accepted()).toEqual([200, 200, 401, 401])
      await vi.advanceTimersByTimeAsync(500)
      expect(await accepted()).toEqual([200, 200, 200, 401])
      await vi.advanceTimersByTimeAsync(500)
      expect(await accepted()).toEqual([200, 401, 200, 401])
    })

    it('refuses a request without one', async () => {
      const response = await start({ keys: ['a'] })('https://api.anthropic.com/v1/models')
      expect(response.status).toBe(401)
      expect((await response.json()).error).toMatchObject({
        type: 'authentication_error',
        message: 'x-api-key header is required',
      })
    })
  })
})

describe('dynamics of a server', () => {
  it('runs on the clock that it is given', async () => {
    let nowMs = 0
    const fake = await createFakeAnthropic({
      now: () => nowMs,
      dynamics: { outages: [{ toMs: 100, reply: 529 }] },
    })
    const status = async (): Promise<number> =>
      (await fetch(`${fake.url}/v1/messages`, { method: 'POST', body })).status
    expect(await status()).toBe(529)
    nowMs = 100
    expect(await status()).toBe(200)
    await fake.close()
  })
})
