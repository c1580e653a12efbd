import { params, recordingLogger, seams } from '@breakwater/testing'
import { fakeFetch } from '@breakwater/testkit'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { memoryStore } from './memory-store.ts'
import { rateLimit } from './rate-limit.ts'
import type { Lease, Need, RateLimitStore } from './store.ts'
import { advance, always, setUp, shortOf, times, until } from './testing/set-up.ts'
import { toyStore } from './testing/toy-store.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => {
  expect(vi.getTimerCount()).toBe(0)
  vi.useRealTimers()
})

describe.each(seams)('stores, by %s', (_seam, clientOf) => {
  describe('one that answers later', () => {
    it('lets calls wait, and is told what has become of them', async () => {
      const store = toyStore(5)
      const test = setUp(clientOf, always({ delayMs: 100, usage: { input_tokens: 3, output_tokens: 4 } }), {
        store,
        concurrency: 1,
      })
      const calls = times(3, () => test.send())
      expect((await until(Promise.all(calls))).map(shortOf)).toEqual(['ok', 'ok', 'ok'])
      await advance(10)
      const [first = 0, second = 0, third = 0] = test.times()
      expect(second - first).toBeGreaterThan(100)
      expect(third - second).toBeGreaterThan(100)
      expect(store.log.toSorted()).toEqual([
        '- 3/4 true',
        '- 3/4 true',
        '- 3/4 true',
        ...times(3, () => 'accepted - true'),
      ])
      expect(test.told()).toContain('limits concurrency 1')
      expect(test.told().filter((one) => one.startsWith('queued'))).toHaveLength(2)
    })

    it('is told of a refusal, and closes', async () => {
      const store = toyStore(5)
      const test = setUp(clientOf, [{ status: 429, retryAfter: 2 }], { store })
      expect(shortOf(await until(test.send()))).toBe('429')
      expect(shortOf(await until(test.send()))).toBe('ok')
      expect(test.times()[1]).toBeGreaterThan(2000)
      await advance(10)
      expect(store.log.slice(0, 2)).toEqual(['rate_limit 2000', 'failed - true'])
      expect(test.told()).toContain('gate closed 2000')
    })

    it('refuses who cannot wait that long, and lets go who aborts', async () => {
      const store = toyStore(5)
      const test = setUp(clientOf, always({ delayMs: 1000 }), { store, concurrency: 1, maxWaitMs: 300 })
      const first = test.send()
      await advance(10)
      const second = test.send()
      const controller = new AbortController()
      const third = test.send({}, { signal: controller.signal })
      await advance(100)
      controller.abort()
      expect(shortOf(await until(third))).toBe('APIUserAbortError')
      expect(shortOf(await until(second))).toBe('queue_wait')
      expect(shortOf(await until(first))).toBe('ok')
      expect(test.fetch.requests).toHaveLength(1)
      await advance(10)
    })

    it('gets back what it gives to who has aborted meanwhile', async () => {
      const settled: unknown[] = []
      const lease: Lease = { granted: true, queueLength: 0, isFirst: false, countsTokens: false }
      const store: RateLimitStore = {
        acquire: () => new Promise((resolve) => setTimeout(() => resolve(lease), 50)),
        settle: (_lease, facts) => void settled.push(facts),
        penalise: () => undefined,
      }
      const test = setUp(clientOf, always({}), { store })
      const controller = new AbortController()
      const call = test.send({}, { signal: controller.signal })
      await advance(10)
      controller.abort()
      await until(call)
      expect(settled).toEqual([{ outcome: 'unsent', isOver: true }])
      expect(test.fetch.requests).toHaveLength(0)
      expect(test.call().attempts).toEqual([])
    })
  })

  it.each<[string, Partial<RateLimitStore>]>([
    ['throws', { acquire: () => fail() }],
    ['rejects', { acquire: () => Promise.reject(new Error('store')) }],
    ['throws on settling', { settle: () => fail() }],
    ['rejects on settling', { settle: () => Promise.reject(new Error('store')) }],
    ['throws on a refusal', { penalise: () => fail() }],
    ['rejects on a refusal', { penalise: () => Promise.reject(new Error('store')) }],
  ])('one that %s breaks no call: it is logged once', async (_, broken) => {
    const { lines, logger } = recordingLogger()
    const store = { ...memoryStore(), ...broken }
    const middleware = rateLimit({ store, startPerSecond: Infinity })
    const fetch = fakeFetch({ script: [200, 429, 200, 429] })
    const client = clientOf({ middleware, fetch, logger })
    const outcomes: string[] = []
    for (let index = 0; index < 4; index++) {
      outcomes.push(shortOf(await until(client.messages.create(params).catch((error: unknown) => error))))
    }
    expect(outcomes).toEqual(['ok', '429', 'ok', '429'])
    expect(lines.map(([level, line]) => [level, line])).toEqual([
      ['warn', '[breakwater] the store of rateLimit has failed: calls go on without a limit'],
    ])
    expect(fetch.requests).toHaveLength(4)
  })

  it('one that has no snapshot has none', () => {
    const { acquire, settle, penalise } = memoryStore()
    expect(rateLimit({ store: { acquire, settle, penalise } }).snapshot()).toEqual({ keys: [] })
  })

  it('one that two share holds both to one limit', async () => {
    const store = memoryStore()
    const options = { store, startPerSecond: Infinity, limits: { '*': { requestsPerMinute: 60 } } }
    const fetch = fakeFetch({ script: always({}) })
    const clients = [rateLimit(options), rateLimit(options)].map((middleware) =>
      clientOf({ middleware, fetch }),
    )
    await until(Promise.all(clients.map((client) => client.messages.create(params))))
    expect(fetch.requests.map(({ at }) => at)).toEqual([0, 1000])
  })
})

