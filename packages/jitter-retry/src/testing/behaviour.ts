import Anthropic from '@anthropic-ai/sdk'
import { errorCodes } from '@breakwater/classify'
import {
  BreakwaterError,
  callOf,
  circuitKey,
  openCircuit,
  send as sendOn,
  setDeadline,
  targetsLeft,
  wake,
  type Middleware,
} from '@breakwater/core'
import type { Reply, Script } from '@breakwater/testkit'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { jitterRetry } from '../jitter-retry.ts'
import { retryBudget } from '../retry-budget.ts'
import { params, seams } from '@breakwater/testing'
import { setUp, settle } from './set-up.ts'

const always = (reply: Reply): Script => [{ ...fieldsOf(reply), repeat: 'forever' }]
const fieldsOf = (reply: Reply) => (typeof reply === 'number' ? { status: reply } : reply)

/** Ends all that stands inside after a while, as an outer `timeout` does. */
function endsAfter(ms: number): Middleware {
  return async function endsAfter(request, next) {
    const controller = new AbortController()
    const timer = setTimeout(() => {
      controller.abort(new BreakwaterError('It timed out.', { code: 'timeout', category: 'timeout' }))
    }, ms)
    return next({ ...request, signal: controller.signal }).finally(() => clearTimeout(timer))
  }
}

