import Anthropic, { type ClientOptions } from '@anthropic-ai/sdk'
import { circuitBreaker } from '@breakwater/circuit-breaker'
import { describe as describeStack, onEvent, type BreakwaterEvent, type Middleware } from '@breakwater/core'
import { modelFailover } from '@breakwater/model-failover'
import { isStreamInterruptedError } from '@breakwater/stream-guard'
import { fakeFetch, type FakeFetch, type Script } from '@breakwater/testkit'
import { params } from '@breakwater/testing'
import { afterEach, beforeEach, describe, expect, expectTypeOf, it, onTestFinished, vi } from 'vitest'
import { breakwater } from './breakwater.ts'
import type { BreakwaterOptions } from './options.ts'

const primary = 'claude-opus-5-5'
const fallback = 'claude-haiku-5-5'
const fallbacks = [fallback]
const key = { apiKey: 'not-a-key', logLevel: 'off' } as const

/** The recipe in both seams. */
const seams: [string, (options: BreakwaterOptions, fetch: FakeFetch) => Anthropic][] = [
  ['middleware', (options, fetch) => new Anthropic({ ...key, fetch, ...breakwater(options) })],
  [
    'fetch',
    (options, fetch) =>
      new Anthropic({ ...key, maxRetries: 0, fetch: breakwater.fetch({ ...options, fetch }) }),
  ],
]

const namesOf = (options?: BreakwaterOptions): string[] =>
  breakwater(options).middleware.map(({ name }) => name)

describe('breakwater', () => {
  it('stacks the parts in the order that heals most', () => {
    expect(namesOf()).toEqual([
      'otel',
      'classify',
      'jitterRetry',
      'rateLimit',
      'circuitBreaker',
      'streamGuard',
      'timeout',
      'otel',
    ])
    expect(namesOf({ fallbacks, timeout: { totalMs: 60_000 } })).toEqual([
      'otel',
      'classify',
      'timeout',
      'modelFailover',
      'jitterRetry',
      'rateLimit',
      'circuitBreaker',
      'streamGuard',
      'timeout',
      'otel',
    ])
  })

  it('has the same telemetry at both ends', () => {
    const { middleware } = breakwater()
    expect(middleware.at(0)).toBe(middleware.at(-1))
  })

  it.each<BreakwaterOptions>([
    {},
    { fallbacks },
    { fallbacks, timeout: { totalMs: 60_000 } },
    { otel: false, classify: false },
    { rateLimit: false, circuitBreaker: false, streamGuard: false, timeout: false },
  ])('is an order that `describe` has nothing to say against: %j', (options) => {
    expect(describeStack(breakwater(options).middleware).warnings).toEqual([])
  })

  it('turns the retries of the client off', () => {
    expect(new Anthropic(Object.assign({ ...key, maxRetries: 5 }, breakwater())).maxRetries).toBe(0)
  })

  it.each([
    'otel',
    'classify',
    'jitterRetry',
    'rateLimit',
    'circuitBreaker',
    'streamGuard',
    'timeout',
  ] as const)('leaves %s out, or takes another in its place', (part) => {
    expect(namesOf({ [part]: false })).not.toContain(part)
    const mine: Middleware = (request, next) => next(request)
    const place = namesOf().indexOf(part)
    const { middleware } = breakwater({ [part]: mine })
    expect(middleware[place]).toBe(mine)
    expect(middleware.map(({ name }) => name)).not.toContain(part)
  })

  it('takes a failover of your own', () => {
    const own = modelFailover({ to: [fallback] })
    expect(breakwater({ modelFailover: own }).middleware).toContain(own)
    expect(namesOf({ modelFailover: false })).not.toContain('modelFailover')
  })

  it('hands the options of a part on to it, which checks them', () => {
    expect(() => breakwater({ jitterRetry: { maxRetryAfterMs: -1 } })).toThrow(/`maxRetryAfterMs`.*-1/)
    expect(() => breakwater({ timeout: { totalMs: 0 } })).toThrow(/`totalMs`.*0/)
    expect(() => breakwater({ fallbacks, modelFailover: { cooldownMs: -1 } })).toThrow(/`cooldownMs`.*-1/)
    expect(() => breakwater({ circuitBreaker: { probes: 0 } })).toThrow(/`probes`.*0/)
    expect(() => breakwater({ fallbacks: ['' as string] })).toThrow(TypeError)
  })

  it.each<[unknown, RegExp]>([
    [null, /`options`.*null/],
    [[], /`options`/],
    [{ retries: 3 }, /`options`.*jitterRetry.*"retries"/],
    [{ jitterRetry: true }, /`jitterRetry`.*true/],
    [{ rateLimit: null }, /`rateLimit`.*null/],
    [{ otel: 'on' }, /`otel`.*"on"/],
    [{ fallbacks: fallback }, /`fallbacks`.*claude-haiku/],
    [{ fallbacks, modelFailover: false }, /`fallbacks`/],
    [{ fallbacks, modelFailover: () => {} }, /`fallbacks`/],
    [{ modelFailover: { cooldownMs: 5 } }, /`fallbacks`.*at least one/],
  ])('refuses %j', (options, message) => {
    expect(() => breakwater(options as BreakwaterOptions)).toThrow(TypeError)
    expect(() => breakwater(options as BreakwaterOptions)).toThrow(message)
    expect(() => breakwater.fetch(options as BreakwaterOptions)).toThrow(TypeError)
  })

  it('has types that a client takes', () => {
    expectTypeOf(breakwater()).toExtend<ClientOptions>()
    expectTypeOf(breakwater.fetch()).toEqualTypeOf<typeof fetch>()
    expectTypeOf<{ jitterRetry: { retries: 3 } }>().not.toExtend<BreakwaterOptions>()
    expectTypeOf<{ timeout: false; circuitBreaker: Middleware }>().toExtend<BreakwaterOptions>()
  })
})

