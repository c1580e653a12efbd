import { createFetch, type Middleware } from '@breakwater/core'
import { fakeFetch, type Dynamics } from '@breakwater/testkit'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { Limits } from './store.ts'
import { rateLimit } from './rate-limit.ts'
import { plainRetry } from './testing/retry.ts'
import { storm } from './testing/storm.ts'
import { times, until } from './testing/set-up.ts'

beforeEach(() => void vi.useFakeTimers({ now: Date.parse('2026-11-21T12:00:00Z') }))
afterEach(() => {
  expect(vi.getTimerCount()).toBe(0)
  vi.useRealTimers()
})

const url = 'https://api.anthropic.com/v1/messages'
const valid = JSON.stringify({
  model: 'claude-haiku-5-5',
  max_tokens: 5,
  messages: [{ role: 'user', content: 'x' }],
})
const twentyASecond: Dynamics = { rateLimit: { requestsPerMinute: 1200, burstMs: 2000 } }

/** 200 clients with five calls each, which the limit alone lets through in 48 s. */
describe('a fleet over its limit', { timeout: 120_000 }, () => {
  it('is answered in full, with no refusal, by what the answers say', async () => {
    const result = await storm({ stacks: [[rateLimit()]], dynamics: twentyASecond })
    expect(result).toMatchObject({ answered: 1000, requests: 1000 })
    expect(result.seconds).toBeLessThan(51)
    expect(result.p99).toBeLessThan(12_000)
  })

  it.each([
    ['hints alone', { limits: true }],
    ['nothing', { limits: true, hints: true }],
  ])('finds its pace by refusals where they come with %s', async (_, silence) => {
    const alone = await storm({ stacks: [[rateLimit()]], dynamics: twentyASecond, silence })
    expect(alone.answered).toBeGreaterThan(985)
    expect(alone.seconds).toBeLessThan(52)
    const retried = await storm({
      stacks: [[rateLimit(), plainRetry(5, 1000)]],
      dynamics: twentyASecond,
      silence,
    })
    expect(retried.answered).toBe(1000)
    expect(retried.requests).toBeLessThan(1015)
    expect(retried.seconds).toBeLessThan(53)
  })

  it('finds how many the API can work on at once', async () => {
    const result = await storm({ stacks: [[rateLimit()]], dynamics: { capacity: { concurrent: 10 } } })
    expect(result.answered).toBeGreaterThan(985)
    // 1,000 calls of 200 ms, ten at once: 20 s.
    expect(result.seconds).toBeLessThan(24)
  })

  it('spends what the API has saved up, and then keeps to the limit', async () => {
    const dynamics: Dynamics = { rateLimit: { requestsPerMinute: 1200 } }
    const result = await storm({ stacks: [[rateLimit()]], dynamics, callsPerClient: 15 })
    expect(result).toMatchObject({ answered: 3000, requests: 3000 })
    // 1,200 are in the bucket; the other 1,800 take 90 s, and what is left in it as a reserve 3 s.
    expect(result.seconds).toBeLessThan(96)
  })

  it('shares the limit fairly among processes that know nothing of each other', async () => {
    const stacks = times(4, () => [rateLimit(), plainRetry(5, 1000)])
    const result = await storm({
      stacks,
      dynamics: { rateLimit: { requestsPerMinute: 1200 } },
      callsPerClient: 20,
    })
    // 4,000 calls: the bucket of a minute holds 1,200, the rest takes 140 s.
    expect(result.answered).toBe(4000)
    expect(result.requests).toBeLessThan(4030)
    expect(result.seconds).toBeLessThan(185)
    for (const share of result.perStack) expect(share).toBe(1000)
  })

  it('loses no time to refusals that do not depend on it', async () => {
    const dynamics: Dynamics = { outages: [{ fromMs: 5000, toMs: 35_000, reply: 529, share: 0.3 }] }
    const run = (limiter: readonly Middleware[]) =>
      storm({ stacks: [[...limiter, plainRetry(100, 200)]], dynamics, clients: 20, callsPerClient: 150 })
    const limited = await run([rateLimit({ startPerSecond: 1000 })])
    const bare = await run([])
    expect(limited.answered).toBe(3000)
    expect(limited.seconds).toBeLessThan(bare.seconds + 1)
  })

  it('comes back from an outage at less than twice the rate from before it, the oldest calls first', async () => {
    const dynamics: Dynamics = { outages: [{ fromMs: 30_000, toMs: 60_000, reply: 529 }] }
    const fake = fakeFetch({ script: [{ delayMs: 300, repeat: 'forever' }], dynamics })
    const fetch = createFetch([plainRetry(1000, 5000), rateLimit()], { fetch: fake })
    const from = performance.now()
    const ends: number[] = []
    // Twelve a second, whether or not earlier ones are answered.
    const calls = times(1440, async (index) => {
      await new Promise((resolve) => setTimeout(resolve, (index * 1000) / 12))
      const response = await fetch(url, { method: 'POST', body: valid })
      await response.arrayBuffer()
      ends[index] = performance.now() - from
    })
    await until(Promise.all(calls))
    const at = fake.requests.map((request) => request.at)
    const inSecond = (from: number) => at.filter((time) => time >= from && time < from + 1000).length
    for (let second = 60_000; second < 120_000; second += 100) expect(inSecond(second)).toBeLessThan(24)
    // Those of the outage are through after twenty seconds, the oldest first.
    expect(Math.max(...ends.slice(0, 700))).toBeLessThan(80_000)
    const waited = ends.slice(480, 700)
    expect(waited).toEqual(waited.toSorted((one, other) => one - other))
    expect(ends.at(-1)).toBeLessThan(121_000)
  })

  it('recovers soon from a time in which nearly everything was refused', async () => {
    const dynamics: Dynamics = { outages: [{ fromMs: 5000, toMs: 65_000, reply: 529, share: 0.9 }] }
    const stacks = [[rateLimit(), plainRetry(100, 1000)]]
    const result = await storm({ stacks, dynamics, clients: 20, callsPerClient: 100 })
    expect(result.answered).toBe(2000)
    // 20 clients of five calls a second: 20 s without the outage, which lasts for 60.
    expect(result.seconds).toBeLessThan(110)
  })
})

