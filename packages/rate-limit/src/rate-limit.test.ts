import { getEventListeners } from 'node:events'
import Anthropic from '@anthropic-ai/sdk'
import {
  callOf,
  createFetch,
  discard,
  releaseHolds,
  renewHolds,
  send as sendOn,
  setDeadline,
  targetsLeft,
  type Middleware,
} from '@breakwater/core'
import { classifyError } from '@breakwater/classify'
import { params, recordingLogger, seams } from '@breakwater/testing'
import type { Reply } from '@breakwater/testkit'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { isQueueError, QueueFullError, QueueWaitError } from './queue-error.ts'
import { rateLimit } from './rate-limit.ts'
import { plainRetry } from './testing/retry.ts'
import { advance, always, key, setUp, shortOf, times, until } from './testing/set-up.ts'

/** The headers of an answer that tells of a limit of requests. */
const limited = (limit: number, remaining: number, resetMs = 1000): Exclude<Reply, number> => ({
  rateLimit: { requests: { limit, remaining, resetMs } },
})

beforeEach(() => void vi.useFakeTimers({ now: Date.parse('2026-11-21T12:00:00Z') }))
afterEach(() => {
  expect(vi.getTimerCount()).toBe(0)
  vi.useRealTimers()
})

describe.each(seams)('rateLimit, by %s', (seam, clientOf) => {
  const isSdkSeam = seam === 'middleware'

  it('lets calls pass that nothing is in the way of, and changes nothing of the answer', async () => {
    const test = setUp(clientOf, [{ text: 'hello wörld' }, 404])
    const { data, response } = await test.client.messages.create(params).withResponse()
    expect(data.content).toMatchObject([{ text: 'hello wörld' }])
    expect(Object.fromEntries(response.headers)).toEqual(test.fetch.requests[0]?.reply?.headers)
    await expect(test.client.messages.create(params)).rejects.toBeInstanceOf(Anthropic.NotFoundError)
    expect(test.events).toEqual([])
    expect(test.state()).toEqual({ key, queueLength: 0, inFlight: 0, gate: 'open', limits: [] })
  })

  describe('concurrency', () => {
    it('is a fair semaphore', async () => {
      const test = setUp(clientOf, always({ delayMs: 100 }), { concurrency: 3 })
      const calls = times(9, () => test.send())
      await advance(0)
      expect(test.state()).toMatchObject({ queueLength: 6, inFlight: 3, concurrency: 3 })
      await advance(99)
      expect(test.fetch.requests).toHaveLength(3)
      expect((await until(Promise.all(calls))).map(shortOf)).toEqual(times(9, () => 'ok'))
      expect(test.times()).toEqual([0, 0, 0, 100, 100, 100, 200, 200, 200])
      expect(test.state()).toMatchObject({ queueLength: 0, inFlight: 0 })
      expect(test.told().slice(0, 3)).toEqual([
        'queued concurrency 1 0',
        'queued concurrency 2 0',
        'queued concurrency 3 0',
      ])
      expect(test.told().filter((one) => one.startsWith('admitted'))).toEqual([
        'admitted 100 5',
        'admitted 100 4',
        'admitted 100 3',
        'admitted 200 2',
        'admitted 200 1',
        'admitted 200 0',
      ])
    })

    it('is held by a stream until its end', async () => {
      const test = setUp(clientOf, always({ text: 'hello', gapMs: 10 }), { concurrency: 1 })
      const first = test.client.messages.stream(params).finalText()
      const second = test.client.messages.stream(params).finalText()
      await advance(30)
      expect(test.fetch.requests).toHaveLength(1)
      expect(test.state()).toMatchObject({ queueLength: 1, inFlight: 1 })
      expect(await until(first)).toBe('hello')
      expect(await until(second)).toBe('hello')
      expect(test.fetch.requests).toHaveLength(2)
      expect(test.state().inFlight).toBe(0)
    })

    it.each<[string, Reply]>([
      ['cut', { fault: 'cut' }],
      ['ended too early', { fault: 'end' }],
      ['broken by an error event', { fault: { kind: 'error', type: 'api_error' } }],
      ['empty', { body: '', contentType: 'text/event-stream' }],
    ])('is free after a stream that was %s', async (_, reply) => {
      const test = setUp(clientOf, [reply], { concurrency: 1 })
      await until(
        test.client.messages
          .stream(params)
          .finalText()
          .catch(() => ''),
      )
      expect(test.state().inFlight).toBe(0)
      expect(shortOf(await until(test.send()))).toBe('ok')
    })

    it('is free after a stream that its reader has left', async () => {
      const test = setUp(clientOf, [{ fault: { kind: 'pings', gapMs: 10 } }], { concurrency: 1 })
      const stream = await test.client.messages.create({ ...params, stream: true })
      const reading = (async () => {
        for await (const event of stream) if (event.type === 'content_block_delta') break
      })()
      await until(reading)
      expect(test.state().inFlight).toBe(0)
    })

    it.each<[string, Reply, string]>([
      ['an error of the API', 500, '500'],
      ['a refused connection', { network: 'refused' }, 'APIConnectionError'],
      ['a reset', { network: 'reset' }, 'APIConnectionError'],
    ])('is free after %s', async (_, reply, expected) => {
      const test = setUp(clientOf, [reply], { concurrency: 1 })
      const [first, second] = await until(Promise.all([test.send(), test.send()]))
      expect(shortOf(first)).toBe(expected)
      expect(shortOf(second)).toBe('ok')
      expect(test.state()).toMatchObject({ inFlight: 0, queueLength: 0 })
    })

    it('is free, and the call over at once, after an abort while the body of a failure is looked at', async () => {
      const stalled = { status: 500, body: '{"type":', fault: { kind: 'stall', at: 4 } } as const
      const test = setUp(clientOf, [stalled], { concurrency: 1 })
      const controller = new AbortController()
      const call = test.send({}, { signal: controller.signal })
      await advance(500)
      controller.abort()
      await advance(0)
      expect(await call).toBeInstanceOf(Anthropic.APIUserAbortError)
      expect(test.fetch.requests[0]).toMatchObject({ aborted: true })
      expect(test.state()).toMatchObject({ inFlight: 0 })
    })

    it('is free after an abort under way', async () => {
      const test = setUp(clientOf, [{ delayMs: 5000 }], { concurrency: 1 })
      const controller = new AbortController()
      const first = test.send({}, { signal: controller.signal })
      const second = test.send()
      await advance(100)
      controller.abort()
      expect(await until(first)).toBeInstanceOf(Anthropic.APIUserAbortError)
      expect(shortOf(await until(second))).toBe('ok')
      expect(test.times()).toEqual([0, 100])
    })

    it('counts each key by itself', async () => {
      const test = setUp(clientOf, always({ delayMs: 100 }), { concurrency: 1 })
      const calls = ['claude-haiku-5-5', 'claude-opus-5-5', 'claude-haiku-5-5'].map((model) =>
        test.send({ model }),
      )
      await until(Promise.all(calls))
      expect(test.times()).toEqual([0, 0, 100])
      expect(
        test.limiter
          .snapshot()
          .keys.map((one) => one.key)
          .toSorted(),
      ).toEqual([key, 'https://api.anthropic.com opus'])
    })
  })

  describe('the queue', () => {
    const one = { concurrency: 1 }
    const slow = always({ delayMs: 1000 })

    it('goes by priority, and by time within one', async () => {
      const done: string[] = []
      const test = setUp(clientOf, slow, {
        ...one,
        priority: ({ body }) => Number(/"user_id":"(-?\d)/.exec(String(body))?.[1] ?? 0),
      })
      const send = (user_id: string) => test.send({ metadata: { user_id } }).then(() => done.push(user_id))
      await until(Promise.all(['0a', '0b', '-1', '2a', '0c', '2b', '1'].map(send)))
      expect(done).toEqual(['0a', '2a', '2b', '1', '0b', '0c', '-1'])
    })

    it('lets nobody wait for ever behind a higher priority', async () => {
      let priority = 0
      const done: number[] = []
      const test = setUp(clientOf, always({ delayMs: 1000 }), { ...one, priority: () => priority })
      const calls: Promise<unknown>[] = [test.send()]
      calls.push(test.send().then(() => done.push(performance.now())))
      await advance(0)
      priority = 1
      const from = performance.now()
      // Somebody more important each second, which is all that can be done.
      for (let second = 0; second < 20; second++) {
        calls.push(test.send())
        await advance(1000)
      }
      await until(Promise.all(calls))
      expect(done[0]! - from).toBeGreaterThan(9000)
      expect(done[0]! - from).toBeLessThan(13_000)
    })

    it('has room for so many, and refuses who comes then', async () => {
      const test = setUp(clientOf, slow, { ...one, maxQueue: 2 })
      const calls = times(4, () => test.send())
      await advance(0)
      const error = await calls[3]
      expect(shortOf(error)).toBe('queue_full')
      if (isSdkSeam) {
        expect(error).toBeInstanceOf(QueueFullError)
        expect(error).toMatchObject({ key, queueLength: 2, category: 'rate_limit', retryAfterMs: undefined })
        expect(String(error)).toBe(
          `QueueFullError: The queue of \`${key}\` is full, with 2 calls: nothing was sent.`,
        )
      } else {
        expect(error).toBeInstanceOf(Anthropic.ServiceUnavailableError)
      }
      expect(classifyError(error)).toMatchObject({ category: 'rate_limit', code: 'queue_full' })
      expect(test.told().at(-1)).toBe('rejected queue_full 2 undefined undefined')
      await until(Promise.all(calls))
      expect(test.fetch.requests).toHaveLength(3)
    })

    it('makes room for who is more important', async () => {
      let priority = 0
      const test = setUp(clientOf, slow, { ...one, maxQueue: 2, priority: () => priority })
      const calls = times(3, () => test.send())
      await advance(0)
      priority = 1
      calls.push(test.send())
      expect((await until(Promise.all(calls))).map(shortOf)).toEqual(['ok', 'ok', 'queue_full', 'ok'])
    })

    it('does not exist with maxQueue: 0', async () => {
      const test = setUp(clientOf, slow, { ...one, maxQueue: 0 })
      expect((await until(Promise.all([test.send(), test.send()]))).map(shortOf)).toEqual([
        'ok',
        'queue_full',
      ])
    })

    it('takes in all who can be served once the first answer has come', async () => {
      const test = setUp(clientOf, always({ delayMs: 200 }), { startPerSecond: 10, maxWaitMs: 5000 })
      expect((await until(Promise.all(times(150, () => test.send())))).map(shortOf)).toEqual(
        times(150, () => 'ok'),
      )
    })

    it('ends a wait at maxWaitMs, and no sooner', async () => {
      const test = setUp(clientOf, [{ delayMs: 10_000 }], { ...one, maxWaitMs: 2000 })
      const first = test.send()
      const second = test.send().then((error) => [performance.now(), error] as const)
      const from = performance.now()
      await advance(1999)
      expect(test.state().queueLength).toBe(1)
      await advance(1)
      const [at, error] = await second
      expect(at - from).toBe(2000)
      expect(shortOf(error)).toBe('queue_wait')
      expect(test.told().at(-1)).toBe('rejected max_wait 0 undefined 2000')
      expect(test.state().queueLength).toBe(0)
      expect(shortOf(await until(first))).toBe('ok')
    })

    it('refuses at once who would wait longer, by what places have taken so far', async () => {
      const test = setUp(clientOf, slow, { ...one, maxWaitMs: 3500 })
      await until(Promise.all(times(4, () => test.send())))
      await until(Promise.all(times(2, () => test.send())))
      const calls = times(6, () => test.send())
      await advance(0)
      // Each takes a second: the one under way, and those before it.
      expect((await until(Promise.all(calls))).map(shortOf)).toEqual([
        'ok',
        'ok',
        'ok',
        'ok',
        'queue_wait',
        'queue_wait',
      ])
      const error = await calls[4]
      if (isSdkSeam) {
        expect(error).toBeInstanceOf(QueueWaitError)
        expect(error).toMatchObject({ reason: 'max_wait', retryAfterMs: 4000, queueLength: 3 })
        expect(String(error)).toContain(
          'takes longer than `maxWaitMs` allows: nothing was sent. Its turn would come in 4000 ms.',
        )
      } else {
        expect(Object(error).headers.get('retry-after')).toBe('4')
      }
    })

    it('never waits with maxWaitMs: 0', async () => {
      const test = setUp(clientOf, slow, { ...one, maxWaitMs: 0 })
      expect((await until(Promise.all([test.send(), test.send()]))).map(shortOf)).toEqual([
        'ok',
        'queue_wait',
      ])
    })

    it('gives each who waits a timer of its own: in a worker those of others do not count', async () => {
      const test = setUp(clientOf, always({ delayMs: 1000 }), one)
      const first = test.send()
      await advance(0)
      const before = vi.getTimerCount()
      const calls = times(3, () => test.send())
      await advance(0)
      expect(vi.getTimerCount() - before).toBeGreaterThanOrEqual(3)
      await until(Promise.all([first, ...calls]))
      expect(test.times()).toEqual([0, 1000, 2000, 3000])
    })

    it('is no place for long where a failover outside has another target', async () => {
      const failover: Middleware = (request, next, ctx) => {
        targetsLeft.set(callOf(request, ctx), 1)
        return next(request)
      }
      const test = setUp(clientOf, always({ delayMs: 5000 }), { ...one, outside: [failover] })
      const first = test.send()
      const second = test.send()
      await advance(999)
      expect(test.state().queueLength).toBe(1)
      await advance(1)
      expect(shortOf(await second)).toBe('queue_wait')
      expect(test.told().at(-1)).toBe('rejected max_wait 0 undefined 1000')
      await until(first)
    })

    it('minds the deadline of the call', async () => {
      const deadline: Middleware = (request, next, ctx) => {
        setDeadline(callOf(request, ctx), performance.now() + 500)
        return next(request)
      }
      const test = setUp(clientOf, slow, { ...one, outside: [deadline] })
      const first = test.send()
      const second = test.send()
      await advance(499)
      expect(test.state().queueLength).toBe(1)
      await advance(1)
      expect(shortOf(await second)).toBe('queue_wait')
      expect(test.told().at(-1)).toBe('rejected deadline 0 undefined 500')
      await until(first)
    })

    it('is left in the same moment on an abort, and leaves nothing behind', async () => {
      const outside: Middleware = (request, next, ctx) => sendOn(request, next, ctx)
      const test = setUp(clientOf, slow, { ...one, outside: [outside] })
      const controller = new AbortController()
      const first = test.send()
      await advance(0)
      const second = test.send({}, { signal: controller.signal })
      await advance(10)
      controller.abort(new Error('mine'))
      expect(await second).toBeInstanceOf(Anthropic.APIUserAbortError)
      expect(test.told().at(-1)).toBe('left 10 0')
      expect(test.call().attempts).toEqual([])
      expect(test.state()).toMatchObject({ queueLength: 0, inFlight: 1 })
      await until(first)
      expect(test.fetch.requests).toHaveLength(1)
    })

    it('does not take in who has aborted before', async () => {
      const test = setUp(clientOf, slow, one)
      const first = test.send()
      await advance(0)
      expect(await test.send({}, { signal: AbortSignal.abort() })).toBeInstanceOf(Anthropic.APIUserAbortError)
      await until(first)
      expect(test.fetch.requests).toHaveLength(1)
    })

    it('writes one line to the ledger, with the wait', async () => {
      const outside: Middleware = (request, next, ctx) => sendOn(request, next, ctx)
      const test = setUp(clientOf, slow, { ...one, outside: [outside] })
      await until(Promise.all([test.send(), test.send()]))
      expect(test.call().attempts).toMatchObject([
        { waitMs: 1000, durationMs: 1000, status: 200, reason: 'initial' },
      ])
    })

    it('writes none for a call that it has refused', async () => {
      const outside: Middleware = (request, next, ctx) => sendOn(request, next, ctx)
      const test = setUp(clientOf, slow, { ...one, maxWaitMs: 10, outside: [outside] })
      const first = test.send()
      const second = test.send()
      await until(second)
      expect(test.call().attempts).toEqual([])
      await until(first)
    })
  })

  describe('limits that the answers tell of', () => {
    it('are kept to', async () => {
      const limits = { '*': { burstMs: 1000 } }
      const test = setUp(clientOf, always(limited(600, 600)), { limits })
      await test.send()
      expect(test.told()).toEqual(['limits requests 600'])
      const calls = times(31, () => test.send())
      await until(Promise.all(calls))
      // Ten a second, evenly from the second on.
      expect(test.times().slice(1)).toEqual(times(31, (index) => index * 100))
      expect(test.told()).toContain('queued requests 3 300')
      expect(test.state().limits).toMatchObject([{ limit: 'requests', perMinute: 600 }])
    })

    it('are asked for before many are sent: ten at once, ten a second, until an answer comes', async () => {
      const test = setUp(clientOf, always({ ...limited(600, 600), delayMs: 500 }), { startPerSecond: 10 })
      const calls = times(30, () => test.send())
      await advance(0)
      expect(test.fetch.requests).toHaveLength(10)
      await advance(499)
      expect(test.fetch.requests).toHaveLength(14)
      await until(Promise.all(calls))
      expect(test.times().at(-1)).toBeLessThanOrEqual(2100)
    })

    it('are gone beyond by what is left, faster and faster', async () => {
      const test = setUp(clientOf, always(limited(600, 600)))
      await test.send()
      await until(Promise.all(times(61, () => test.send())))
      const at = test.times().slice(1)
      // Ten a second, half as many beyond that, and half of what was spent each second.
      expect(at[10]).toBeGreaterThan(400)
      expect(at[10]).toBeLessThan(700)
      expect(at[60]).toBeGreaterThan(1800)
      expect(at[60]).toBeLessThan(3000)
    })

    it('are not gone beyond once the API has refused while there was more', async () => {
      const refusal = { status: 429, retryAfter: 1, ...limited(600, 580) }
      const test = setUp(clientOf, [
        ...times(21, () => limited(600, 600)),
        refusal,
        ...always(limited(600, 600)),
      ])
      await test.send()
      await until(Promise.all(times(22, () => test.send())))
      expect(test.fetch.requests.filter(({ reply }) => reply?.status === 429)).toHaveLength(1)
      await advance(60_000)
      const from = performance.now()
      await until(Promise.all(times(61, () => test.send())))
      const last = test
        .times()
        .slice(-61)
        .map((at) => at - (test.times().at(-61) ?? 0))
      expect(performance.now() - from).toBeGreaterThan(5000)
      // Evenly, as before.
      expect(last[60]).toBeGreaterThan(5000)
      expect(last[60]).toBeLessThan(6100)
    })

    it('take the place of the pace of the start', async () => {
      const limits = { '*': { burstMs: 1000 } }
      const test = setUp(clientOf, always(limited(6000, 6000)), { startPerSecond: 10, limits })
      await test.send()
      await until(Promise.all(times(60, () => test.send())))
      // A hundred a second, where the start allows ten at once and ten a second.
      expect(test.times().at(-1)).toBe(590)
    })

    it('give way to less that is left, also by others', async () => {
      const test = setUp(clientOf, [
        limited(600, 600),
        limited(600, 0, 60_000),
        ...always(limited(600, 0, 60_000)),
      ])
      await test.send()
      await advance(1000)
      await until(test.send())
      const from = performance.now()
      await until(test.send())
      // Nothing is left, and others take it: more than the tenth of a second that the limit alone asks for.
      expect(performance.now() - from).toBeGreaterThan(500)
    })

    it('of the user replace those of the answers, by class of models', async () => {
      const limits = { haiku: { requestsPerMinute: 60 }, '*': { requestsPerMinute: 120, burstMs: 2000 } }
      const test = setUp(clientOf, always(limited(6000, 6000)), { limits })
      await until(Promise.all(times(4, () => test.send())))
      expect(test.times()).toEqual([0, 1000, 2000, 3000])
      await until(Promise.all(times(6, () => test.send({ model: 'claude-opus-5-5' }))))
      const from = test.times()[4]!
      expect(
        test
          .times()
          .slice(4)
          .map((at) => at - from),
      ).toEqual([0, 0, 0, 0, 500, 1000])
    })

    it('that are forgotten by the API are forgotten here', async () => {
      const both = { requests: { limit: 600, remaining: 600 }, tokens: { limit: 90_000, remaining: 90_000 } }
      const test = setUp(clientOf, [{ rateLimit: both }])
      await test.send()
      await test.send()
      expect(test.state().limits).toEqual([])
      expect(test.told()).toEqual(['limits requests 600, tokens 90000', 'limits '])
    })

    it('count tokens: a call that needs more than there is waits, and one that needs more than all goes when it is full', async () => {
      const limits = { haiku: { inputTokensPerMinute: 6000 } }
      const test = setUp(clientOf, always({}), { limits, estimateTokens: () => ({ input: 3000, output: 5 }) })
      // 15 s of the limit may be used at once: 1,500. From full each is admitted, and then owes.
      const calls = times(3, () => test.send())
      await until(Promise.all(calls))
      // What was reserved is replaced by what was used: far less, so that nobody has to wait for long.
      expect(test.times().at(-1)).toBeLessThan(1000)
    })

    it('let nobody overtake who needs less', async () => {
      const limits = { haiku: { inputTokensPerMinute: 6000 } }
      const needs = [1500, 1000, 1]
      const test = setUp(clientOf, always({ delayMs: 60_000 }), {
        limits,
        estimateTokens: () => needs.shift() ?? 0,
      })
      const calls: Promise<unknown>[] = []
      for (let index = 0; index < 3; index++) {
        calls.push(test.send())
        await advance(100)
      }
      expect(test.state().queueLength).toBe(2)
      await until(Promise.all(calls))
      // 1,000 take 10 s to flow in.
      expect(test.times()).toEqual([0, 10_000, 10_010])
    })

    it('let those go in their time who stood behind one that could wait no longer', async () => {
      const limits = { haiku: { inputTokensPerMinute: 6000 } }
      const needs = [100, 1500, 1]
      let leftMs = 60_000
      const deadline: Middleware = (request, next, ctx) => {
        setDeadline(callOf(request, ctx), performance.now() + leftMs)
        return next(request)
      }
      const script = [{ delayMs: 500, usage: { input_tokens: 3000, output_tokens: 1 } }]
      const options = { limits, outside: [deadline], estimateTokens: () => needs.shift() ?? 0 }
      const test = setUp(clientOf, script, options)
      const calls = [test.send()]
      await advance(0)
      leftMs = 5000
      calls.push(test.send())
      await advance(0)
      leftMs = 60_000
      calls.push(test.send())
      const outcomes = await until(Promise.all(calls))
      // The first has used 2,900 more than it said: 1,450 are owed after half a second, at 100 a second.
      expect(outcomes.map(shortOf)).toEqual(['ok', 'queue_wait', 'ok'])
      expect(test.times()).toEqual([0, 15_010])
    })

    it('give back what was reserved and not used, and take what was used and not reserved', async () => {
      const limits = { haiku: { outputTokensPerMinute: 6000 } }
      const usage = { input_tokens: 10, output_tokens: 4500 }
      const test = setUp(clientOf, always({ usage }), {
        limits,
        estimateTokens: () => ({ input: 1, output: 1 }),
      })
      await test.send()
      const from = performance.now()
      await until(test.send())
      // 1,500 were there, 4,500 were used: 30 s until anything is, at 100 a second.
      expect(performance.now() - from).toBeGreaterThanOrEqual(30_000)
      expect(performance.now() - from).toBeLessThan(31_100)
    })

    it('of streams are settled at their end', async () => {
      const limits = { haiku: { outputTokensPerMinute: 6000 } }
      const usage = { input_tokens: 10, output_tokens: 4500 }
      const test = setUp(clientOf, always({ usage }), {
        limits,
        estimateTokens: () => ({ input: 1, output: 1 }),
      })
      await until(test.client.messages.stream(params).finalText())
      // Of 6,000, and a second has brought 100.
      expect(test.state().limits[0]?.remaining).toBe(1600)
    })

    it('give back what a refused request had reserved', async () => {
      const limits = { haiku: { requestsPerMinute: 60, inputTokensPerMinute: 6000 } }
      const test = setUp(clientOf, [{ network: 'refused' }], { limits, estimateTokens: () => 1500 })
      expect(shortOf(await test.send())).toBe('APIConnectionError')
      await until(test.send())
      expect(test.times()).toEqual([0, 0])
    })

    it('ignore what comes late from before', async () => {
      const test = setUp(clientOf, ({ body }) =>
        JSON.stringify(body).includes('slow')
          ? { ...limited(60, 0), delayMs: 5000 }
          : { ...limited(6000, 6000) },
      )
      const late = test.send({ metadata: { user_id: 'slow' } })
      await advance(0)
      await test.send()
      expect(test.state().limits).toMatchObject([{ perMinute: 6000 }])
      await until(late)
      expect(test.state().limits).toMatchObject([{ perMinute: 6000 }])
    })

    it('share one key among versions, and none among credentials', async () => {
      const test = setUp(clientOf, always({}))
      const other = clientOf({ middleware: test.limiter, fetch: test.fetch, apiKey: 'another-key' })
      await test.send()
      await test.send({ model: 'claude-haiku-5-5' })
      await other.messages.create(params)
      await until(test.client.messages.countTokens(params))
      await test.client.models.list()
      expect(test.limiter.snapshot().keys.map((one) => one.key)).toEqual([
        key,
        `${key} #2`,
        'https://api.anthropic.com count_tokens',
      ])
      expect(JSON.stringify(test.limiter.snapshot())).not.toContain('another-key')
    })
  })

  describe('a 429', () => {
    it('with a hint closes the gate for all until then, and then lets one through first', async () => {
      const test = setUp(clientOf, [{ status: 429, retryAfter: 3 }, ...always({ delayMs: 100 })])
      expect(shortOf(await test.send())).toBe('429')
      const calls = times(4, () => test.send())
      await advance(2999)
      expect(test.fetch.requests).toHaveLength(1)
      expect(test.state()).toMatchObject({ gate: 'closed', closedMs: 1, queueLength: 4 })
      await advance(1)
      expect(test.fetch.requests).toHaveLength(2)
      expect(test.state()).toMatchObject({ gate: 'reopening', queueLength: 3 })
      expect((await until(Promise.all(calls))).map(shortOf)).toEqual(['ok', 'ok', 'ok', 'ok'])
      expect(test.told().filter((one) => one.startsWith('gate'))).toEqual([
        'gate closed 3000',
        'gate reopening',
        'gate open',
      ])
      expect(test.events[0]).toMatchObject({ category: 'rate_limit', status: 429, key })
      expect(test.told()[1]).toMatch(/^queued gate 1 /)
    })

    it('refuses those at once who cannot wait that long, with the true wait', async () => {
      const test = setUp(clientOf, [{ delayMs: 100, status: 429, retryAfter: 120 }], { concurrency: 1 })
      const first = test.send()
      const waiting = times(2, () => test.send())
      await advance(100)
      const errors = await Promise.all(waiting)
      expect(errors.map(shortOf)).toEqual(['queue_wait', 'queue_wait'])
      expect(shortOf(await first)).toBe('429')
      const late = await test.send()
      for (const error of [errors[0], late]) {
        if (isSdkSeam)
          expect(error).toMatchObject({
            retryAfterMs: expect.toSatisfy((ms: number) => ms >= 120_000 && ms < 123_000) as number,
          })
        else expect(Number(Object(error).headers.get('retry-after'))).toBeGreaterThanOrEqual(120)
      }
      expect(test.fetch.requests).toHaveLength(1)
    })

    it('of a whole herd closes it once', async () => {
      const test = setUp(clientOf, [{ status: 429, retryAfter: 2, repeat: 10 }])
      await Promise.all(times(10, () => test.send()))
      expect(test.told()).toEqual(['gate closed 2000'])
      expect(shortOf(await until(test.send()))).toBe('ok')
      expect(test.state().perSecond).toBeGreaterThan(5)
    })

    it('while it reopens closes it again', async () => {
      const hint = { status: 429, retryAfter: 1 }
      const test = setUp(clientOf, [hint, hint])
      await test.send()
      const second = test.send()
      const third = test.send()
      expect(shortOf(await until(second))).toBe('429')
      expect(shortOf(await until(third))).toBe('ok')
      expect(test.times()[2]).toBeGreaterThanOrEqual(2000)
      expect(test.told().filter((one) => one.startsWith('gate'))).toEqual([
        'gate closed 1000',
        'gate reopening',
        'gate closed 1000',
        'gate reopening',
        'gate open',
      ])
    })

    it('without a hint slows down', async () => {
      const test = setUp(clientOf, [{ status: 429, repeat: 1 }])
      await Promise.all(times(10, () => test.send()))
      expect(test.state()).toMatchObject({ gate: 'open', perSecond: 7 })
      await until(Promise.all(times(5, () => test.send())))
      const gaps = test
        .times()
        .slice(10)
        .map((at, index, all) => at - (all[index - 1] ?? 0))
      for (const gap of gaps) expect(gap).toBeGreaterThan(120)
      for (const gap of gaps) expect(gap).toBeLessThan(150)
    })

    it.each<[string, Reply]>([
      ['a spend limit', { status: 429, code: 'enforced_spend_limit_reached', retryAfter: 60 }],
      [
        'a quota of hours',
        { status: 429, headers: { 'anthropic-ratelimit-unified-status': 'rejected' }, retryAfter: 60 },
      ],
      ['a bad request', 400],
      ['a failing server', { status: 500, retryAfter: 60 }],
    ])('is no matter of pace: %s', async (_, reply) => {
      const test = setUp(clientOf, [reply])
      await test.send()
      expect(shortOf(await test.send())).toBe('ok')
      expect(test.told()).toEqual([])
    })

    it('of one model leaves the others alone', async () => {
      const test = setUp(clientOf, [{ status: 429, retryAfter: 60 }])
      await test.send()
      expect(shortOf(await test.send({ model: 'claude-opus-5-5' }))).toBe('ok')
    })

    it.each(['-5', 'soon', '1e300', '9'.repeat(400)])(
      'with the absurd hint %s does not stop anything',
      async (retryAfter) => {
        const test = setUp(clientOf, [{ status: 429, retryAfter }])
        await test.send()
        expect(shortOf(await until(test.send()))).toBe('ok')
        expect(test.times()[1]).toBeLessThan(3000)
      },
    )
  })

  describe('a 529', () => {
    it('lets fewer go at once, one decrease for all that were under way', async () => {
      const overloaded = { status: 529, delayMs: 50 }
      const test = setUp(clientOf, [...times(10, () => overloaded), ...always({ delayMs: 100 })])
      await until(Promise.all(times(10, () => test.send())))
      // Ten were too many, nine of them at least.
      expect(test.state().concurrency).toBe(1)
      expect(test.told().filter((one) => one.startsWith('limits'))).toEqual(['limits concurrency 7'])
    })

    it('grows back by good answers', async () => {
      const test = setUp(clientOf, [{ status: 529, repeat: 4 }, ...always({ delayMs: 100 })])
      await Promise.all(times(4, () => test.send()))
      expect(test.state().concurrency).toBe(1)
      await until(Promise.all(times(200, () => test.send())))
      const inFirst = (ms: number): number => test.times().filter((at) => at <= ms).length - 4
      // One at a time until that has proved to be too few, then half as many again in each round trip.
      expect([inFirst(500), inFirst(1000), inFirst(1500)]).toEqual([6, 11, 17])
      // And nothing is left of it when none was refused for a while.
      expect(test.state().concurrency).toBeUndefined()
    })

    it('means nothing of how many would be too many where it comes to one that goes alone', async () => {
      const test = setUp(clientOf, [529])
      await test.send()
      expect(test.state().concurrency).toBeUndefined()
      expect(test.told()).toEqual([])
    })

    it('in a stream counts as well', async () => {
      const test = setUp(clientOf, always({ fault: { kind: 'error', at: 5 } }))
      const stream = () => test.client.messages.stream(params).finalText()
      await until(Promise.allSettled(times(4, stream)))
      expect(test.state().concurrency).toBe(1)
    })
  })

  describe('after a time in which most have failed', () => {
    it.each([
      ['by refused connections', { network: 'refused' }],
      ['by 500s', { status: 500 }],
      ['by 529s', { status: 529 }],
      ['for their own fault', { status: 400 }],
    ] as const)('%s', async (_, failure) => {
      const script = [...times(200, () => ({})), ...times(40, () => failure), ...always({})]
      const test = setUp(clientOf, script, { startPerSecond: 10 })
      for (let index = 0; index < 200; index++) {
        await test.send()
        await advance(50)
      }
      await until(Promise.all(times(40, () => test.send())))
      await advance(60_000)
      const before = test.times().length
      const calls = times(70, () => test.send())
      await advance(1000)
      const sent = test.times().length - before
      if ('status' in failure && failure.status === 400) {
        expect(sent).toBe(70)
      } else {
        // 1.75 times the 20 a second that were answered before, and a tenth of that at once.
        expect(sent).toBeGreaterThan(33)
        expect(sent).toBeLessThan(42)
      }
      expect((await until(Promise.all(calls))).map(shortOf)).toEqual(times(70, () => 'ok'))
    })
  })

  describe('with somebody inside who sends again', () => {
    it('gives its place back for the wait, and takes a turn for each try', async () => {
      const test = setUp(clientOf, [500, ...always({ delayMs: 100 })], {
        concurrency: 1,
        inside: [plainRetry(2, 1000)],
      })
      const first = test.send()
      await advance(0)
      const second = test.send()
      await advance(50)
      expect(test.fetch.requests).toHaveLength(2)
      expect((await until(Promise.all([first, second]))).map(shortOf)).toEqual(['ok', 'ok'])
      expect(test.times()).toEqual([0, 0, 1000])
      expect(test.state()).toMatchObject({ inFlight: 0, queueLength: 0 })
    })

    it('waits for the gate that its own 429 has closed', async () => {
      const test = setUp(clientOf, [{ status: 429, retryAfter: 5 }], { inside: [plainRetry(2, 10)] })
      expect(shortOf(await until(test.send()))).toBe('ok')
      expect(test.times()[1]).toBeGreaterThanOrEqual(5000)
      expect(test.call().attempts).toHaveLength(2)
    })

    it('refuses a try that cannot be served in time', async () => {
      const test = setUp(clientOf, [{ status: 429, retryAfter: 90 }], { inside: [plainRetry(2, 10)] })
      const error = await until(test.send())
      expect(shortOf(error)).toBe('queue_wait')
      expect(isQueueError(error)).toBe(isSdkSeam)
      expect(test.fetch.requests).toHaveLength(1)
      expect(test.state().inFlight).toBe(0)
    })

    it('holds nothing of an attempt that is over, when the SDK makes another', async () => {
      const script = [500, 500, 500].map((status) => ({ status }))
      const test = setUp(clientOf, script, { concurrency: 1, maxRetries: 1, inside: [plainRetry(1, 10)] })
      expect(shortOf(await until(test.send()))).toBe('ok')
      expect(test.fetch.requests).toHaveLength(4)
      expect(test.state()).toMatchObject({ inFlight: 0, queueLength: 0 })
    })

    it('takes a turn for each attempt of the SDK', async () => {
      const limits = { haiku: { requestsPerMinute: 60 } }
      const test = setUp(clientOf, [500], { limits, maxRetries: 1 })
      expect(shortOf(await until(test.send()))).toBe('ok')
      // The SDK itself would have come after half a second, drawn at random: its part of a millisecond is rounded up.
      expect(test.times()).toHaveLength(2)
      expect(test.times()[1]).toBeGreaterThanOrEqual(1000)
      expect(test.times()[1]).toBeLessThanOrEqual(1001)
    })

    it('moves to the limits of another model', async () => {
      const elsewhere: Middleware = async (request, next, ctx) => {
        const call = callOf(request, ctx)
        const first = await sendOn(request, next, ctx)
        if (first.ok) return first
        await releaseHolds(call, first)
        discard(first)
        const body = String(request.body).replace('haiku', 'opus')
        const other = Object.assign({}, request, { body })
        await renewHolds(call, other)
        return sendOn(other, next, ctx, { reason: 'failover' })
      }
      const limits = { opus: { requestsPerMinute: 60 } }
      const test = setUp(clientOf, [529, ...always({ delayMs: 100 })], {
        limits,
        inside: [elsewhere],
      })
      const opus = 'https://api.anthropic.com opus'
      const call = test.send()
      await advance(50)
      expect(test.state()).toMatchObject({ inFlight: 0, queueLength: 0 })
      expect(test.state(opus)).toMatchObject({ inFlight: 1, limits: [{ remaining: 59 }] })
      expect(shortOf(await until(call))).toBe('ok')
      expect(test.state(opus)).toMatchObject({ inFlight: 0, queueLength: 0 })
      expect(test.state()).toMatchObject({ inFlight: 0, queueLength: 0 })
    })

    it('gives up a turn that it holds for one under another key', async () => {
      const other: Middleware = async (request, next, ctx) => {
        const body = String(request.body).replace('haiku', 'opus')
        const sent = Object.assign({}, request, { body })
        await renewHolds(callOf(request, ctx), request)
        await renewHolds(callOf(request, ctx), sent)
        return sendOn(sent, next, ctx)
      }
      const limits = { '*': { requestsPerMinute: 60 } }
      const test = setUp(clientOf, always({ delayMs: 100 }), { limits, inside: [other] })
      const call = test.send()
      await advance(50)
      expect(test.state()).toMatchObject({ inFlight: 0, limits: [{ remaining: 60 }] })
      expect(test.state('https://api.anthropic.com opus')).toMatchObject({ inFlight: 1 })
      await until(call)
      expect(test.state('https://api.anthropic.com opus')).toMatchObject({ inFlight: 0 })
    })

    it('obeys an abort while it waits for another turn', async () => {
      const test = setUp(clientOf, [{ status: 429, retryAfter: 30 }], { inside: [plainRetry(2, 10)] })
      const controller = new AbortController()
      const call = test.send({}, { signal: controller.signal })
      await advance(1000)
      controller.abort()
      expect(await until(call)).toBeInstanceOf(Anthropic.APIUserAbortError)
      expect(test.state()).toMatchObject({ inFlight: 0, queueLength: 0 })
      expect(test.fetch.requests).toHaveLength(1)
    })
  })

  it('lets those go at once who cannot be served any more, when a limit turns out to be lower', async () => {
    const script = [limited(6000, 6000), ...always({ ...limited(2, 2), delayMs: 100 })]
    const test = setUp(clientOf, script, { concurrency: 1 })
    await test.send()
    const calls = times(8, () => test.send())
    await advance(99)
    expect(test.state().queueLength).toBe(7)
    await advance(1)
    // One goes now, and one each half a minute: the others would wait for more than one.
    expect(test.state().queueLength).toBe(1)
    expect(test.told().filter((one) => one.startsWith('rejected max_wait'))).toHaveLength(5)
    await until(Promise.all(calls))
    expect(test.fetch.requests).toHaveLength(4)
  })

  describe('two of them', () => {
    it('do nothing twice with one store, and block nobody', async () => {
      const inner = rateLimit({ concurrency: 1, startPerSecond: Infinity })
      const limits = { '*': { burstMs: 1000 } }
      const test = setUp(clientOf, always(limited(60, 60)), { concurrency: 1, inside: [inner], limits })
      await until(Promise.all(times(3, () => test.send())))
      expect(test.times()).toEqual([0, 0, 1000])
      expect(inner.snapshot().keys).toMatchObject([{ inFlight: 0 }])
    })

    it('do not take a refusal of each other for one of the API', async () => {
      const limits = { '*': { requestsPerMinute: 1 } }
      const inner = rateLimit({ limits, maxWaitMs: 100, startPerSecond: Infinity })
      const test = setUp(clientOf, always({}), {
        limits: { '*': { requestsPerMinute: 300 } },
        inside: [inner],
      })
      expect(shortOf(await test.send())).toBe('ok')
      expect(shortOf(await test.send())).toBe('queue_wait')
      expect(test.told()).toEqual(['rejected max_wait 0 60000 undefined'])
      // The one that was refused has taken nothing.
      expect(test.state()).toMatchObject({ gate: 'open', inFlight: 0, limits: [{ remaining: 299 }] })
    })

    it('are one where the same stands twice', async () => {
      const limits = { '*': { requestsPerMinute: 60 } }
      const twice = rateLimit({ concurrency: 1, limits, startPerSecond: Infinity })
      const test = setUp(clientOf, always({ delayMs: 10 }), { outside: [twice], inside: [twice] })
      await until(Promise.all(times(3, () => test.send())))
      expect(test.times()).toEqual([0, 1000, 2000])
      expect(twice.snapshot().keys).toMatchObject([{ inFlight: 0 }])
    })
  })

  describe('functions of the user', () => {
    it('that fail are replaced, with a warning each', async () => {
      const { lines, logger } = recordingLogger()
      const fail = (): never => {
        throw new Error('mine')
      }
      const limits = { '*': { inputTokensPerMinute: 100_000 } }
      const limiter = rateLimit({ key: fail, priority: () => Number.NaN, estimateTokens: () => -1, limits })
      const test = setUp(clientOf, always({}))
      const client = clientOf({ middleware: limiter, fetch: test.fetch, logger })
      await client.messages.create(params)
      await client.messages.create(params)
      expect(limiter.snapshot().keys.map((one) => one.key)).toEqual([key])
      expect(lines.map(([level, line]) => [level, line])).toEqual(
        ['key', 'priority', 'estimateTokens'].map((name) => [
          'warn',
          `[breakwater] \`${name}\` of rateLimit has failed: the default is used instead`,
        ]),
      )
    })

    it('name what shares limits', async () => {
      const test = setUp(clientOf, always({}), { key: () => 'mine' })
      await test.send()
      await test.send({ model: 'claude-opus-5-5' })
      expect(test.limiter.snapshot().keys).toMatchObject([{ key: 'mine' }])
    })

    it('are told what happens', async () => {
      const told: string[] = []
      const write = ({ type }: { type: string }): void => void told.push(type)
      const test = setUp(
        clientOf,
        [
          { ...limited(600, 600), delayMs: 10 },
          { status: 429, retryAfter: 100 },
        ],
        {
          concurrency: 1,
          onQueue: write,
          onAdmit: write,
          onReject: write,
          onLeave: write,
          onGate: write,
          onLimits: write,
        },
      )
      const controller = new AbortController()
      const calls = [test.send(), test.send(), test.send({}, { signal: controller.signal })]
      await advance(5)
      controller.abort()
      await until(Promise.all(calls))
      await test.send()
      expect(told).toEqual(['queued', 'queued', 'queue_left', 'limits', 'admitted', 'gate', 'queue_rejected'])
      expect(test.events.map(({ type }) => type)).toEqual(told)
    })
  })

  it('takes more calls than it has room for, with any mix of ends, and loses no place', async () => {
    const faults: Reply[] = [
      {},
      500,
      529,
      { network: 'reset' },
      { network: 'refused' },
      { fault: 'cut' },
      { fault: 'end' },
      { delayMs: 300 },
      { gapMs: 20 },
    ]
    let seed = 7
    const random = (): number => (seed = (seed * 16_807) % 2_147_483_647) / 2_147_483_647
    const test = setUp(clientOf, (() => faults[Math.floor(random() * faults.length)]) as never, {
      concurrency: 4,
      maxWaitMs: 20_000,
    })
    const calls = times(300, async () => {
      const controller = new AbortController()
      if (random() < 0.2) setTimeout(() => controller.abort(), random() * 3000)
      const options = { signal: controller.signal }
      const isStream = random() < 0.5
      if (!isStream) return test.send({}, options)
      return test.client.messages
        .stream(params, options)
        .finalText()
        .catch(() => '')
    })
    await until(Promise.all(calls))
    await advance(5000)
    expect(test.state()).toMatchObject({ inFlight: 0, queueLength: 0 })
    const before = test.fetch.requests.length
    const last = test.send()
    await advance(0)
    expect(test.fetch.requests).toHaveLength(before + 1)
    await until(last)
  })
})

describe('rateLimit around a plain fetch', () => {
  it('rejects with the very reason of an abort', async () => {
    const limiter = rateLimit({ concurrency: 1 })
    const slow = () => new Promise<Response>((resolve) => setTimeout(() => resolve(new Response('{}')), 1000))
    const fetch = createFetch(limiter, { fetch: slow })
    const url = 'https://api.anthropic.com/v1/messages'
    const first = fetch(url, { method: 'POST', body: '{}' })
    const controller = new AbortController()
    const second = fetch(url, { method: 'POST', body: '{}', signal: controller.signal })
    const reason = { mine: true }
    const settled = second.catch((error: unknown) => error)
    await advance(10)
    controller.abort(reason)
    expect(await settled).toBe(reason)
    await until(first)
  })

  it('leaves no listener on a signal that lives on', async () => {
    const limiter = rateLimit({ concurrency: 1, maxWaitMs: 150 })
    const slow = () => new Promise<Response>((resolve) => setTimeout(() => resolve(new Response('{}')), 100))
    const fetch = createFetch(limiter, { fetch: slow })
    const { signal } = new AbortController()
    const calls = times(3, () =>
      fetch('https://api.anthropic.com/v1/messages', { method: 'POST', body: '{}', signal }),
    )
    await advance(50)
    expect(getEventListeners(signal, 'abort')).toHaveLength(2)
    expect((await until(Promise.all(calls))).map(({ status }) => status)).toEqual([200, 200, 503])
    expect(getEventListeners(signal, 'abort')).toEqual([])
  })

  it('lets all else pass', async () => {
    const limiter = rateLimit({ concurrency: 1 })
    const fetch = createFetch(limiter, { fetch: () => Promise.resolve(new Response('ok')) })
    expect(await (await fetch('https://example.com/')).text()).toBe('ok')
    expect(limiter.snapshot().keys).toEqual([])
  })
})