/** All that `jitterRetry` does with failures; run against each p-retry that it accepts. */
export function behaviour(pRetry: string): void {
  describe.each(seams)(`jitterRetry on ${pRetry}, by %s`, (seam, clientOf) => {
    const isSdkSeam = seam === 'middleware'
    beforeEach(() => void vi.useFakeTimers())
    afterEach(() => {
      expect(vi.getTimerCount()).toBe(0)
      vi.useRealTimers()
    })

    describe('policy', () => {
      it.each<[string, Reply, number[]]>([
        ['rate_limit', 429, [0, 1000, 3000, 7000, 15_000, 31_000]],
        ['overloaded', 529, [0, 500, 1500, 3500, 8500, 23_500, 68_500]],
        ['server_error', 500, [0, 1000]],
        ['server_error', 502, [0, 1000]],
        ['server_error', 503, [0, 1000]],
        ['server_error', 504, [0, 1000]],
        ['connection', { network: 'refused' }, [0, 500, 1500, 3500]],
        ['connection', { network: 'reset' }, [0, 500]],
        ['connection', { network: 'close' }, [0, 500]],
        ['request_timeout', 408, [0, 1000, 3000]],
        ['conflict', 409, [0, 500]],
      ])('%s: %o is sent at %o', async (category, reply, times) => {
        const { send, ...seen } = setUp(clientOf, always(reply))
        const error = await send()
        expect(seen.times()).toEqual(times)
        expect(error).toBeInstanceOf(Anthropic.APIError)
        expect(seen.retries.map((event) => event.category)).toEqual(times.slice(1).map(() => category))
        expect(seen.call().events.at(-1)).toMatchObject({
          type: 'retry_exhausted',
          category,
          reason: 'attempts',
          attempt: times.length - 1,
          waitMs: times.at(-1),
        })
      })

      it('sends what a never asks for once, for all statuses and codes, and tells nobody', async () => {
        const statuses = [400, 401, 402, 403, 404, 412, 413, 418, 422, 431, 451, 499, 501]
        const never = Object.entries(errorCodes).filter(([code, { category, retry }]) => {
          const retried = ['rate_limit', 'overloaded', 'server_error', 'request_timeout', 'conflict']
          return retry === 'never' || !(retried.includes(category) || code === 'circuit_open')
        })
        const replies = [...statuses, ...never.map(([code, { status }]) => ({ status, code }))]
        expect(replies.length).toBeGreaterThan(60)
        const { send, fetch, call } = setUp(clientOf, replies, { maxRetries: 2 })
        for (const [index, reply] of replies.entries()) {
          expect(await send()).toMatchObject({ status: fieldsOf(reply).status })
          expect(fetch.requests).toHaveLength(index + 1)
          expect(call().events).toEqual([])
        }
      })

      it('keeps a budget for each category of a mixed failure', async () => {
        const { send, times } = setUp(clientOf, [500, 529, 429])
        expect(await send()).toMatchObject({ stop_reason: 'end_turn' })
        expect(times()).toEqual([0, 1000, 1500, 2500])
      })

      it('never sends more retries than the largest budget met', async () => {
        const { send, fetch } = setUp(clientOf, [408, 409, 500, 429])
        expect(await send()).toMatchObject({ status: 500 })
        expect(fetch.requests).toHaveLength(3)
      })

      it('obeys x-should-retry', async () => {
        const { send, fetch } = setUp(clientOf, [
          { status: 529, headers: { 'x-should-retry': 'false' } },
          529,
        ])
        await send()
        expect(fetch.requests).toHaveLength(1)
      })

      it('takes another policy, by category; zero is a value', async () => {
        const policy = {
          overloaded: { retries: 0 },
          rate_limit: { retries: 2, baseMs: 10, capMs: 15 },
          server_error: { stepsMs: [100, 200] },
        }
        const { send, times, call } = setUp(clientOf, [429, 429, 429, 529, 500, 500, 500], { policy })
        expect(await send()).toMatchObject({ status: 429 })
        expect(await send()).toMatchObject({ status: 529 })
        expect(call().events).toMatchObject([{ type: 'retry_exhausted', reason: 'attempts', attempt: 0 }])
        expect(await send()).toMatchObject({ status: 500 })
        expect(times()).toEqual([0, 10, 25, 25, 25, 125, 325])
      })

      it('retries a failure that is no error of the network as the classifier says: not', async () => {
        const thrown = new RangeError('a bug')
        const bug: Middleware = () => Promise.reject(thrown)
        const { send, fetch } = setUp(clientOf, [], { inside: [bug] })
        const error = await send()
        expect(isSdkSeam ? error : (error as Error).cause).toBe(thrown)
        expect(fetch.requests).toHaveLength(0)
      })
    })

    describe('hint of the server', () => {
      it.each<[string, Reply, number, number]>([
        ['retry-after', { status: 429, retryAfter: 7 }, 7700, 7700],
        ['retry-after-ms', { status: 429, retryAfterMs: 2500 }, 2750, 2750],
        // A date has whole seconds.
        ['retry-after as a date', { status: 429, retryAfterDateMs: 20_000 }, 19_000 * 1.1, 21_000 * 1.1],
        [
          'a reset',
          { status: 429, rateLimit: { requests: { limit: 1, remaining: 0, resetMs: 9000 } } },
          8000 * 1.1,
          10_000 * 1.1,
        ],
        ['a long one', { status: 529, retryAfter: 60 }, 63_000, 63_000],
      ])('%s is a floor, with a little on top', async (_name, reply, atLeast, atMost) => {
        const { send, times, retries } = setUp(clientOf, [reply])
        await send()
        expect(times()[1]).toBeGreaterThanOrEqual(atLeast)
        expect(times()[1]).toBeLessThanOrEqual(atMost)
        expect(retries).toMatchObject([{ reason: 'server_hint' }])
      })

      it.each<[string, Reply, number]>([
        ['shorter than the backoff', { status: 529, retryAfterMs: 400 }, 500],
        ['of 0', { status: 429, retryAfter: 0 }, 1000],
      ])('%s makes no wait shorter', async (_name, reply, waitMs) => {
        const { send, times, retries } = setUp(clientOf, [reply])
        await send()
        expect(times()).toEqual([0, waitMs])
        expect(retries).toMatchObject([{ reason: 'backoff', waitMs }])
      })

      it('is never gone under', async () => {
        const { send, times } = setUp(clientOf, [{ status: 429, retryAfter: 7 }], { random: () => 0 })
        await send()
        expect(times()).toEqual([0, 7000])
      })

      it.each<[string, Reply, string, string]>([
        ['403,973 s', { status: 429, retryAfter: 403_973 }, 'retry-after', '403973'],
        ['403,973,000 ms', { status: 429, retryAfterMs: 403_973_000 }, 'retry-after-ms', '403973000'],
        ['61 s', { status: 529, retryAfter: 61 }, 'retry-after', '61'],
      ])('beyond maxRetryAfterMs, of %s, is given back at once', async (_name, reply, header, value) => {
        const { send, times, call } = setUp(clientOf, [reply], { maxRetries: 2 })
        const error = await send()
        expect(error).toBeInstanceOf(Anthropic.APIError)
        expect((error as InstanceType<typeof Anthropic.APIError>).headers?.get(header)).toBe(value)
        expect(times()).toEqual([0])
        expect(Math.round(performance.now())).toBeLessThan(1000)
        expect(call().events).toMatchObject([
          {
            type: 'retry_exhausted',
            reason: 'hint_too_long',
            attempt: 0,
            retryAfterMs: expect.any(Number) as number,
          },
        ])
      })

      it('may be as long as maxRetryAfterMs says, 0 too', async () => {
        const script: Script = [
          { status: 429, retryAfterMs: 1 },
          { status: 429, retryAfter: 90 },
        ]
        const none = setUp(clientOf, script, { maxRetryAfterMs: 0 })
        expect(await none.send()).toMatchObject({ status: 429 })
        const long = setUp(clientOf, script, { maxRetryAfterMs: 90_000 })
        await long.send()
        expect(long.fetch.requests).toHaveLength(3)
      })
    })

    describe('deadline', () => {
      const within =
        (ms: number): Middleware =>
        (request, next, ctx) => {
          setDeadline(callOf(request, ctx), performance.now() + ms)
          return next(request)
        }

      it('lets no wait begin that would end after it', async () => {
        const { send, times, call } = setUp(clientOf, always(529), { outside: [within(20_000)] })
        expect(await send()).toMatchObject({ status: 529 })
        expect(times()).toEqual([0, 500, 1500, 3500, 8500])
        expect(performance.now()).toBeLessThan(10_000)
        expect(call().events.at(-1)).toMatchObject({
          type: 'retry_exhausted',
          reason: 'deadline',
          attempt: 4,
        })
      })

      it('ends a hint that is too long for it', async () => {
        const { send, times } = setUp(clientOf, [{ status: 429, retryAfter: 5 }], { inside: [within(5000)] })
        expect(await send()).toMatchObject({ status: 429 })
        expect(times()).toEqual([0])
      })
    })

    describe('budget', () => {
      it('stops the retries of an outage when it is drained, of all calls together', async () => {
        const { send, fetch, call } = setUp(clientOf, always(500), { budget: retryBudget({ capacity: 10 }) })
        for (let index = 0; index < 100; index++) await send()
        expect(fetch.requests).toHaveLength(110)
        expect(call().events).toMatchObject([{ type: 'retry_exhausted', reason: 'budget', attempt: 0 }])
      })

      it('is on by default, and off with false', async () => {
        const on = setUp(clientOf, always(500))
        const off = setUp(clientOf, always(500), { budget: false })
        for (let index = 0; index < 100; index++) await Promise.all([on.send(), off.send()])
        expect(on.fetch.requests).toHaveLength(150)
        expect(off.fetch.requests).toHaveLength(200)
      })

      it('is shared where one is given to several', async () => {
        const budget = retryBudget({ capacity: 3 })
        const some = [1, 2, 3].map(() => setUp(clientOf, always(500), { budget }))
        for (const { send } of [...some, ...some]) await send()
        expect(some.flatMap(({ fetch }) => fetch.requests)).toHaveLength(9)
      })

      it.each<[string, Reply, number]>([
        ['spares a 429 with a hint', { status: 429, retryAfterMs: 10 }, 6],
        ['spares a conflict', 409, 2],
        ['counts a 529', 529, 1],
        ['counts a failure of the network', { network: 'refused' }, 1],
      ])('%s', async (_name, reply, requests) => {
        const { send, fetch } = setUp(clientOf, always(reply), { budget: retryBudget({ capacity: 0 }) })
        await send()
        expect(fetch.requests).toHaveLength(requests)
      })

      it('is refilled by successes', async () => {
        const budget = retryBudget({ capacity: 1, refill: 0.5 })
        const { send } = setUp(clientOf, [500, 500, 200, 200, 500, 200], { budget })
        await send()
        expect(budget.left).toBe(0)
        await send()
        await send()
        expect(budget.left).toBe(1)
        expect(await send()).toMatchObject({ stop_reason: 'end_turn' })
        expect(budget.left).toBe(1)
      })
    })

    describe('circuit', () => {
      const open = (retryAfterMs?: number): BreakwaterError =>
        new BreakwaterError('The circuit is open.', {
          code: 'circuit_open',
          category: 'circuit_open',
          retryAfterMs,
        })
      /** Refuses the first calls, as a breaker would. */
      const breaker = (refusals: number, retryAfterMs?: number, key = 'k') => {
        let left = refusals
        const middleware: Middleware = (request, next, ctx) => {
          circuitKey.set(callOf(request, ctx), key)
          return left-- > 0 ? Promise.reject(open(retryAfterMs)) : next(request)
        }
        return middleware
      }

      it('is waited for up to 100 times, as long as it says, and no upstream retry is used up', async () => {
        const { send, times, retries } = setUp(clientOf, [500], { inside: [breaker(100, 2000)] })
        expect(await send()).toMatchObject({ stop_reason: 'end_turn' })
        expect(times()).toEqual([220_000, 221_000])
        expect(retries).toHaveLength(101)
        const waits = retries.filter(
          ({ reason, category }) => reason === 'circuit' && category === 'circuit_open',
        )
        expect(waits.map(({ waitMs }) => waitMs)).toEqual(Array.from({ length: 100 }, () => 2200))
      })

      it('is given up after 100 waits with the very error', async () => {
        const { send, fetch, call } = setUp(clientOf, [], { inside: [breaker(101, 1000)], maxRetries: 2 })
        const error = await send()
        expect(isSdkSeam ? error : (error as { errorCode?: unknown }).errorCode).toEqual(
          isSdkSeam ? open(1000) : 'circuit_open',
        )
        expect(fetch.requests).toHaveLength(0)
        expect(call().events.at(-1)).toMatchObject({ type: 'retry_exhausted', category: 'circuit_open' })
      })

      it('that does not say how long is backed off from', async () => {
        const { send, times } = setUp(clientOf, [], { inside: [breaker(4)] })
        await send()
        expect(times()).toEqual([1000 + 2000 + 4000 + 5000])
      })

      it('ends the waits early when it closes, one after the other, the oldest call first', async () => {
        const { client, times } = setUp(clientOf, [], { inside: [breaker(3, 30_000)], random: () => 0 })
        const callings = [client.messages.create(params)]
        await vi.advanceTimersByTimeAsync(500)
        callings.push(client.messages.create(params), client.messages.create(params))
        await vi.advanceTimersByTimeAsync(1500)
        wake('another')
        await vi.advanceTimersByTimeAsync(100)
        expect(times()).toEqual([])
        wake('k')
        await vi.advanceTimersByTimeAsync(100)
        await Promise.all(callings)
        expect(times()).toEqual([2100, 2133, 2166])
      })

      it('may let a call wait for its turn beyond its own time, where many are woken', async () => {
        const { client, times } = setUp(clientOf, [], { inside: [breaker(200, 1000)], random: () => 0 })
        const callings = Array.from({ length: 200 }, () => client.messages.create(params))
        await vi.advanceTimersByTimeAsync(900)
        wake('k')
        await settle(Promise.all(callings))
        expect(times().slice(0, 3)).toEqual([900, 933, 966])
        expect(times().at(-1)).toBe(Math.floor(900 + (199 * 1000) / 30))
      })

      it('ends a patient wait early too, but not one that the server asked for', async () => {
        const script: Script = [529, { status: 529, retryAfter: 20 }]
        const policy = { overloaded: { stepsMs: [5000, 15_000] } }
        const { client, times } = setUp(clientOf, script, { policy, inside: [breaker(0)] })
        const calling = client.messages.create(params)
        await vi.advanceTimersByTimeAsync(1000)
        wake('k')
        await vi.advanceTimersByTimeAsync(1000)
        wake('k')
        await settle(calling)
        expect(times()).toEqual([0, 1033, 23_033])
      })

      it('is not waited for while a failover outside has a target, nor is patience', async () => {
        const failover: Middleware = (request, next, ctx) => {
          targetsLeft.set(callOf(request, ctx), 1)
          return next(request)
        }
        const refused = setUp(clientOf, [], { outside: [failover], inside: [breaker(1, 1000)] })
        expect(await refused.send()).toBeInstanceOf(Error)
        const overloaded = setUp(clientOf, always(529), { outside: [failover] })
        expect(await overloaded.send()).toMatchObject({ status: 529 })
        expect(overloaded.times()).toEqual([0])
        expect(overloaded.call().events).toEqual([])
        const limited = setUp(clientOf, [429, 500], { outside: [failover] })
        await limited.send()
        expect(limited.fetch.requests).toHaveLength(3)
        const inside = setUp(clientOf, [529], { inside: [failover] })
        expect(await inside.send()).toMatchObject({ stop_reason: 'end_turn' })
      })
    })

    describe('a circuit that a try leaves open', () => {
      /** Says after each failure that its circuit is open for so long, as a breaker does. */
      const marks =
        (openMs: number): Middleware =>
        async (request, next, ctx) => {
          const call = callOf(request, ctx)
          const response = await sendOn(request, next, ctx)
          if (!response.ok) {
            circuitKey.set(call, 'k')
            openCircuit.set(call, { until: performance.now() + openMs, attempts: call.attempts.length })
          }
          return response
        }

      it('is waited for, beyond the row of its category and without a budget', async () => {
        const inside = [marks(3000)]
        const { send, times, retries } = setUp(clientOf, [500, 500, 500], {
          inside,
          budget: retryBudget({ capacity: 0 }),
        })
        expect(await send()).toMatchObject({ stop_reason: 'end_turn' })
        expect(times()).toEqual([0, 3300, 6600, 10_600])
        expect(retries).toMatchObject([1, 2, 3].map(() => ({ category: 'server_error', reason: 'circuit' })))
      })

      it('sends no more requests than the largest row allows, and gives back the last answer', async () => {
        const { send, fetch, call } = setUp(clientOf, always(500), { inside: [marks(3000)], maxRetries: 2 })
        expect(await send()).toMatchObject({ status: 500 })
        // By `fetch` each retry of the SDK is a call of its own, but that the last answer forbids it.
        expect(fetch.requests).toHaveLength(7)
        expect(call().events.at(-1)).toMatchObject({
          type: 'retry_exhausted',
          reason: 'attempts',
          attempt: 6,
        })
      })

      it('wakes the call when it closes, but not before the time that the server has asked for', async () => {
        const script: Script = [500, { status: 500, retryAfter: 20 }]
        const { client, times } = setUp(clientOf, script, { inside: [marks(10_000)], random: () => 0 })
        const calling = client.messages.create(params)
        await vi.advanceTimersByTimeAsync(1000)
        wake('k')
        await vi.advanceTimersByTimeAsync(1000)
        wake('k')
        await settle(calling)
        expect(times()).toEqual([0, 1000, 21_000])
      })

      it('gives way to a failover outside at once', async () => {
        const failover: Middleware = (request, next, ctx) => {
          targetsLeft.set(callOf(request, ctx), 1)
          return next(request)
        }
        const { send, times, call } = setUp(clientOf, [500], { outside: [failover], inside: [marks(3000)] })
        expect(await send()).toMatchObject({ status: 500 })
        expect([times(), call().events]).toEqual([[0], []])
      })

      it('means nothing where it was met outside, in an earlier try or beside others', async () => {
        const before: Middleware = (request, next, ctx) => {
          const call = callOf(request, ctx)
          openCircuit.set(call, { until: performance.now() + 60_000, attempts: call.attempts.length })
          return next(request)
        }
        const outside = setUp(clientOf, always(500), { outside: [before] })
        await outside.send()
        expect(outside.times()).toEqual([0, 1000])
        const inside = setUp(clientOf, always(500), { inside: [before] })
        await inside.send()
        expect(inside.times()).toEqual([0, 1000])
        const twice: Middleware = async (request, next, ctx) => {
          await sendOn(request, next, ctx)
          return sendOn(request, next, ctx)
        }
        const several = setUp(clientOf, always(500), { inside: [marks(3000), twice] })
        await several.send()
        expect(several.times()).toEqual([0, 0, 1000, 1000])
        const over = setUp(clientOf, always(500), { inside: [marks(0)] })
        await over.send()
        expect(over.times()).toEqual([0, 1000])
      })

      it('ends with the caller', async () => {
        const { client, fetch } = setUp(clientOf, always(500), { inside: [marks(3000)] })
        const controller = new AbortController()
        const calling = client.messages.create(params, { signal: controller.signal })
        const outcome = calling.catch((thrown: unknown) => thrown)
        await vi.advanceTimersByTimeAsync(1000)
        controller.abort()
        expect(await outcome).toBeInstanceOf(Anthropic.APIUserAbortError)
        expect(fetch.requests).toHaveLength(1)
      })
    })

    describe('the SDK’s own retries', () => {
      it.each<[string, Reply, number, number]>([
        ['529', 529, 7, 7],
        ['429', { status: 429, retryAfterMs: 5 }, 6, 6],
        ['a spend limit', { status: 429, code: 'contract_spend_limit_reached' }, 1, 1],
        ['501', 501, 1, 1],
        ['409', 409, 2, 2],
        ['a refused connection', { network: 'refused' }, 4, 6],
        ['a reset', { network: 'reset' }, 2, 4],
      ])('do not multiply %s', async (_name, reply, bySdk, byFetch) => {
        const alone = setUp(clientOf, always(reply))
        await alone.send()
        expect(alone.fetch.requests).toHaveLength(bySdk)
        const { send, fetch } = setUp(clientOf, always(reply), { maxRetries: 2 })
        expect(await send()).toBeInstanceOf(Anthropic.APIError)
        expect(fetch.requests).toHaveLength(isSdkSeam ? bySdk : byFetch)
      })

      it('get the same answer again without a request, also where somebody outside hides our stamp', async () => {
        const seen: string[] = []
        const hide: Middleware = async (request, next) => {
          const response = await next(request)
          const body = await response.text()
          seen.push(body)
          const headers = new Headers(response.headers)
          headers.delete('x-should-retry')
          return new Response(body, { status: response.status, headers })
        }
        const { send, fetch } = setUp(clientOf, always({ status: 529, message: 'busy' }), {
          outside: [hide],
          maxRetries: 2,
        })
        const error = await send()
        expect(error).toMatchObject({ status: 529, apiMessage: 'busy' })
        expect(fetch.requests).toHaveLength(isSdkSeam ? 7 : 9)
        expect(seen).toHaveLength(3)
        expect(new Set(seen).size).toBe(isSdkSeam ? 1 : 3)
      })

      it('do not multiply a limit of ours either, of which the ledger has no line', async () => {
        const details = { code: 'attempt_limit', category: 'timeout' }
        let sent = 0
        const limit: Middleware = () => {
          sent++
          return Promise.reject(
            Object.assign(new BreakwaterError('Request timed out.', details), { name: 'TimeoutError' }),
          )
        }
        const { send } = setUp(clientOf, [], { inside: [limit], maxRetries: 2 })
        expect(await send()).toBeInstanceOf(Anthropic.APIConnectionTimeoutError)
        expect(sent).toBe(isSdkSeam ? 2 : 4)
      })

      it('write nothing to the ledger that upstream has not seen', async () => {
        const count: Middleware = (request, next, ctx) =>
          sendOn(
            request,
            async (sent) => {
              // Whoever waits first hides from `send` that somebody inside sends too.
              await Promise.resolve()
              return next(sent)
            },
            ctx,
          )
        const hide: Middleware = async (request, next) => {
          const { body, status } = await next(request)
          return new Response(body, { status })
        }
        const reply = { status: 500, headers: { 'request-id': null } }
        const refused = setUp(clientOf, always({ network: 'refused' }), { outside: [count], maxRetries: 2 })
        await refused.send()
        const failed = setUp(clientOf, always(reply), { outside: [hide, count], maxRetries: 2 })
        await failed.send()
        expect(refused.call().attempts).toHaveLength(isSdkSeam ? 4 : 1)
        expect(failed.call().attempts).toHaveLength(isSdkSeam ? 2 : 1)
      })

      it('are told from a second try of somebody outside, which gets all of ours', async () => {
        const twice: Middleware = async (request, next) => {
          await next(request)
          return next(request)
        }
        const { send, fetch } = setUp(clientOf, always(500), { outside: [twice] })
        await send()
        expect(fetch.requests).toHaveLength(4)
      })

      it('are counted with ours in x-stainless-retry-count', async () => {
        const { send, fetch } = setUp(clientOf, always({ network: 'refused' }), { maxRetries: 2 })
        await send()
        const counts = fetch.requests.map(({ headers }) => headers['x-stainless-retry-count'])
        // By `fetch` the SDK’s retries are calls of their own, which know nothing of the first.
        expect(counts).toEqual(isSdkSeam ? ['0', '1', '2', '3'] : ['0', '1', '2', '3', '1', '2'])
      })

      it('leave a count that is not there alone', async () => {
        const { send, fetch } = setUp(clientOf, [500])
        await send({ headers: { 'x-stainless-retry-count': null } })
        expect(fetch.requests.map(({ headers }) => headers['x-stainless-retry-count'])).toEqual([
          undefined,
          undefined,
        ])
      })

      it('do what ours cannot after the SDK’s own time-out, once', async () => {
        const { send, fetch, call } = setUp(clientOf, always({ network: 'hang' }), {
          maxRetries: 2,
          timeout: 1000,
        })
        expect(await send()).toBeInstanceOf(Anthropic.APIConnectionTimeoutError)
        // By `fetch` it looks like an abort: each of the SDK’s retries sends one.
        expect(fetch.requests).toHaveLength(isSdkSeam ? 2 : 3)
        const counts = fetch.requests.map(({ headers }) => headers['x-stainless-retry-count'])
        expect(counts).toEqual(isSdkSeam ? ['0', '1'] : ['0', '1', '2'])
        expect(call().events.map(({ type }) => type)).toEqual(isSdkSeam ? ['retry_exhausted'] : [])
      })

      it('go on within the same counts after a limit outside that has ended a wait', async () => {
        const { send, times } = setUp(clientOf, always(429), { maxRetries: 2, outside: [endsAfter(10_000)] })
        expect(await send()).toBeInstanceOf(Anthropic.RateLimitError)
        expect(times().slice(0, 4)).toEqual([0, 1000, 3000, 7000])
        // By `fetch` a retry of the SDK is a call of its own, and sends one.
        expect(times()).toHaveLength(isSdkSeam ? 6 : 5)
      })

      it('go on with what the call has used up', async () => {
        const script: Script = [429, { network: 'hang' }, 429, 408, 408, 408]
        const { send, fetch } = setUp(clientOf, script, { maxRetries: 2, timeout: 10_000 })
        await send()
        const counts = fetch.requests.map(({ headers }) => headers['x-stainless-retry-count'])
        expect(counts).toEqual(isSdkSeam ? ['0', '1', '2', '3', '4', '5'] : ['0', '1', '1'])
      })
    })

    describe('two in one chain', () => {
      it.each<[string, Reply, number]>([
        ['529', 529, 7],
        ['a refused connection', { network: 'refused' }, 4],
        ['a stream that stalls', { status: 500, endless: true }, 2],
      ])('do not multiply %s', async (_name, reply, requests) => {
        const outer = jitterRetry({ random: () => 1 })
        const { send, fetch, call } = setUp(clientOf, always(reply), { outside: [outer] })
        await send()
        expect(fetch.requests).toHaveLength(requests)
        expect(call().attempts).toHaveLength(requests)
        expect(call().events.filter(({ type }) => type === 'retry_exhausted')).toHaveLength(1)
      })
    })
  })
}