/** Sends at these times, and says when the API has refused. */
async function play(
  arrivals: readonly number[],
  dynamics: Dynamics,
  delayMs: number,
  limits: Limits | undefined,
): Promise<{ refused: number[]; served: number; firstAnswer: number }> {
  const fake = fakeFetch({ script: [{ delayMs, repeat: 'forever' }], dynamics })
  const limiter = rateLimit({
    maxWaitMs: 3_600_000,
    maxQueue: 10_000,
    ...(limits && { limits: { '*': limits } }),
  })
  const fetch = createFetch(limiter, { fetch: fake })
  const body = JSON.stringify({
    model: 'claude-haiku-5-5',
    max_tokens: 5,
    messages: [{ role: 'user', content: 'x'.repeat(400) }],
  })
  const calls = arrivals.map(async (at) => {
    await new Promise((resolve) => setTimeout(resolve, at))
    const response = await fetch(url, { method: 'POST', body, headers: { 'x-api-key': 'not-a-key' } })
    await response.arrayBuffer()
    return response.status
  })
  const all = Promise.all(calls)
  await vi.runAllTimersAsync()
  const statuses = await all
  expect(limiter.snapshot().keys.every(({ inFlight, queueLength }) => inFlight + queueLength === 0)).toBe(
    true,
  )
  return {
    refused: fake.requests.filter(({ reply }) => reply?.status === 429).map(({ at }) => at),
    served: statuses.filter((status) => status === 200).length,
    firstAnswer: Math.min(...arrivals) + delayMs,
  }
}

/** A bucket of the API, which holds what flows in during `heldMs`. */
function bucketOf(perMinute: number, heldMs: number): (at: number, isTaken: boolean) => number {
  const capacity = Math.max(1, (perMinute * heldMs) / 60_000)
  let held = capacity
  let filledAt = 0
  return (at, isTaken) => {
    held = Math.min(capacity, held + ((at - filledAt) * perMinute) / 60_000) - (isTaken ? 1 : 0)
    filledAt = at
    return held + 1e-6
  }
}

describe('an API that counts over less time than it tells', { timeout: 120_000 }, () => {
  it('refuses a few while it is found out, and then none', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 120, max: 3000 }),
        fc.integer({ min: 1200, max: 50_000 }),
        fc.integer({ min: 50, max: 5000 }),
        fc.integer({ min: 5, max: 200 }),
        async (perMinute, heldMs, delayMs, refusalMs) => {
          const told = bucketOf(perMinute, 60_000)
          const counted = bucketOf(perMinute, heldMs)
          const fake = fakeFetch({
            script({ at }) {
              const isRefused = Math.min(told(at, false), counted(at, false)) < 1
              if (!isRefused) counted(at, true)
              const remaining = Math.floor(told(at, !isRefused))
              const resetMs = ((perMinute - remaining) * 60_000) / perMinute
              const rateLimit = { requests: { limit: perMinute, remaining, resetMs } }
              return isRefused
                ? { status: 429, retryAfter: 1, rateLimit, delayMs: refusalMs }
                : { rateLimit, delayMs }
            },
          })
          // What it begins with is not its number.
          const limiter = rateLimit({ maxWaitMs: 3_600_000, maxQueue: 10_000, startPerSecond: 1 })
          const fetch = createFetch(limiter, { fetch: fake })
          const calls = times(300, async (index) => {
            await new Promise((resolve) => setTimeout(resolve, index < 200 ? 0 : 600_000))
            await (await fetch(url, { method: 'POST', body: valid })).arrayBuffer()
          })
          const all = Promise.all(calls)
          await vi.runAllTimersAsync()
          await all
          const refused = fake.requests.filter(({ reply }) => reply?.status === 429).map(({ at }) => at)
          const [first = 0] = refused
          // What leaves until the first refusal is back: the pace, and half of what the API holds each second.
          const perMs = perMinute / 60_000
          const most = 2 + (refusalMs + 50) * (perMs + (perMs * (heldMs + 2000)) / 2000)
          expect(refused.length).toBeLessThanOrEqual(most)
          for (const at of refused) expect(at).toBeLessThanOrEqual(first + refusalMs + 1)
        },
      ),
      { numRuns: 20 },
    )
  })
})

