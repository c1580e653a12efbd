import Anthropic, { type Middleware as SdkMiddleware } from '@anthropic-ai/sdk'
import type { Category } from '@breakwater/classify'
import {
  BreakwaterError,
  createFetch,
  describe as describeStack,
  errorResponse,
  onEvent,
  type BreakwaterEvent,
  type Middleware,
  type RetryEvent,
} from '@breakwater/core'
import { fakeFetch } from '@breakwater/testkit'
import { afterEach, describe, expect, expectTypeOf, it, vi } from 'vitest'
import { jitterRetry } from './jitter-retry.ts'
import { jitterRetryDefaults, type JitterRetryOptions } from './options.ts'
import { retryPolicy } from './policy.ts'
import { behaviour } from './testing/behaviour.ts'
import { lifecycle } from './testing/lifecycle.ts'
import { params, seams } from '@breakwater/testing'
import { setUp, settle } from './testing/set-up.ts'

behaviour('p-retry 9')
lifecycle('p-retry 9')

afterEach(() => void vi.useRealTimers())

describe.each(seams)('jitterRetry, by %s', (_, clientOf) => {
  it('tells onRetry and the listeners, without a text of the API’s', async () => {
    vi.useFakeTimers()
    const events: BreakwaterEvent[] = []
    const stop = onEvent((event) => events.push(event))
    const message = 'PRIVATE WORDS'
    const { send, fetch, retries, call } = setUp(clientOf, () => ({ status: 500, message, retryAfter: 2 }))
    await send()
    stop()
    const [first, second] = fetch.requests.map(({ reply }) => reply?.requestId)
    const facts = { category: 'server_error', status: 500, model: params.model }
    const retry = {
      ...facts,
      type: 'retry',
      attempt: 1,
      waitMs: 2200,
      reason: 'server_hint',
      requestId: first,
    }
    const exhausted = {
      ...facts,
      type: 'retry_exhausted',
      attempt: 1,
      waitMs: 2200,
      reason: 'attempts',
      requestId: second,
      retryAfterMs: 2000,
    }
    expect(retries).toEqual([retry])
    expect(events).toEqual([retry, exhausted])
    expect(call().events).toEqual(events)
    expect(JSON.stringify(events)).not.toContain('PRIVATE')
    expect(call().attempts).toMatchObject([
      { reason: 'initial', waitMs: 0, category: 'server_error' },
      { reason: 'retry', waitMs: 2200, category: 'server_error' },
    ])
  })

  it('goes on when onRetry throws', async () => {
    vi.useFakeTimers()
    const onRetry = (): never => {
      throw new Error('broken listener')
    }
    const { send } = setUp(clientOf, [500], { onRetry })
    expect(await send()).toMatchObject({ stop_reason: 'end_turn' })
  })

  it('gives back the last response, whole, with x-should-retry: false', async () => {
    vi.useFakeTimers()
    const reply = { status: 500, message: 'm'.repeat(50_000), headers: { 'x-mine': 'yes' } }
    const { send, fetch } = setUp(clientOf, () => reply)
    const error = (await send()) as InstanceType<typeof Anthropic.APIError>
    expect(error).toBeInstanceOf(Anthropic.InternalServerError)
    expect(error).toMatchObject({ apiMessage: reply.message, requestID: fetch.requests[1]?.reply?.requestId })
    expect([error.headers?.get('x-should-retry'), error.headers?.get('x-mine')]).toEqual(['false', 'yes'])
  })

  it('gives back the very error', async () => {
    vi.useFakeTimers()
    const seen: unknown[] = []
    const look: Middleware = (request, next) =>
      next(request).catch((error: unknown) => {
        seen.push(error)
        throw error
      })
    const { send } = setUp(clientOf, () => ({ network: 'reset' }), { outside: [look], inside: [look] })
    expect(await send()).toBeInstanceOf(Anthropic.APIConnectionError)
    expect(seen).toHaveLength(3)
    expect(seen[2]).toBe(seen[1])
  })

  it('retries an error object that it has given up on before, in another call', async () => {
    vi.useFakeTimers()
    const cause = Object.assign(new Error('connect'), { code: 'ECONNREFUSED' })
    const same = new TypeError('fetch failed', { cause })
    let sent = 0
    const broken: Middleware = () => {
      sent++
      return Promise.reject(same)
    }
    const { send } = setUp(clientOf, [], { inside: [broken] })
    await send()
    expect(sent).toBe(4)
    await send()
    expect(sent).toBe(8)
  })

  it('does not multiply with one inside a fetch, where calls are others', async () => {
    vi.useFakeTimers()
    const upstream = fakeFetch({ script: () => ({ network: 'refused' }) })
    const fetch = createFetch(jitterRetry({ random: () => 1 }), { fetch: upstream })
    await settle(clientOf({ middleware: jitterRetry(), fetch }).messages.create(params))
    expect(upstream.requests).toHaveLength(4)
  })

  it('waits for an open circuit that a fetch inside turned into a 503', async () => {
    vi.useFakeTimers()
    const open = new BreakwaterError('open', {
      code: 'circuit_open',
      category: 'circuit_open',
      retryAfterMs: 4000,
    })
    let refusals = 2
    const breaker: Middleware = (request, next) =>
      refusals-- > 0 ? Promise.resolve(errorResponse(open)) : next(request)
    const { send, times, retries } = setUp(clientOf, [], { inside: [breaker] })
    await send()
    expect(retries.map(({ reason }) => reason)).toEqual(['circuit', 'circuit'])
    expect(times()).toEqual([8800])
  })

  it('lets the SDK’s credential exchanges pass, and a 401 come back with a new token', async () => {
    vi.stubEnv('ANTHROPIC_FEDERATION_RULE_ID', 'fdrl_test')
    vi.stubEnv('ANTHROPIC_ORGANIZATION_ID', 'org_test')
    vi.stubEnv('ANTHROPIC_IDENTITY_TOKEN', 'header.payload.signature')
    const paths: string[] = []
    const fetch: typeof globalThis.fetch = (input) => {
      const { pathname } = new URL(String(input))
      paths.push(pathname)
      if (pathname.endsWith('/oauth/token')) {
        return Promise.resolve(
          Response.json({ access_token: 'test', token_type: 'Bearer', expires_in: 3600 }),
        )
      }
      const answered = paths.filter((path) => path === '/v1/messages').length > 1
      return Promise.resolve(Response.json({ id: 'msg_1' }, { status: answered ? 200 : 401 }))
    }
    const client = clientOf({ middleware: jitterRetry(), fetch, apiKey: null, maxRetries: 1 })
    expect(await client.messages.create(params)).toMatchObject({ id: 'msg_1' })
    expect(paths).toEqual(['/v1/oauth/token', '/v1/messages', '/v1/oauth/token', '/v1/messages'])
    paths.length = 0
    const failing: typeof globalThis.fetch = (input) => {
      paths.push(new URL(String(input)).pathname)
      return Promise.resolve(Response.json({ error: 'busy' }, { status: 529 }))
    }
    const locked = clientOf({ middleware: jitterRetry(), fetch: failing, apiKey: null })
    await expect(locked.messages.create(params)).rejects.toThrow(/529/)
    expect(paths).toEqual(['/v1/oauth/token'])
  })
})