describe.each(seams)('the stack, by %s', (_seam, clientOf) => {
  beforeEach(() => void vi.useFakeTimers())
  afterEach(() => {
    expect(vi.getTimerCount()).toBe(0)
    vi.useRealTimers()
  })

  /** Makes one call, on fake time, and says what came of it. */
  async function play(
    options: BreakwaterOptions,
    script: Script,
    { signal, stream = false }: { signal?: AbortSignal; stream?: boolean } = {},
  ): Promise<{ value: unknown; asked: (string | undefined)[]; endedAt: number; events: string[] }> {
    const fetch = fakeFetch({ script })
    const client = clientOf({ jitterRetry: { random: () => 1 }, ...options }, fetch)
    const events: BreakwaterEvent[] = []
    onTestFinished(onEvent((event) => events.push(event)))
    const startedAt = Date.now()
    const end: { at?: number } = {}
    const value = send(client, stream, signal).finally(() => (end.at = Date.now() - startedAt))
    while (end.at === undefined) await vi.advanceTimersToNextTimerAsync()
    const asked = fetch.requests.map(({ model }) => model)
    return { value: await value, asked, endedAt: end.at, events: events.map(({ type }) => type) }
  }

  async function send(client: Anthropic, stream: boolean, signal?: AbortSignal): Promise<unknown> {
    try {
      const message = { ...params, model: primary }
      if (!stream) return await client.messages.create(message, { signal })
      return await client.messages.stream(message, { signal }).finalMessage()
    } catch (error) {
      return error
    }
  }

  const ofPrimary =
    (reply: ReturnType<Extract<Script, (...args: never[]) => unknown>>): Script =>
    ({ model }) =>
      model === primary ? reply : undefined

  it.each([false, true])('lets an answer pass, once (stream: %s)', async (stream) => {
    const { value, asked, endedAt } = await play({ fallbacks }, [], { stream })
    expect(value).toMatchObject({ type: 'message', model: primary })
    expect(asked).toEqual([primary])
    expect(endedAt).toBe(0)
  })

  it.each([400, 401, 403, 404, 413])('sends a %i once, also with a fallback', async (status) => {
    const { value, asked } = await play({ fallbacks }, () => status)
    expect(asked).toEqual([primary])
    expect(value).toMatchObject({ status })
  })

  it('sends nothing more after a spend limit', async () => {
    const reply = { status: 429, code: 'enforced_spend_limit_reached', retryAfter: 1 }
    const { value, asked } = await play({ fallbacks }, () => reply)
    expect(asked).toEqual([primary])
    expect(value).toMatchObject({ status: 429 })
  })

  it('waits as long as a rate limit says, and a little more', async () => {
    const { value, asked, endedAt } = await play({}, [{ status: 429, retryAfter: 7 }])
    expect(value).toMatchObject({ type: 'message' })
    expect(asked).toHaveLength(2)
    expect(endedAt).toBeGreaterThanOrEqual(7_000)
    expect(endedAt).toBeLessThanOrEqual(8_000)
  })

  it('is patient with an overload, and goes elsewhere at once where it can', async () => {
    const alone = await play({}, [529, 529])
    expect(alone.value).toMatchObject({ type: 'message' })
    expect(alone.asked).toHaveLength(3)
    expect(alone.endedAt).toBe(1500)
    const two = await play({ fallbacks }, ofPrimary(529))
    expect(two.value).toMatchObject({ model: fallback })
    expect(two.asked).toEqual([primary, fallback])
    expect(two.endedAt).toBe(0)
    expect(two.events).toContain('failover')
  })

  it('heals an overload inside a stream', async () => {
    const { value, asked } = await play({ fallbacks }, ofPrimary({ fault: { kind: 'error', at: 1 } }), {
      stream: true,
    })
    expect(value).toMatchObject({ type: 'message', model: fallback })
    expect(asked).toEqual([primary, fallback])
  })

  it('says that a stream was cut', async () => {
    const { value, asked } = await play({ fallbacks }, () => ({ fault: { kind: 'cut', at: 5 } }), {
      stream: true,
    })
    const error = value instanceof Error ? (value.cause ?? value) : value
    expect(isStreamInterruptedError(error)).toBe(true)
    expect(asked).toEqual([primary])
  })

  it('gives up on an attempt that stalls, and the next one answers', async () => {
    const { value, asked, endedAt } = await play({ timeout: { attemptMs: 2_000 } }, [{ network: 'hang' }])
    expect(value).toMatchObject({ type: 'message' })
    expect(asked).toHaveLength(2)
    expect(endedAt).toBe(3_000)
  })

  it('keeps the whole call within its limit', async () => {
    const limits = { totalMs: 12_000 }
    const { value, asked, endedAt } = await play({ timeout: limits }, () => 529)
    expect(value).toMatchObject({ status: 529 })
    // Four waits end in time, the fifth would not.
    expect(asked).toHaveLength(5)
    expect(endedAt).toBe(8_500)
  })

  it('stops asking a model that keeps failing', async () => {
    const fetch = fakeFetch({ script: ofPrimary(500) })
    const breaker = circuitBreaker()
    const client = clientOf({ fallbacks, circuitBreaker: breaker, modelFailover: { cooldownMs: 0 } }, fetch)
    for (let call = 0; call < 40; call++) {
      const calling = send(client, false)
      await vi.advanceTimersByTimeAsync(1_000)
      expect(await calling).toMatchObject({ model: fallback })
    }
    const asked = fetch.requests.filter(({ model }) => model === primary)
    expect(asked.length).toBeLessThan(30)
    expect(fetch.requests.filter(({ model }) => model === fallback)).toHaveLength(40)
  })

  it('answers who calls in an outage once that is over, whoever has probed it meanwhile', async () => {
    const script: Script = ({ at }) => (at < 30_000 ? 500 : undefined)
    const fetch = fakeFetch({ script })
    const client = clientOf({}, fetch)
    const calls: Promise<unknown>[] = []
    for (let second = 0; second < 40; second++) {
      calls.push(send(client, false), send(client, false))
      await vi.advanceTimersByTimeAsync(1_000)
    }
    await vi.advanceTimersByTimeAsync(10_000)
    const answered = (await Promise.all(calls)).filter(
      (value) => Reflect.get(Object(value), 'type') === 'message',
    )
    // Those before the circuit opened have had their one retry; nobody after them has failed, not with a failing probe either.
    expect(answered.length).toBeGreaterThanOrEqual(80 - 8)
    const during = fetch.requests.filter(({ at }) => at < 30_000)
    // Until it opens, and then one each 2 s.
    expect(during.length).toBeLessThanOrEqual(10 + 14 + 2)
  })

  it('probes for one that calls alone until its tries are used up, and waits longer each time', async () => {
    const breaker = circuitBreaker({ volumeThreshold: 1 })
    const { value, asked, endedAt } = await play({ circuitBreaker: breaker }, () => 529)
    expect(value).toMatchObject({ status: 529 })
    expect(asked).toHaveLength(7)
    expect(endedAt).toBe(3 * 2_200 + 5_000 + 15_000 + 45_000)
  })

  it('waits for the circuit of an overload inside a stream', async () => {
    const breaker = circuitBreaker({ volumeThreshold: 1 })
    const script = [{ fault: { kind: 'error', at: 1 } }] as const
    const { value, asked, endedAt } = await play({ circuitBreaker: breaker }, script, { stream: true })
    expect(value).toMatchObject({ type: 'message' })
    expect([asked.length, endedAt]).toEqual([2, 2_200])
  })

  it('is over at once when the caller aborts', async () => {
    const controller = new AbortController()
    setTimeout(() => controller.abort(), 300)
    const { value, asked, endedAt } = await play({}, () => 529, { signal: controller.signal })
    expect(value).toBeInstanceOf(Anthropic.APIUserAbortError)
    expect(asked).toEqual([primary])
    expect(endedAt).toBe(300)
  })

  it('tells the listeners of its parts', async () => {
    const retries: string[] = []
    await play({ jitterRetry: { random: () => 0, onRetry: ({ category }) => retries.push(category) } }, [500])
    expect(retries).toEqual(['server_error'])
  })

  it('waits for a rate limit once in place, where another model can answer', async () => {
    const hinted = { status: 429, retryAfter: 1 }
    const { value, asked } = await play({ fallbacks }, ofPrimary(hinted))
    expect(value).toMatchObject({ model: fallback })
    expect(asked).toEqual([primary, primary, fallback])
    const more = { policy: { rate_limit: { retries: 2 } }, random: () => 1 }
    const patient = await play({ fallbacks, jitterRetry: more }, ofPrimary(hinted))
    expect(patient.asked).toEqual([primary, primary, primary, fallback])
  })
})
