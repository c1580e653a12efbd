import { describe, expect, test } from 'vitest'
import { simulate } from './simulate.ts'
import { createUpstream, roundTripMs } from './upstream.ts'

const url = 'https://api-0.test/v1/messages'
const body = JSON.stringify({ model: 'm', max_tokens: 1, messages: [] })

describe('upstream', () => {
  test('is a way off, for a refusal too', async () => {
    await simulate(async () => {
      const { fetch, requests } = createUpstream({ script: [529], seed: 1 })
      const response = await fetch(url, { method: 'POST', body })
      expect([response.status, performance.now(), requests[0]?.at]).toEqual([529, roundTripMs, roundTripMs])
    })
  })

  test('sees nothing of a request that is aborted on its way', async () => {
    await simulate(async () => {
      const { fetch, requests } = createUpstream({ script: [], seed: 1 })
      const controller = new AbortController()
      const reason = new Error('changed my mind')
      setTimeout(() => controller.abort(reason), 10)
      await expect(fetch(url, { method: 'POST', body, signal: controller.signal })).rejects.toBe(reason)
      await expect(fetch(url, { method: 'POST', body, signal: controller.signal })).rejects.toBe(reason)
      expect([performance.now(), requests.length]).toEqual([10, 0])
    })
  })

  test.each([
    [false, '1', '1200'],
    [true, null, null],
  ])('says nothing of waits and limits when it is silent: %s', async (isSilent, retryAfter, limit) => {
    await simulate(async () => {
      const dynamics = { rateLimit: { requestsPerMinute: 1200, burstMs: 50 } }
      const { fetch } = createUpstream({ script: [], dynamics, seed: 1, isSilent })
      await fetch(url, { method: 'POST', body })
      const [first, second] = await Promise.all([
        fetch(url, { method: 'POST', body }),
        fetch(url, { method: 'POST', body }),
      ])
      const refused = first.status === 429 ? first : second
      expect(refused.status).toBe(429)
      expect(refused.headers.get('retry-after')).toBe(retryAfter)
      expect(refused.headers.get('anthropic-ratelimit-requests-limit')).toBe(limit)
      expect(refused.headers.get('request-id')).not.toBeNull()
    })
  })
})
