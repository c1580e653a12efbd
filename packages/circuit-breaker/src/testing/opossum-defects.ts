import { createFetch, type Middleware } from '@breakwater/core'
import { params, seams } from '@breakwater/testing'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { circuitBreaker } from '../circuit-breaker.ts'
import { isCircuitOpenError } from '../circuit-open-error.ts'
import { key, replies, setUp, shortOf, small } from './set-up.ts'

const advance = (ms: number): Promise<unknown> => vi.advanceTimersByTimeAsync(ms)

/** What opossum does by itself, and our users never see; one test per fault. */
export function opossumDefects(opossum: string): void {
  describe.each(seams)(`faults of ${opossum} that do not get through, by %s`, (_seam, clientOf) => {
    beforeEach(() => void vi.useFakeTimers())
    afterEach(() => {
      expect(vi.getTimerCount()).toBe(0)
      vi.useRealTimers()
    })

    it('1: one probe at a time, whatever one wants', async () => {
      const test = setUp(clientOf, [500, 500, ...Array.from({ length: 10 }, () => ({ delayMs: 10 }))], {
        ...small,
        probes: 4,
      })
      await test.sendAll(2)
      await advance(1000)
      const calls = Array.from({ length: 10 }, () => test.send())
      await advance(10)
      expect((await Promise.all(calls)).filter((outcome) => shortOf(outcome) === 'ok')).toHaveLength(4)
    })

    it('2: a probe that hangs blocks the circuit for ever', async () => {
      const test = setUp(clientOf, [500, 500, { network: 'hang' }, 200], small)
      await test.sendAll(2)
      await advance(1000)
      const controller = new AbortController()
      const hung = test.send({}, { signal: controller.signal })
      await advance(5000)
      expect(await test.sendAll(1)).toEqual(['ok'])
      controller.abort()
      await hung
    })

    it('3: an error that is filtered out is a success, and closes the circuit', async () => {
      const test = setUp(clientOf, [500, 500, 400, 429, 401], small)
      await test.sendAll(2)
      await advance(1000)
      for (let call = 0; call < 3; call++) {
        await test.send()
        expect(test.state()).toBe('half_open')
      }
    })

    it('4: the late outcome of a call from before decides on the probe', async () => {
      const script = [{ delayMs: 1500 }, { status: 500, delayMs: 1500 }, 500, 500, { delayMs: 1000 }]
      const test = setUp(clientOf, script, { ...small, resetMs: 1000 })
      const late = [test.send(), test.send()]
      await advance(1)
      await test.sendAll(2)
      await advance(1000)
      const probe = test.send()
      await advance(500)
      expect((await Promise.all(late)).map(shortOf)).toEqual(['ok', '500'])
      expect(test.state()).toBe('half_open')
      await advance(500)
      expect(shortOf(await probe)).toBe('ok')
      expect(test.state()).toBe('closed')
    })

    it('5: a circuit that has closed opens again at one failure', async () => {
      const test = setUp(clientOf, [500, 500, 500, 500, 500, 200, 500, 200, 200], {
        ...small,
        volumeThreshold: 5,
      })
      await test.sendAll(5)
      await advance(1000)
      expect(await test.sendAll(4)).toEqual(['ok', '500', 'ok', 'ok'])
    })

    it('6: calls that take longer than the window never open it', async () => {
      const options = { ...small, windowMs: 100, volumeThreshold: 3 }
      const test = setUp(clientOf, replies({ status: 500, delayMs: 300 }), options)
      const calls = Array.from({ length: 20 }, () => test.send())
      await advance(300)
      await Promise.all(calls)
      expect(test.state()).toBe('open')
    })

    it('7: calls on their way, and refused ones, thin out the rate', async () => {
      const late = Array.from({ length: 100 }, () => ({ delayMs: 500 }))
      const test = setUp(clientOf, [...late, 500, 500, 500, 500], {
        ...small,
        volumeThreshold: 4,
        resetMs: 100,
      })
      const calls = late.map(() => test.send())
      await advance(1)
      await test.sendAll(4)
      expect(test.state()).toBe('open')
      await test.sendAll(50)
      expect(test.breaker.snapshot().circuits[0]?.window).toEqual([[0, 4]])
      await advance(500)
      await Promise.all(calls)
    })

    it('8: the first failure opens it, and exactly 50 % do not', async () => {
      const test = setUp(clientOf, [200, 200, 200, 200, 200, 500, 500, 500, 500, 500])
      expect(await test.sendAll(9)).not.toContain('open')
      expect(test.state()).toBe('closed')
      await test.send()
      expect(test.state()).toBe('open')
    })

    it('9: a limit of concurrency counts its own refusals as failures', async () => {
      const test = setUp(clientOf, replies({ delayMs: 100 }))
      const calls = Array.from({ length: 300 }, () => test.send())
      await advance(100)
      expect(new Set((await Promise.all(calls)).map(shortOf))).toEqual(new Set(['ok']))
      expect(test.breaker.snapshot().circuits[0]?.window).toEqual([[300, 0]])
    })

    it('10: a listener that throws leaves the call without an end', async () => {
      const unhandled: unknown[] = []
      const note = (error: unknown): void => void unhandled.push(error)
      process.on('unhandledRejection', note)
      const bad = async (): Promise<never> => Promise.reject(new Error('mine'))
      const test = setUp(clientOf, [500, 500], { ...small, onStateChange: bad, onReject: bad })
      expect(await test.sendAll(3)).toEqual(['500', '500', 'open'])
      vi.useRealTimers()
      await new Promise(setImmediate)
      process.off('unhandledRejection', note)
      expect(unhandled).toEqual([])
      vi.useFakeTimers()
    })

    it('11: one abort ends every call, and all to come', async () => {
      const test = setUp(clientOf, [{ network: 'hang' }, { delayMs: 50 }, 200])
      const controller = new AbortController()
      const first = test.send({}, { signal: controller.signal })
      const second = test.send()
      await advance(10)
      controller.abort()
      expect(String(await first)).toMatch(/abort/i)
      await advance(50)
      expect(shortOf(await second)).toBe('ok')
      expect(await test.sendAll(1)).toEqual(['ok'])
    })

    it('12: requests that look alike get one answer', async () => {
      const test = setUp(clientOf, [{ text: 'one' }, { text: 'two' }])
      const [one, two] = await Promise.all([
        test.client.messages.create(params),
        test.client.messages.create(params),
      ])
      expect([one.content, two.content]).toMatchObject([[{ text: 'one' }], [{ text: 'two' }]])
      expect(test.fetch.requests).toHaveLength(2)
    })

    it('13: two breakers of one options object are one', async () => {
      const options = Object.freeze({ ...small })
      const [one, two] = [circuitBreaker(options), circuitBreaker(options)]
      const failing = setUp(clientOf, replies(500), { inside: [one] })
      await failing.sendAll(2)
      expect(one.snapshot().circuits[0]?.state).toBe('open')
      expect(two.snapshot().circuits).toEqual([])
    })

    it('14: what is restored begins its wait anew, or skips it', async () => {
      const test = setUp(clientOf, replies(500), small)
      await advance(5000)
      await test.sendAll(2)
      await advance(900)
      const restored = setUp(clientOf, [200], { ...small, restore: test.breaker.snapshot() })
      expect(await restored.sendAll(1)).toEqual(['open'])
      await advance(100)
      expect(await restored.sendAll(1)).toEqual(['ok'])
    })

    it('15: an interval goes on for ever', async () => {
      const test = setUp(clientOf, ({ model }) => (model === 'down' ? 500 : 200), {
        ...small,
        maxCircuits: 50,
      })
      for (let index = 0; index < 100; index++) await test.send({ model: `model-${index}` })
      for (let index = 0; index < 3; index++) await test.send({ model: 'down' })
      expect(test.rejected).toHaveLength(1)
      expect(vi.getTimerCount()).toBe(0)
    })

    it('16: an action that gives nothing throws out of the call', async () => {
      const nothing: Middleware = () => undefined as never
      const test = setUp(clientOf, [], { inside: [nothing] })
      expect(await test.send()).toBeInstanceOf(Error)
      const throwing: Middleware = () => {
        throw new RangeError('mine')
      }
      const fetch = createFetch([circuitBreaker(), throwing])
      const calling = fetch('https://api.anthropic.com/v1/messages')
      await expect(calling).rejects.toBeInstanceOf(RangeError)
    })

    it('17: it does not open while it warms up', async () => {
      const test = setUp(clientOf, replies(500), small)
      expect((await test.sendAll(3)).at(-1)).toBe('open')
    })

    it('18: its errors are hard to tell from those of a socket', async () => {
      const error = Object.assign(new TypeError('fetch failed'), {
        cause: Object.assign(new Error('connect'), { code: 'ETIMEDOUT', syscall: 'connect' }),
      })
      const seen: unknown[] = []
      const look: Middleware = (request, next) =>
        next(request).catch((thrown: unknown) => {
          seen.push(thrown)
          throw thrown
        })
      const broken: Middleware = () => Promise.reject(error)
      const test = setUp(clientOf, [], { ...small, outside: [look], inside: [broken] })
      await test.sendAll(3)
      expect(seen.slice(0, 2)).toEqual([error, error])
      expect(seen.map(isCircuitOpenError)).toEqual([false, false, true])
      expect(test.changes).toMatchObject([
        { key, category: expect.stringMatching(/connection|timeout/) as string },
      ])
    })
  })
}