describe('headers that make no sense', { timeout: 120_000 }, () => {
  const text = fc.oneof(
    fc.constantFrom(
      '-1',
      '0',
      '1',
      'NaN',
      '1e300',
      '999999999999999',
      '',
      'soon',
      '2026-11-21T12:00:05Z',
      '1970-01-01T00:00:00Z',
    ),
    fc.integer({ min: 1, max: 5000 }).map(String),
  )
  const names = ['requests', 'tokens', 'input-tokens', 'output-tokens'].flatMap((name) =>
    ['limit', 'remaining', 'reset'].map((field) => `anthropic-ratelimit-${name}-${field}`),
  )
  const answer = fc.record({
    status: fc.constantFrom(200, 200, 200, 429, 529),
    delayMs: fc.nat(2000),
    headers: fc.dictionary(fc.constantFrom(...names, 'retry-after', 'retry-after-ms'), text),
  })

  it('leave every call with an answer in its time, and no place lost', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(answer, { minLength: 1, maxLength: 30 }), async (script) => {
        const fake = fakeFetch({ script })
        const limiter = rateLimit({ maxWaitMs: 20_000, concurrency: 5 })
        const fetch = createFetch(limiter, { fetch: fake })
        const from = performance.now()
        const body = JSON.stringify({ model: 'claude-haiku-5-5', max_tokens: 5, messages: [] })
        const calls = times(40, async (index) => {
          await new Promise((resolve) => setTimeout(resolve, index * 100))
          const sentAt = performance.now()
          const response = await fetch(url, { method: 'POST', body })
          await response.arrayBuffer()
          expect([200, 400, 429, 503, 529]).toContain(response.status)
          // The queue, and the answer.
          expect(performance.now() - sentAt).toBeLessThanOrEqual(22_001)
        })
        const all = Promise.all(calls)
        await vi.runAllTimersAsync()
        await all
        expect(performance.now() - from).toBeLessThan(60_000)
        expect(
          limiter.snapshot().keys.every(({ inFlight, queueLength }) => inFlight + queueLength === 0),
        ).toBe(true)
      }),
      { numRuns: 60 },
    )
  })
})

describe('a limit of the API', { timeout: 120_000 }, () => {
  const arrivals = fc.array(fc.oneof(fc.nat(30_000), fc.nat(100)), { minLength: 1, maxLength: 80 })
  const perMinute = fc.integer({ min: 30, max: 3000 })
  const burstMs = fc.integer({ min: 1000, max: 60_000 })
  const delayMs = fc.integer({ min: 1, max: 5000 })

  it('that is known is never exceeded, however fast the API counts', async () => {
    await fc.assert(
      fc.asyncProperty(arrivals, perMinute, burstMs, delayMs, async (at, requestsPerMinute, burst, delay) => {
        const dynamics = { rateLimit: { requestsPerMinute, burstMs: burst } }
        const { refused, served } = await play(at, dynamics, delay, { requestsPerMinute })
        expect(refused).toEqual([])
        expect(served).toBe(at.length)
      }),
      { numRuns: 60 },
    )
  })

  it('that is learned is not exceeded after the first answer', async () => {
    await fc.assert(
      fc.asyncProperty(arrivals, perMinute, burstMs, delayMs, async (at, requestsPerMinute, burst, delay) => {
        const dynamics = { rateLimit: { requestsPerMinute, burstMs: burst } }
        const { refused, firstAnswer } = await play(at, dynamics, delay, undefined)
        for (const time of refused) expect(time).toBeLessThanOrEqual(firstAnswer)
      }),
      { numRuns: 60 },
    )
  })

  it('of tokens is not exceeded, with the tokens known', async () => {
    await fc.assert(
      fc.asyncProperty(
        arrivals,
        fc.integer({ min: 500, max: 60_000 }),
        delayMs,
        async (at, inputTokensPerMinute, delay) => {
          const dynamics = { rateLimit: { inputTokensPerMinute } }
          const { refused, served } = await play(at, dynamics, delay, { inputTokensPerMinute })
          expect(refused).toEqual([])
          expect(served).toBe(at.length)
        },
      ),
      { numRuns: 40 },
    )
  })
})