describe('jitterRetry', () => {
  it('has the defaults that it says', async () => {
    expect(jitterRetryDefaults).toEqual({ policy: retryPolicy, maxRetryAfterMs: 60_000, jitter: 'full' })
    vi.useFakeTimers()
    vi.spyOn(Math, 'random').mockReturnValue(0.5)
    const fetch = fakeFetch({ script: [429, 529] })
    await settle(
      new Anthropic({ apiKey: 'test', fetch, middleware: [jitterRetry()] }).messages.create(params),
    )
    expect(fetch.requests.map(({ at }) => Math.round(at))).toEqual([0, 500, 875])
  })

  it.each([
    ['equal', [0, 750, 2250, 5250]],
    ['decorrelated', [0, 2000, 5500, 11_250]],
  ] as const)('draws %s jitter on request', async (jitter, times) => {
    vi.useFakeTimers()
    const fetch = fakeFetch({ script: [429, 429, 429] })
    const middleware = [jitterRetry({ jitter, random: () => 0.5 })]
    await settle(new Anthropic({ apiKey: 'test', fetch, middleware }).messages.create(params))
    expect(fetch.requests.map(({ at }) => Math.round(at))).toEqual(times)
  })

  it('passes a plain success through fetch untouched', async () => {
    const answer = new Response('{}')
    const fetch = createFetch(jitterRetry(), { fetch: () => Promise.resolve(answer) })
    expect(await fetch('https://test.invalid/v1/messages')).toBe(answer)
  })

  it('describes itself', () => {
    const { maxRequests, maxWaitMs, text, warnings } = describeStack([jitterRetry()])
    expect([maxRequests, maxWaitMs, warnings]).toEqual([7, 6 * 63_000, []])
    expect(text).toContain('jitterRetry → upstream')
    expect(describeStack([jitterRetry(), jitterRetry()]).warnings).toHaveLength(1)
    const policy = {
      rate_limit: { retries: 0 },
      overloaded: { stepsMs: [5000] },
      circuit_open: { retries: 0 },
    }
    const small = jitterRetry({
      policy: { ...policy, connection: { retries: 2, capMs: 9000 } },
      maxRetryAfterMs: 0,
    })
    expect(describeStack(small)).toMatchObject({ maxRequests: 3, maxWaitMs: 5000 + 1000 })
  })

  it.each([
    [{ policy: 3 }, 'Expected `policy` to be an object of rows by category, got 3.'],
    [
      { policy: { tea: {} } },
      'Expected `policy.tea` to be named after a category of classify, got an object.',
    ],
    [{ policy: { rate_limit: 3 } }, 'Expected `policy.rate_limit` to be a row of retries and waits, got 3.'],
    [
      { policy: { rate_limit: { retries: -1 } } },
      'Expected `policy.rate_limit.retries` to be a whole number from 0 to 100, got -1.',
    ],
    [
      { policy: { rate_limit: { retries: 1.5 } } },
      'Expected `policy.rate_limit.retries` to be a whole number from 0 to 100, got 1.5.',
    ],
    [
      { policy: { conflict: { capMs: NaN } } },
      'Expected `policy.conflict.capMs` to be a number of milliseconds, 0 or more, got NaN.',
    ],
    [
      { policy: { overloaded: { stepsMs: [] } } },
      'Expected `policy.overloaded.stepsMs` to be an array of one wait in milliseconds or more, got an array of 0.',
    ],
    [
      { policy: { overloaded: { stepsMs: [1, -1] } } },
      'Expected `policy.overloaded.stepsMs[1]` to be a number of milliseconds, 0 or more, got -1.',
    ],
    [
      { policy: { overloaded: { stepsMs: [1], baseMs: 1 } } },
      'Expected `policy.overloaded.stepsMs` to be given without `baseMs` and `capMs`, got an array of 1.',
    ],
    [{ budget: true }, 'Expected `budget` to be a `retryBudget()` or false, got true.'],
    [{ budget: {} }, 'Expected `budget` to be a `retryBudget()` or false, got an object.'],
    [
      { maxRetryAfterMs: -1 },
      'Expected `maxRetryAfterMs` to be a number of milliseconds from 0 to 2147483647, got -1.',
    ],
    [{ jitter: 'some' }, "Expected `jitter` to be 'full', 'equal' or 'decorrelated', got \"some\"."],
    [{ random: 0.5 }, 'Expected `random` to be a function, got 0.5.'],
    [{ onRetry: 'log' }, 'Expected `onRetry` to be a function, got "log".'],
  ])('refuses %o', (options: object, message) => {
    expect(() => jitterRetry(options)).toThrow(new TypeError(message))
  })

  it('has the types of the SDK', () => {
    expectTypeOf(jitterRetry).toEqualTypeOf<(options?: JitterRetryOptions) => Middleware>()
    expectTypeOf(jitterRetry()).toExtend<SdkMiddleware>()
    expectTypeOf<JitterRetryOptions['onRetry']>().toEqualTypeOf<((event: RetryEvent) => void) | undefined>()
    expectTypeOf<keyof NonNullable<JitterRetryOptions['policy']>>().toEqualTypeOf<Category>()
    expect(jitterRetry().name).toBe('jitterRetry')
  })
})