describe('memoryStore', () => {
  const need: Need = {
    rules: { concurrency: 1, maxQueue: 10, startPerSecond: Infinity, limits: {}, isFast: false },
    maxWaitMs: 1000,
    priority: 0,
    estimate: () => ({ input: 0, output: 0 }),
    signal: undefined,
    onQueue() {},
  }

  it('keeps so many keys: those go that are idle, and were used longest ago', () => {
    const store = memoryStore({ maxKeys: 3 })
    const leases = ['a', 'b', 'c'].map((key) => store.acquire(key, need) as Lease)
    store.settle(leases[1]!, { outcome: 'accepted', isOver: true })
    store.settle(leases[2]!, { outcome: 'accepted', isOver: true })
    void store.acquire('d', need)
    expect(store.snapshot?.().keys.map(({ key }) => key)).toEqual(['a', 'c', 'd'])
    void store.acquire('e', need)
    expect(store.snapshot?.().keys.map(({ key }) => key)).toEqual(['a', 'd', 'e'])
    // All are in use: the one that was used longest ago.
    void store.acquire('f', need)
    expect(store.snapshot?.().keys.map(({ key }) => key)).toEqual(['d', 'e', 'f'])
  })

  it('lets no key go where calls wait', async () => {
    const store = memoryStore({ maxKeys: 1 })
    void store.acquire('a', need)
    const waiting = store.acquire('a', need)
    void store.acquire('b', need)
    expect(store.snapshot?.().keys.map(({ key }) => key)).toEqual(['a', 'b'])
    await advance(1000)
    expect(await waiting).toMatchObject({ granted: false, reason: 'wait' })
  })

  it('frees a place once, however often it is told', () => {
    const store = memoryStore()
    const lease = store.acquire('a', need) as Lease
    for (let index = 0; index < 3; index++) store.settle(lease, { outcome: 'unsent', isOver: true })
    expect(store.snapshot?.().keys).toMatchObject([{ inFlight: 0 }])
  })

  it('asks for the tokens of the first answers, then now and then, and of all where it is close', async () => {
    const store = memoryStore()
    let input = 100
    const rules = { ...need.rules, concurrency: 100, limits: { inputTokensPerMinute: 60_000 } }
    const ask = (): boolean =>
      (store.acquire('a', { ...need, rules, estimate: () => ({ input, output: 1 }) }) as Lease).countsTokens
    expect(times(10, ask)).toEqual([...times(8, () => true), false, false])
    await advance(100)
    expect([ask(), ask()]).toEqual([true, false])
    input = 4000
    expect([ask(), ask(), ask()]).toEqual([false, true, true])
  })

  it('gives back the turn of who has sent nothing: at the start, and at a gate that opens again', async () => {
    const store = memoryStore()
    const rules = { ...need.rules, concurrency: 9, startPerSecond: 2 }
    const ask = (): boolean | Promise<unknown> => {
      const found = store.acquire('a', { ...need, rules })
      return 'then' in found ? found : found.granted
    }
    const first = store.acquire('a', { ...need, rules }) as Lease
    const second = store.acquire('a', { ...need, rules }) as Lease
    store.settle(first, { outcome: 'unsent', isOver: true })
    const third = store.acquire('a', { ...need, rules }) as Lease
    expect(third).toMatchObject({ granted: true })

    store.penalise(second, { category: 'rate_limit', retryAfterMs: 5000 })
    store.settle(second, { outcome: 'failed', isOver: true })
    store.settle(third, { outcome: 'failed', isOver: true })
    await advance(10_000)
    const passing = store.acquire('a', { ...need, rules }) as Lease
    expect(passing).toMatchObject({ granted: true, isFirst: true })
    store.settle(passing, { outcome: 'unsent', isOver: true })
    expect(ask()).toBe(true)
    expect(ask()).toBeInstanceOf(Promise)
    await advance(10_000)
  })

  it('gives back no more than the pace can hold, however many have sent nothing', async () => {
    const store = memoryStore()
    const rules = { ...need.rules, concurrency: 99, startPerSecond: 2 }
    const acquire = () => store.acquire('a', { ...need, rules })
    for (let round = 0; round < 10; round++) {
      const first = acquire() as Lease
      await advance(1000)
      const second = acquire() as Lease
      for (const lease of [first, second]) store.settle(lease, { outcome: 'unsent', isOver: true })
    }
    const found = [acquire(), acquire(), acquire()]
    expect(found.map((one) => 'granted' in one)).toEqual([true, true, false])
    await advance(10_000)
  })

  /** Of ten a second at the start, which is also the least after a time in which most failed. */
  const free: Need = { ...need, rules: { ...need.rules, concurrency: 999, startPerSecond: 10 } }
  const unpaced: Need = { ...free, rules: { ...free.rules, startPerSecond: Infinity } }

  /** A store whose API has answered 20 calls a second for ten seconds, of which so many were under way at once. */
  async function usedStore(atOnce = 1): Promise<RateLimitStore> {
    const store = memoryStore()
    for (let round = 0; round < 200 / atOnce; round++) {
      const leases = times(atOnce, () => store.acquire('a', atOnce > 1 ? unpaced : free))
      await advance(50 * atOnce)
      for (const lease of leases) store.settle((await lease) as Lease, { outcome: 'accepted', isOver: true })
    }
    return store
  }

  /** How many of so many go at once. */
  const grantedOf = (store: RateLimitStore, count: number): Lease[] =>
    times(count, () => store.acquire('a', { ...unpaced, maxWaitMs: 0 })).filter(
      (found): found is Lease => !('then' in found) && found.granted,
    )

  it('lets back no more than were usual, and a few, after faults of every kind', async () => {
    for (const outcome of ['failed', 'unsent'] as const) {
      const store = await usedStore()
      expect(grantedOf(await usedStore(), 100)).toHaveLength(100)
      const leases = grantedOf(store, 30)
      for (const lease of leases) store.settle(lease, { outcome, isFault: true, isOver: true })
      await advance(1000)
      // A tenth of a second's worth of 35 a second; who sends nothing gives the turn back.
      expect(grantedOf(store, 100)).toHaveLength(3)
      await advance(1000)
      const unsent = grantedOf(store, 100)
      for (const lease of unsent) store.settle(lease, { outcome: 'unsent', isOver: true })
      expect(grantedOf(store, 100)).toHaveLength(3)
    }
  })

  it('limits how many are under way where more are than ever were, or most are refused', async () => {
    const refuse = (store: RateLimitStore, lease: Lease): void => {
      store.penalise(lease, { category: 'overloaded', retryAfterMs: undefined })
      store.settle(lease, { outcome: 'failed', isOver: true })
    }
    const windowOf = (store: RateLimitStore) => store.snapshot?.().keys[0]?.concurrency
    const more = await usedStore(10)
    refuse(more, grantedOf(more, 11)[0]!)
    expect(windowOf(more)).toBe(7)

    const store = await usedStore(10)
    for (const lease of grantedOf(store, 10)) refuse(store, lease)
    expect(windowOf(store)).toBe(999)
    for (const lease of grantedOf(store, 10)) refuse(store, lease)
    expect(windowOf(store)).toBe(999)
    for (const lease of grantedOf(store, 10)) refuse(store, lease)
    refuse(store, grantedOf(store, 10)[0]!)
    expect(windowOf(store)).toBe(7)
  })

  it('remembers that so many were too many', async () => {
    const store = await usedStore(10)
    const leases = grantedOf(store, 11)
    store.penalise(leases[0]!, { category: 'overloaded', retryAfterMs: undefined })
    for (const lease of leases) store.settle(lease, { outcome: 'failed', isOver: true })
    await advance(60_000)
    expect(store.snapshot?.().keys[0]?.concurrency).toBe(999)
    store.penalise(grantedOf(store, 9)[0]!, { category: 'overloaded', retryAfterMs: undefined })
    expect(store.snapshot?.().keys[0]?.concurrency).toBe(6)
  })

  it('gives back once what was not sent', () => {
    const store = memoryStore()
    const limited = { ...need, rules: { ...need.rules, concurrency: 9, limits: { requestsPerMinute: 300 } } }
    const leases = times(3, () => store.acquire('a', limited) as Lease)
    expect(store.snapshot?.().keys[0]?.limits).toMatchObject([{ remaining: 297 }])
    store.penalise(leases[0]!, { category: 'overloaded', retryAfterMs: undefined })
    store.settle(leases[0]!, { outcome: 'unsent', isOver: true })
    expect(store.snapshot?.().keys[0]?.limits).toMatchObject([{ remaining: 298 }])
  })
})

function fail(): never {
  throw new Error('store')
}
