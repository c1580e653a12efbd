import Anthropic from '@anthropic-ai/sdk'
import { classify, classifyError, type Category } from '@breakwater/classify'
import {
  circuitKey,
  createFetch,
  openCircuit,
  send as sendOn,
  waitOrWake,
  type Middleware,
} from '@breakwater/core'
import { params, recordingLogger, seams } from '@breakwater/testing'
import { fakeFetch, type Reply } from '@breakwater/testkit'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { circuitBreaker } from '../circuit-breaker.ts'
import { CircuitOpenError, isCircuitOpenError } from '../circuit-open-error.ts'
import { key, replies, setUp, shortOf, small, type SetUp } from './set-up.ts'

const words = (count: number, word: string): string[] => Array.from({ length: count }, () => word)
const shift = ({ changes }: SetUp): string[] => changes.map(({ from, to }) => `${from} > ${to}`)
const advance = (ms: number): Promise<unknown> => vi.advanceTimersByTimeAsync(ms)

/** All that the breaker does with calls; run against each opossum that it accepts. */
export function behaviour(opossum: string): void {
  describe.each(seams)(`circuitBreaker on ${opossum}, by %s`, (seam, clientOf) => {
    const isSdkSeam = seam === 'middleware'
    beforeEach(() => void vi.useFakeTimers())
    afterEach(() => {
      expect(vi.getTimerCount()).toBe(0)
      vi.useRealTimers()
    })

    describe('by default', () => {
      it('opens at the tenth failure for 2 s, lets one call through, stays open, and closes', async () => {
        const test = setUp(clientOf, [...Array.from({ length: 11 }, () => 529), 200])
        expect(await test.sendAll(12)).toEqual([...words(10, '529'), 'open', 'open'])
        await advance(1999)
        expect(await test.sendAll(1)).toEqual(['open'])
        expect(test.fetch.requests).toHaveLength(10)
        await advance(1)
        expect(await test.sendAll(2)).toEqual(['529', 'open'])
        await advance(2000)
        expect(await test.sendAll(3)).toEqual(['ok', 'ok', 'ok'])
        expect(test.fetch.requests).toHaveLength(14)
        const state = { type: 'breaker_state', key }
        expect(test.changes).toEqual([
          {
            ...state,
            from: 'closed',
            to: 'open',
            reason: 'failures',
            category: 'overloaded',
            openMs: 2000,
          },
          { ...state, from: 'open', to: 'half_open', reason: 'elapsed' },
          { ...state, from: 'half_open', to: 'open', reason: 'probe', category: 'overloaded', openMs: 2000 },
          { ...state, from: 'open', to: 'half_open', reason: 'elapsed' },
          { ...state, from: 'half_open', to: 'closed', reason: 'probe' },
        ])
        expect(test.rejected).toHaveLength(4)
        expect(test.rejected[0]).toEqual({
          type: 'breaker_rejected',
          key,
          category: 'overloaded',
          retryAfterMs: 2000,
          model: params.model,
        })
        expect(test.events.filter(({ type }) => type.startsWith('breaker_'))).toHaveLength(9)
      })

      it('opens when half have failed, and not a moment before', async () => {
        const test = setUp(clientOf, [200, 200, 200, 200, 200, 500, 500, 500, 500, 500, 500])
        expect((await test.sendAll(11)).at(-1)).toBe('open')
        expect(test.fetch.requests).toHaveLength(10)
        const other = setUp(clientOf, [200, 200, 200, 200, 200, 200, 500, 500, 500, 500, 500, 500])
        expect(await other.sendAll(12)).toEqual([...words(6, 'ok'), ...words(6, '500')])
        expect(await other.sendAll(1)).toEqual(['open'])
      })

      it('opens after ten failures in a row, however good the window was', async () => {
        const good = Array.from({ length: 50 }, () => 200)
        const row = (length: number): number[] => Array.from({ length }, () => 529)
        const test = setUp(clientOf, [...good, ...row(9), 200, ...row(10)])
        expect(await test.sendAll(70)).toEqual([
          ...words(50, 'ok'),
          ...words(9, '529'),
          'ok',
          ...words(10, '529'),
        ])
        expect(shortOf(await test.send())).toBe('open')
      })

      it('takes no row for one that has a gap of 30 s, nor for one where it is told not to', async () => {
        const test = setUp(clientOf, replies(529), { volumeThreshold: 1000, consecutiveFailures: 10 })
        expect(await test.sendAll(9)).toEqual(words(9, '529'))
        await advance(30_000)
        expect(await test.sendAll(9)).toEqual(words(9, '529'))
        await advance(29_999)
        expect(await test.sendAll(2)).toEqual(['529', 'open'])
        const script = [...Array.from({ length: 50 }, () => 200), ...Array.from({ length: 30 }, () => 529)]
        const never = setUp(clientOf, script, { consecutiveFailures: false })
        expect(await never.sendAll(80)).toEqual([...words(50, 'ok'), ...words(30, '529')])
      })

      it('opens after as many in a row as a larger volume asks for', async () => {
        const test = setUp(
          clientOf,
          [...Array.from({ length: 50 }, () => 200), ...Array.from({ length: 20 }, () => 529)],
          {
            volumeThreshold: 15,
          },
        )
        expect((await test.sendAll(65)).at(-1)).toBe('529')
        expect(shortOf(await test.send())).toBe('open')
      })

      it('forgets what is older than 30 s', async () => {
        const test = setUp(clientOf, replies(529))
        await test.sendAll(9)
        await advance(30_000)
        expect(await test.sendAll(10)).toEqual(words(10, '529'))
        expect(await test.sendAll(1)).toEqual(['open'])
      })

      it('keeps a circuit per model', async () => {
        const test = setUp(clientOf, ({ model }) => (model === params.model ? 529 : 200))
        await test.sendAll(10)
        expect(shortOf(await test.send())).toBe('open')
        expect(shortOf(await test.send({ model: 'claude-opus-5-5' }))).toBe('ok')
        expect(shortOf(await test.client.models.list())).not.toBe('open')
        expect(test.breaker.snapshot().circuits.map((circuit) => circuit.key)).toEqual([
          key,
          'https://api.anthropic.com claude-opus-5-5',
          'https://api.anthropic.com',
        ])
      })
    })

    describe('what it counts', () => {
      it.each<[string, Reply]>([
        ['500', 500],
        ['502', 502],
        ['503', 503],
        ['504', 504],
        ['529', 529],
        ['408', 408],
        ['an HTML page of a proxy', { status: 502, html: true }],
        ['a refused connection', { network: 'refused' }],
        ['a reset connection', { network: 'reset' }],
      ])('%s is a failure', async (_name, reply) => {
        const test = setUp(clientOf, replies(reply), small)
        expect((await test.sendAll(3)).at(-1)).toBe('open')
        expect(test.fetch.requests).toHaveLength(2)
      })

      it.each<[string, Reply]>([
        ['400', 400],
        ['401', 401],
        ['402', 402],
        ['403', 403],
        ['404', 404],
        ['409', 409],
        ['413', 413],
        ['422', 422],
        ['429', 429],
        ['a spend limit', { status: 429, code: 'contract_spend_limit_reached' }],
        ['499', 499],
      ])('%s neither opens, nor closes, nor occupies', async (_name, reply) => {
        const test = setUp(clientOf, replies(reply), small)
        expect(await test.sendAll(20)).not.toContain('open')
        expect(test.breaker.snapshot().circuits[0]).toMatchObject({ state: 'closed', window: [] })

        const failing = setUp(clientOf, [500, 500, reply, reply, 200], small)
        await failing.sendAll(2)
        await advance(1000)
        expect(await failing.sendAll(2)).not.toContain('open')
        expect(failing.state()).toBe('half_open')
        expect(await failing.sendAll(1)).toEqual(['ok'])
        expect(failing.state()).toBe('closed')
      })

      it('what is neutral does not dilute the rate', async () => {
        const test = setUp(clientOf, [429, 429, 429, 429, 400, 400, 400, 500, 500], small)
        expect((await test.sendAll(10)).at(-1)).toBe('open')
      })

      it('what is on its way does not dilute the rate, and is dropped when it ends after a change', async () => {
        const late = Array.from({ length: 20 }, () => ({ delayMs: 5000 }))
        const test = setUp(clientOf, [...late, 500, 500], small)
        const calls = late.map(() => test.send())
        await advance(1)
        expect(await test.sendAll(3)).toEqual(['500', '500', 'open'])
        await advance(5000)
        expect((await Promise.all(calls)).map(shortOf)).toEqual(words(20, 'ok'))
        expect(test.state()).toBe('half_open')
        expect(shift(test)).toEqual(['closed > open'])
      })

      it('a failure counts when it ends, however long it took', async () => {
        const test = setUp(clientOf, replies({ status: 500, delayMs: 60_000 }), {
          ...small,
          volumeThreshold: 3,
        })
        const calls = [test.send(), test.send(), test.send()]
        await advance(60_000)
        await Promise.all(calls)
        expect(test.state()).toBe('open')
      })

      it('the rules of classify', async () => {
        const rule = classify({
          rules: [({ status }) => (status === 418 ? { category: 'overloaded' } : undefined)],
        })
        const test = setUp(clientOf, replies(418), { ...small, outside: [rule] })
        expect((await test.sendAll(3)).at(-1)).toBe('open')
      })
    })

    describe('half open', () => {
      it('lets so many probes through as it is told, and refuses the others', async () => {
        const test = setUp(clientOf, [500, 500, ...Array.from({ length: 5 }, () => ({ delayMs: 200 }))], {
          ...small,
          probes: 3,
        })
        await test.sendAll(2)
        await advance(1000)
        const calls = Promise.all([1, 2, 3, 4, 5].map(() => test.send()))
        await advance(1)
        expect(test.fetch.requests).toHaveLength(5)
        expect(test.rejected).toMatchObject([{ retryAfterMs: 1000 }, { retryAfterMs: 1000 }])
        await advance(200)
        expect((await calls).map(shortOf).toSorted()).toEqual(['ok', 'ok', 'ok', 'open', 'open'])
        expect(shift(test)).toEqual(['closed > open', 'open > half_open', 'half_open > closed'])
      })

      it('sends a probe as such', async () => {
        const test = setUp(clientOf, [500, 500], small)
        await test.sendAll(2)
        await advance(1000)
        await test.send()
        expect(test.call().attempts).toMatchObject([{ reason: 'probe', status: 200 }])
        await test.send()
        expect(test.call().attempts).toMatchObject([{ reason: 'initial' }])
      })

      it('the place of a hung probe is free after its lease, and its late success still closes', async () => {
        const test = setUp(clientOf, [500, 500, { delayMs: 6500 }, { network: 'hang' }], small)
        await test.sendAll(2)
        await advance(1000)
        const slow = test.send()
        await advance(4500)
        expect(await test.sendAll(1)).toEqual(['open'])
        expect(test.rejected.at(-1)?.retryAfterMs).toBe(500)
        await advance(499)
        expect(await test.sendAll(1)).toEqual(['open'])
        expect(test.rejected.at(-1)?.retryAfterMs).toBe(100)
        await advance(1)
        const controller = new AbortController()
        const hung = test.send({}, { signal: controller.signal })
        await advance(0)
        expect(test.fetch.requests).toHaveLength(4)
        expect(await test.sendAll(1)).toEqual(['open'])
        await advance(1500)
        expect(shortOf(await slow)).toBe('ok')
        expect(test.state()).toBe('closed')
        controller.abort()
        await hung
        expect(test.state()).toBe('closed')
      })

      it('probes that take as long as an answer may do not pile up', async () => {
        const slow = Array.from({ length: 20 }, () => ({ delayMs: 30_000 }))
        const test = setUp(clientOf, [...Array.from({ length: 10 }, () => 529), ...slow])
        await test.sendAll(10)
        const callings: Promise<unknown>[] = []
        // Somebody calls all the time.
        for (let ms = 0; ms < 30_000; ms += 500) {
          callings.push(test.send())
          await advance(500)
        }
        // Of the 28 s that the circuit is half open there is one for each 5: with leases of 2 s it would be 14.
        expect(test.fetch.requests).toHaveLength(10 + 6)
        expect(test.rejected.every(({ retryAfterMs = 0 }) => retryAfterMs <= 2000)).toBe(true)
        await advance(30_000)
        expect((await Promise.all(callings)).map(shortOf).filter((word) => word === 'ok')).toHaveLength(6)
        expect(test.state()).toBe('closed')
      })

      it('a lease lasts no longer than 30 s', async () => {
        const test = setUp(clientOf, [500, 500, { network: 'hang' }, 200], { ...small, resetMs: 100_000 })
        await test.sendAll(2)
        await advance(100_000)
        const controller = new AbortController()
        const hung = test.send({}, { signal: controller.signal })
        await advance(29_999)
        expect(await test.sendAll(1)).toEqual(['open'])
        await advance(1)
        expect(await test.sendAll(1)).toEqual(['ok'])
        controller.abort()
        await hung
      })

      it('forgets at the close what it has seen', async () => {
        const test = setUp(clientOf, [500, 500, 200, 500, 500], { ...small, errorThresholdPercentage: 100 })
        await test.sendAll(2)
        await advance(1000)
        expect(await test.sendAll(2)).toEqual(['ok', '500'])
        expect(test.state()).toBe('closed')
        await test.send()
        expect(test.state()).toBe('open')
      })
    })

    describe('how long it opens', () => {
      const openMs = ({ changes }: SetUp): (number | undefined)[] =>
        changes.filter(({ to }) => to === 'open').map((change) => change.openMs)

      it.each<[string, Reply, number]>([
        ['retry-after', { status: 529, retryAfter: 7 }, 7000],
        ['retry-after-ms', { status: 529, retryAfterMs: 1234 }, 1234],
        ['an absurd one', { status: 503, retryAfter: 2_000_000 }, 3_600_000],
        ['one that is malformed', { status: 529, retryAfter: 'soon' }, 1000],
        ['zero', { status: 529, retryAfter: 0 }, 0],
      ])('as the server says: %s', async (_name, reply, ms) => {
        const test = setUp(clientOf, [500, reply, 200], small)
        await test.sendAll(2)
        expect(openMs(test)).toEqual([ms])
        if (ms > 0) {
          await advance(ms - 1)
          expect(await test.sendAll(1)).toEqual(['open'])
          await advance(1)
        }
        expect(await test.sendAll(1)).toEqual(['ok'])
      })

      it('does not grow, unless told how far', async () => {
        const test = setUp(clientOf, replies(500), { ...small, maxResetMs: 5000 })
        await test.sendAll(2)
        for (const ms of [1000, 2000, 4000, 5000, 5000]) {
          await advance(ms - 1)
          expect(await test.sendAll(1)).toEqual(['open'])
          await advance(1)
          expect(await test.sendAll(1)).toEqual(['500'])
        }
        expect(openMs(test)).toEqual([1000, 2000, 4000, 5000, 5000, 5000])
      })

      it('is back at the start after a close; a hint counts as it is', async () => {
        const hint = { status: 529, retryAfter: 3 }
        const test = setUp(clientOf, [500, 500, 500, hint, 200, 500, 500], { ...small, maxResetMs: 60_000 })
        await test.sendAll(2)
        await advance(1000)
        await test.send()
        await advance(2000)
        await test.send()
        await advance(3000)
        await test.sendAll(3)
        expect(openMs(test)).toEqual([1000, 2000, 3000, 1000])
      })

      it('a machine that slept, or a process that was frozen, has waited', async () => {
        const test = setUp(clientOf, [500, 500], { ...small, resetMs: 600_000 })
        await test.sendAll(2)
        expect(await test.sendAll(1)).toEqual(['open'])
        vi.setSystemTime(Date.now() + 600_000)
        expect(await test.sendAll(1)).toEqual(['open'])
        vi.setSystemTime(Date.now() + 1000)
        expect(await test.sendAll(1)).toEqual(['ok'])
      })

      it('a clock that is set back keeps no circuit open', async () => {
        const test = setUp(clientOf, [500, 500], small)
        await test.sendAll(2)
        vi.setSystemTime(Date.now() - 3_600_000)
        await advance(1000)
        expect(await test.sendAll(1)).toEqual(['ok'])
      })
    })

    describe('an open circuit', () => {
      it('sends nothing, is not retried, and leaves no line in the ledger', async () => {
        const count: Middleware = async (request, next, ctx) => sendOn(request, next, ctx)
        const test = setUp(clientOf, replies(529), { ...small, maxRetries: 2, outside: [count] })
        const options = { maxRetries: 0 }
        await test.send({}, options)
        await test.send({}, options)
        const error = await test.send()
        expect(test.fetch.requests).toHaveLength(2)
        expect(test.rejected).toHaveLength(1)
        expect(test.call().attempts).toEqual([])
        expect(test.call().events).toMatchObject([{ type: 'breaker_rejected' }])
        if (isSdkSeam) {
          expect(error).toBeInstanceOf(CircuitOpenError)
          expect(isCircuitOpenError(error)).toBe(true)
          expect(error).toMatchObject({
            name: 'CircuitOpenError',
            code: 'circuit_open',
            category: 'circuit_open',
            key,
            retryAfterMs: 1000,
            failure: { category: 'overloaded', status: 529 },
          })
        } else {
          expect(error).toBeInstanceOf(Anthropic.APIError)
          expect(error).toMatchObject({ status: 503, errorCode: 'circuit_open' })
          expect((error as { headers: Headers }).headers.get('retry-after')).toBe('1')
        }
        expect(classifyError(error)).toMatchObject({ category: 'circuit_open', retryAfterMs: 1000 })
      })

      it('says what happened, and nothing of what the API said', async () => {
        const test = setUp(clientOf, replies({ status: 529, message: 'SECRET TEXT' }), small)
        await test.sendAll(2)
        const error = await test.send()
        expect(String(error)).toContain(
          `The circuit \`${key}\` is open after failures, the last one overloaded (HTTP 529): nothing was sent. It may let a call through in 1000 ms; try again then, or use a fallback.`,
        )
        const { inspect } = await import('node:util')
        const printed = [inspect(error, { depth: 9, showHidden: false }), JSON.stringify(error)].join('\n')
        expect(printed).not.toContain('SECRET')
        expect(JSON.stringify(test.events)).not.toContain('SECRET')
        expect(JSON.stringify(test.breaker.snapshot())).not.toContain('SECRET')
      })

      it.each([
        ['of a quiet service, ten in a second', 2000, 10, 100],
        ['of a busy one, somewhat more than came before', 50, 880, 1000 / 35],
        ['where nobody knows, thirty in a second', 0, 10, 1000 / 30],
      ])('wakes those who wait for it: %s', async (_name, gapMs, count, eachMs) => {
        const script = [...Array.from({ length: count }, () => 200), ...words(10, '').map(() => 529), 200]
        const test = setUp(clientOf, script)
        for (let index = 0; index < count; index++) {
          await test.send()
          await advance(gapMs)
        }
        await test.sendAll(10)
        expect(test.state()).toBe('open')
        await advance(2000)
        const from = performance.now()
        const ends: number[] = []
        const waits = Array.from({ length: 10 }, (_, since) =>
          waitOrWake(key, 60_000, { since, random: () => 1 }).then(() => ends.push(performance.now() - from)),
        )
        await test.send()
        await advance(2000)
        await Promise.all(waits)
        const last = ends.at(-1) ?? 0
        expect(last).toBeGreaterThan(eachMs * 10 * 0.9)
        expect(last).toBeLessThan(eachMs * 10 * 1.1)
      })

      it('knows how fast calls came when it closes and opens again at once', async () => {
        const script = [...words(300, '').map(() => 200), 529, 529, 200, 500, 500, 200]
        const test = setUp(clientOf, script, { consecutiveFailures: 2 })
        for (let index = 0; index < 300; index++) {
          await test.send()
          await advance(50)
        }
        await test.sendAll(2)
        await advance(2000)
        expect(await test.sendAll(3)).toEqual(['ok', '500', '500'])
        await advance(2000)
        const from = performance.now()
        const ends: number[] = []
        const waits = Array.from({ length: 10 }, (_, since) =>
          waitOrWake(key, 60_000, { since, random: () => 1 }).then(() => ends.push(performance.now() - from)),
        )
        await test.send()
        await advance(2000)
        await Promise.all(waits)
        expect(ends.at(-1)).toBeGreaterThan(250)
        expect(ends.at(-1)).toBeLessThan(320)
      })

      it('says after a failure for how long it is open, also where a probe of another call is on its way', async () => {
        const test = setUp(
          clientOf,
          [500, 500, 500, { delayMs: 4000 }, { status: 500, delayMs: 1500 }],
          small,
        )
        const openMs = (): number | undefined => {
          const met = openCircuit.get(test.call())
          return met === undefined ? undefined : met.until - performance.now()
        }
        await test.send()
        expect(openMs()).toBeUndefined()
        await test.send()
        expect(openMs()).toBe(1000)
        expect(openCircuit.get(test.call())?.attempts).toBe(1)
        await advance(1000)
        await test.send()
        expect(openMs()).toBe(1000)
        await test.send()
        expect(openMs()).toBeUndefined()
      })

      it('wakes those who wait for it when it closes', async () => {
        const waits: number[] = []
        const patient: Middleware = async (request, next, ctx) => {
          try {
            return await sendOn(request, next, ctx)
          } catch (error) {
            const name = circuitKey.get(test.call())
            if (!isCircuitOpenError(error) || name === undefined) throw error
            const from = performance.now()
            await waitOrWake(name, 60_000, { random: () => 0.5 })
            waits.push(performance.now() - from)
            return sendOn(request, next, ctx)
          }
        }
        const test = setUp(clientOf, [500, 500, { delayMs: 100 }], { ...small, outside: [patient] })
        await test.sendAll(2)
        const waiting = test.send()
        await advance(1000)
        const probe = test.send()
        await advance(100)
        expect(shortOf(await probe)).toBe('ok')
        await advance(1500)
        expect(shortOf(await waiting)).toBe('ok')
        expect(waits).toEqual([1116])
      })

      it('names the circuit of the call on a failure and on a refusal only', async () => {
        const test = setUp(clientOf, [200, 429, 500, 500], small)
        const keys: (string | undefined)[] = []
        for (let call = 0; call < 5; call++) {
          await test.send()
          keys.push(circuitKey.get(test.call()))
        }
        expect(keys).toEqual([undefined, undefined, key, key, key])
      })
    })

    describe('abort', () => {
      it.each<[string, Reply, number]>([
        ['before the headers', { network: 'hang' }, 10],
        ['while an error body is read', { status: 500, endless: true, gapMs: 100 }, 300],
      ])('%s is neutral, also of a probe', async (_name, reply, ms) => {
        const test = setUp(clientOf, [reply, reply, reply, 500, 500, reply, 200], small)
        const abort = async (): Promise<unknown> => {
          const controller = new AbortController()
          const calling = test.send({}, { signal: controller.signal })
          await advance(ms)
          controller.abort(new Error('gone'))
          await advance(0)
          return calling
        }
        for (let call = 0; call < 3; call++) expect(await abort()).toBeInstanceOf(Anthropic.APIUserAbortError)
        expect(test.breaker.snapshot().circuits[0]).toMatchObject({ state: 'closed', window: [] })
        await test.sendAll(2)
        await advance(1000)
        await abort()
        expect(test.state()).toBe('half_open')
        expect(await test.sendAll(1)).toEqual(['ok'])
      })

      it('settles with the reason, and nothing more is sent', async () => {
        const fetch = fakeFetch({ script: replies({ status: 500, endless: true, gapMs: 100 }) })
        const reason = new Error('gone')
        const controller = new AbortController()
        const calling = createFetch(circuitBreaker(small), { fetch })(
          'https://api.anthropic.com/v1/messages',
          {
            method: 'POST',
            headers: {
              'x-api-key': 'test',
              'anthropic-version': '2023-06-01',
              'content-type': 'application/json',
            },
            body: JSON.stringify(params),
            signal: controller.signal,
          },
        ).catch((error: unknown) => error)
        await advance(250)
        controller.abort(reason)
        expect(await calling).toBe(reason)
        expect(fetch.requests).toHaveLength(1)
      })
    })

    describe('key', () => {
      it('may be any text', async () => {
        const own = { ...small, key: () => 'mine' }
        const test = setUp(clientOf, replies(500), own)
        expect((await test.sendAll(3)).at(-1)).toBe('open')
        expect(test.changes[0]).toMatchObject({ key: 'mine' })
        expect(test.state('mine')).toBe('open')
      })

      it.each<[string, () => unknown]>([
        [
          'throws',
          () => {
            throw new Error('mine')
          },
        ],
        ['gives no text', () => 7],
        ['gives null', () => null],
      ])('one that %s is replaced by the default, with one warning', async (_name, bad) => {
        const { lines, logger } = recordingLogger()
        const fetch = fakeFetch({ script: [] })
        const breaker = circuitBreaker({ key: bad as () => string })
        const client = clientOf({ middleware: breaker, fetch, logger })
        await client.messages.create(params)
        await client.messages.create(params)
        expect(breaker.snapshot().circuits.map((circuit) => circuit.key)).toEqual([key])
        expect(lines.map(([level, text]) => [level, text])).toEqual([
          ['warn', '[breakwater] `key` of circuitBreaker has failed: origin and model are used instead'],
        ])
      })
    })

    describe('orgCategories', () => {
      const orgCategories: Category[] = ['billing', 'authentication', 'permission', 'spend_limit']
      const org = 'https://api.anthropic.com *'

      it.each<[string, Reply]>([
        ['billing', 402],
        ['authentication', 401],
        ['permission', 403],
        ['spend_limit', { status: 429, code: 'contract_spend_limit_reached' }],
      ])('one failure of %s stops every model', async (category, reply) => {
        const test = setUp(clientOf, [200, reply, 200], { ...small, orgCategories })
        await test.sendAll(2)
        expect(circuitKey.get(test.call())).toBe(org)
        const error = await test.send({ model: 'claude-opus-5-5' })
        expect(shortOf(error)).toBe('open')
        expect(circuitKey.get(test.call())).toBe(org)
        expect(test.changes).toMatchObject([{ key: org, from: 'closed', to: 'open', category, openMs: 1000 }])
        expect(test.rejected).toMatchObject([{ key: org, category, retryAfterMs: 1000 }])
        await advance(1000)
        expect(await test.sendAll(1)).toEqual(['ok'])
        expect(test.state(org)).toBe('closed')
        expect(test.call().attempts).toMatchObject([{ reason: 'probe' }])
      })

      it('opens for the hint, and again while it lasts', async () => {
        const limit = { status: 402, retryAfter: 60 }
        const test = setUp(clientOf, [limit, limit, 200], {
          ...small,
          orgCategories: ['spend_limit', 'billing'],
        })
        await test.send()
        expect(test.changes[0]?.openMs).toBe(60_000)
        await advance(60_000)
        expect(await test.sendAll(2)).toEqual(['402', 'open'])
        await advance(60_000)
        expect(await test.sendAll(2)).toEqual(['ok', 'ok'])
      })

      it('a probe that fails with something else closes it', async () => {
        const test = setUp(clientOf, [401, 529, 200], { ...small, orgCategories })
        await test.send()
        await advance(1000)
        expect(await test.sendAll(2)).toEqual(['529', 'ok'])
        expect(test.state(org)).toBe('closed')
        expect(test.breaker.snapshot().circuits.find((circuit) => circuit.key === key)?.window).toEqual([
          [1, 1],
        ])
      })

      it('a probe that the caller aborts gives its place back', async () => {
        const test = setUp(clientOf, [401, { network: 'hang' }, 200], { ...small, orgCategories })
        await test.send()
        await advance(1000)
        const controller = new AbortController()
        const calling = test.send({}, { signal: controller.signal })
        await advance(1)
        expect(await test.sendAll(1)).toEqual(['open'])
        controller.abort()
        await calling
        expect(test.state(org)).toBe('half_open')
        expect(await test.sendAll(1)).toEqual(['ok'])
      })

      it('a call that one circuit refuses takes no place in the other', async () => {
        const test = setUp(clientOf, [500, 500, 401, 200], {
          ...small,
          resetMs: 1000,
          orgCategories,
          probes: 1,
        })
        await test.sendAll(2)
        await test.send({ model: 'claude-opus-5-5' })
        expect([test.state(), test.state(org)]).toEqual(['open', 'open'])
        await advance(1000)
        // The place of the model is taken by nobody while that of the organisation is.
        test.breaker.isolate(key)
        expect(await test.sendAll(1)).toEqual(['open'])
        expect(shortOf(await test.send({ model: 'claude-opus-5-5' }))).toBe('ok')
        expect(test.state(org)).toBe('closed')
      })

      it('is not isolated by what isolates all models, only by its own key', async () => {
        const test = setUp(clientOf, [], { ...small, orgCategories })
        test.breaker.isolate()
        test.breaker.reset(key)
        expect(await test.sendAll(1)).toEqual(['ok'])
        test.breaker.reset()
        test.breaker.isolate(org)
        expect(await test.sendAll(1)).toEqual(['open'])
      })

      it('is off by default', async () => {
        const test = setUp(clientOf, replies(401), small)
        expect(await test.sendAll(5)).toEqual(words(5, '401'))
      })
    })

    describe('by hand', () => {
      it('isolates one circuit until it is reset', async () => {
        const test = setUp(clientOf, [], small)
        await test.send()
        test.breaker.isolate(key)
        await advance(1_000_000)
        const error = await test.send()
        expect(shortOf(error)).toBe('open')
        expect(String(error)).toContain('is isolated')
        expect(test.rejected).toEqual([
          {
            type: 'breaker_rejected',
            key,
            category: undefined,
            retryAfterMs: undefined,
            model: params.model,
          },
        ])
        expect(shortOf(await test.send({ model: 'claude-opus-5-5' }))).toBe('ok')
        expect(test.state()).toBe('isolated')
        test.breaker.reset(key)
        expect(await test.sendAll(1)).toEqual(['ok'])
        expect(test.changes.map(({ from, to, reason }) => [from, to, reason])).toEqual([
          ['closed', 'isolated', 'manual'],
          ['isolated', 'closed', 'manual'],
        ])
      })

      it('isolates all, also those to come, and one of them can be let go', async () => {
        const test = setUp(clientOf, [], small)
        await test.send()
        test.breaker.isolate()
        const other = { model: 'claude-opus-5-5' }
        expect([shortOf(await test.send()), shortOf(await test.send(other))]).toEqual(['open', 'open'])
        test.breaker.reset(key)
        expect([shortOf(await test.send()), shortOf(await test.send(other))]).toEqual(['ok', 'open'])
        test.breaker.isolate(key)
        expect(shortOf(await test.send())).toBe('open')
        test.breaker.reset()
        expect([shortOf(await test.send()), shortOf(await test.send(other))]).toEqual(['ok', 'ok'])
      })

      it('a circuit can be isolated before its first call, and reset before it has one', async () => {
        const test = setUp(clientOf, [], small)
        test.breaker.isolate(key)
        expect(await test.sendAll(1)).toEqual(['open'])
        test.breaker.reset('no such circuit')
        test.breaker.reset()
        expect(await test.sendAll(1)).toEqual(['ok'])
        test.breaker.reset()
        expect(shift(test)).toEqual(['isolated > closed'])
      })

      it('reset closes, forgets, ends the growth, and wakes who waits', async () => {
        const test = setUp(clientOf, replies(500), { ...small, maxResetMs: 60_000 })
        await test.sendAll(2)
        await advance(1000)
        await test.send()
        let isAwake = false
        void waitOrWake(key, 50_000, { random: () => 0 }).then(() => (isAwake = true))
        test.breaker.reset()
        await advance(0)
        expect(isAwake).toBe(true)
        expect(await test.sendAll(3)).toEqual(['500', '500', 'open'])
        expect(test.changes.map(({ openMs }) => openMs)).toEqual([1000, undefined, 2000, undefined, 1000])
        expect(test.changes[3]).toEqual({
          type: 'breaker_state',
          key,
          from: 'open',
          to: 'closed',
          reason: 'manual',
        })
      })

      it('what was on its way at a reset does not count', async () => {
        const test = setUp(clientOf, [500, { status: 500, delayMs: 100 }, 500], small)
        await test.send()
        const late = test.send()
        await advance(1)
        test.breaker.reset()
        await advance(100)
        await late
        expect(test.breaker.snapshot().circuits[0]?.window).toEqual([])
      })
    })

    describe('two breakers', () => {
      it('each counts an attempt once, and the outer one takes the inner refusal for neutral', async () => {
        const inner = circuitBreaker({ ...small, resetMs: 500 })
        const test = setUp(clientOf, replies(500), { ...small, volumeThreshold: 4, inside: [inner] })
        expect(await test.sendAll(5)).toEqual(['500', '500', 'open', 'open', 'open'])
        expect(test.breaker.snapshot().circuits[0]?.window).toEqual([[0, 2]])
        expect(circuitKey.get(test.call())).toBe(key)
        await advance(500)
        expect(await test.sendAll(1)).toEqual(['500'])
        expect(test.breaker.snapshot().circuits[0]?.window[0]).toEqual([0, 3])
        expect(test.call().attempts).toHaveLength(1)
      })
    })

    it('refuses also between the SDK’s own retries of a call', async () => {
      const test = setUp(clientOf, replies(529), { ...small, maxRetries: 5 })
      const calling = test.send()
      await advance(60_000)
      expect(shortOf(await calling)).toBe('open')
      expect(test.fetch.requests).toHaveLength(2)
    })

    it('leaves alone what fetches credentials', async () => {
      const breaker = circuitBreaker({ ...small, orgCategories: ['authentication'] })
      const logger = { error() {}, warn() {}, info() {}, debug() {} }
      const ctx = { logger, parse: () => Promise.reject(new Error('not used')) }
      const request = { url: 'https://api.anthropic.com/v1/oauth/token', headers: new Headers() }
      const answer = new Response('{}', { status: 500 })
      for (let call = 0; call < 5; call++)
        expect(await breaker(request, () => Promise.resolve(answer), ctx)).toBe(answer)
      expect(breaker.snapshot().circuits).toEqual([])
    })

    it('an error body that never ends is cut, and its request closed', async () => {
      const test = setUp(clientOf, [{ status: 500, endless: true, gapMs: 100 }])
      const calling = test.send()
      await advance(2000)
      expect(shortOf(await calling)).toBe('500')
      expect(test.fetch.requests[0]?.aborted).toBe(true)
      expect(test.breaker.snapshot().circuits[0]?.window).toEqual([[0, 1]])
    })

    it('bounds its circuits: the one used longest ago goes', async () => {
      const test = setUp(clientOf, replies(500), { ...small, maxCircuits: 2 })
      const of = (model: string): Promise<string> => test.send({ model }).then(shortOf)
      await of('a')
      await of('b')
      await of('a')
      expect(await of('a')).toBe('open')
      await of('c')
      const names = test.breaker.snapshot().circuits.map((circuit) => circuit.key.split(' ')[1])
      expect(names).toEqual(['a', 'c'])
      expect(await of('a')).toBe('open')
      expect(await of('b')).toBe('500')
    })

    it('what a dropped circuit comes to is told nobody', async () => {
      const options = { ...small, volumeThreshold: 1, maxCircuits: 1 }
      const test = setUp(clientOf, [500, { delayMs: 100 }, 200, { delayMs: 100, status: 500 }, 200], options)
      await test.send()
      await advance(1000)
      const probe = test.send()
      await advance(1)
      await test.send({ model: 'b' })
      const late = test.send({ model: 'b' })
      await advance(1)
      await test.send({ model: 'c' })
      await advance(100)
      expect([await probe, await late].map(shortOf)).toEqual(['ok', '500'])
      expect(shift(test)).toEqual(['closed > open', 'open > half_open'])
    })

    it('a listener that throws breaks nothing', async () => {
      const bad = (): never => {
        throw new Error('mine')
      }
      const test = setUp(clientOf, [500, 500, 200], { ...small, onStateChange: bad, onReject: bad })
      expect(await test.sendAll(3)).toEqual(['500', '500', 'open'])
      await advance(1000)
      expect(await test.sendAll(1)).toEqual(['ok'])
    })

    it('hands on the very response, and the very error', async () => {
      const seen: unknown[] = []
      const look: Middleware = (request, next) =>
        next(request).then(
          (response) => {
            seen.push(response)
            return response
          },
          (error: unknown) => {
            seen.push(error)
            throw error
          },
        )
      const test = setUp(clientOf, [200, 404, { network: 'reset' }], { outside: [look], inside: [look] })
      await test.sendAll(3)
      expect(seen[0]).toBe(seen[1])
      expect(seen[2]).toBe(seen[3])
      expect(seen[4]).toBe(seen[5])
    })
  })
}
