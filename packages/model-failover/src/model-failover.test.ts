import { getEventListeners } from 'node:events'
import Anthropic from '@anthropic-ai/sdk'
import { carryClassification, classifyOutcome } from '@breakwater/classify'
import {
  BreakwaterError,
  callOf,
  createFetch,
  discard,
  send,
  sleep,
  targetsLeft,
  type Middleware,
} from '@breakwater/core'
import { params, seams } from '@breakwater/testing'
import { fakeFetch, type Reply } from '@breakwater/testkit'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { modelFailover } from './model-failover.ts'
import { asked, byModel, primary, second, setUp, settle, third } from './testing/set-up.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => {
  expect(vi.getTimerCount()).toBe(0)
  vi.useRealTimers()
})

describe.each(seams)('modelFailover, by %s', (seam, clientOf) => {
  const isSdkSeam = seam === 'middleware'

  it('hands on the very response of the primary', async () => {
    const seen: Response[] = []
    const look: Middleware = async (request, next) => {
      const response = await next(request)
      seen.push(response)
      return response
    }
    const { client, models, events } = setUp(clientOf, [], { outside: [look], inside: [look] })
    const { response } = await client.messages.create(asked).withResponse()
    expect(seen[0]).toBe(seen[1])
    expect(response.headers.has('breakwater-served-by')).toBe(false)
    expect([models(), events]).toEqual([[primary], []])
  })

  it.each<[string, Reply]>([
    ['overloaded', 529],
    ['rate_limit', 429],
    ['server_error', 500],
    ['server_error', { status: 502, html: true }],
    ['request_timeout', 408],
    ['connection', { network: 'refused' }],
    ['connection', { network: 'reset' }],
  ])('moves on at once after %s: %j', async (category, reply) => {
    const { client, models, times, events, call } = setUp(clientOf, byModel({ [primary]: reply }))
    const { data, response } = await client.messages.create(asked).withResponse()
    expect(data).toMatchObject({ model: second, type: 'message' })
    expect(response.headers.get('breakwater-served-by')).toBe(second)
    expect([models(), times()]).toEqual([
      [primary, second],
      [0, 0],
    ])
    const status = typeof reply === 'number' ? reply : reply.status
    expect(events).toMatchObject([
      { type: 'cooldown', target: primary, state: 'started', category, cooldownMs: 30_000 },
      { type: 'failover', from: primary, to: second, category, status },
    ])
    expect(call().attempts).toMatchObject([
      { reason: 'initial', model: primary, category },
      { reason: 'failover', model: second, status: 200, category: undefined },
    ])
  })

  it.each<[string, Reply]>([
    ['invalid_request', 400],
    ['authentication', 401],
    ['permission', 403],
    ['not_found', 404],
    ['request_too_large', 413],
    ['conflict', 409],
    ['spend_limit', { status: 429, code: 'contract_spend_limit_reached' }],
    ['context_window', { status: 400, message: 'prompt is too long: 210000 tokens > 200000 maximum' }],
  ])('does not move on after %s', async (_category, reply) => {
    const { send, models, events, fetch } = setUp(clientOf, byModel({ [primary]: reply }))
    const error = (await send()) as InstanceType<typeof Anthropic.APIError>
    expect(error.status).toBe(fetch.requests[0]?.reply?.status)
    expect(error.headers?.has('breakwater-served-by')).toBe(false)
    expect([models(), events]).toEqual([[primary], []])
  })

  it('gives the failure of the last target when all fail, and says what each came to', async () => {
    const script = byModel({
      [primary]: 529,
      [second]: { status: 429, retryAfter: 7 },
      [third]: { status: 503, message: 'third is down', html: undefined },
    })
    const { send, models, events, fetch } = setUp(clientOf, script)
    const error = (await send()) as InstanceType<typeof Anthropic.APIError>
    expect(error).toMatchObject({ status: 503, message: expect.stringContaining('third is down') as string })
    expect(error.headers?.get('breakwater-served-by')).toBe(third)
    expect(error.requestID).toBe(fetch.requests[2]?.reply?.requestId)
    expect(models()).toEqual([primary, second, third])
    expect(events.at(-1)).toEqual({
      type: 'failover_exhausted',
      category: 'server_error',
      targets: [primary, second, third].map((target, index) => ({
        target,
        category: ['overloaded', 'rate_limit', 'server_error'][index],
        status: [529, 429, 503][index],
        requestId: fetch.requests[index]?.reply?.requestId,
      })),
    })
    const moves = events.filter(({ type }) => type === 'failover')
    expect(moves).toMatchObject([{}, { from: second, to: third, waitSavedMs: 7000 }])
  })

  it('gives the very error of the last target', async () => {
    const thrown: unknown[] = []
    const look: Middleware = (request, next) =>
      next(request).catch((error: unknown) => {
        thrown.push(error)
        throw error
      })
    const { send } = setUp(clientOf, () => ({ network: 'refused' }), {
      outside: [look],
      inside: [look],
      to: [second],
    })
    expect(await send()).toBeInstanceOf(Anthropic.APIConnectionError)
    expect(thrown).toHaveLength(3)
    expect(thrown[2]).toBe(thrown[1])
  })

  it('cancels every answer that it does not return', async () => {
    const script = byModel({ [primary]: { status: 529, endless: true, gapMs: 10 } })
    const { send, fetch } = setUp(clientOf, script)
    expect(await send()).toMatchObject({ model: second })
    expect(fetch.requests.map(({ aborted }) => aborted)).toEqual([true, false])
  })

  it('gives a last failure whose body never ends with what came of it', async () => {
    const { send, fetch } = setUp(clientOf, () => ({ status: 529, endless: true, gapMs: 10 }), {
      to: [second],
    })
    expect(await send()).toBeInstanceOf(Anthropic.OverloadedError)
    expect(fetch.requests.map(({ aborted }) => aborted)).toEqual([true, true])
  })

  it('hands the verdict and the ledger line of a last failure on with it', async () => {
    const seen: unknown[] = []
    const look: Middleware = async (request, next, ctx) => {
      const response = await send(request, next, ctx)
      seen.push(await classifyOutcome(response, request, ctx))
      return response
    }
    // As a retry does that has given up.
    const stamp: Middleware = async (request, next, ctx) => {
      const response = await send(request, next, ctx)
      await classifyOutcome(response, request, ctx)
      const headers = new Headers(response.headers)
      headers.delete('request-id')
      const copy = new Response(await response.text(), { status: response.status, headers })
      return carryClassification(response, copy, { retry: 'never' })
    }
    const stack = setUp(clientOf, () => 529, { to: [second], outside: [look], inside: [stamp] })
    await stack.send()
    expect(seen).toMatchObject([{ category: 'overloaded', retry: 'never' }])
    expect(stack.call().attempts).toHaveLength(2)
  })

  it('moves a stream on before its headers, and streams what the next says', async () => {
    const { client, models } = setUp(clientOf, byModel({ [primary]: 529, [second]: { text: 'hello world' } }))
    const stream = client.messages.stream(asked)
    expect(await settle(stream.finalText())).toBe('hello world')
    expect((await stream.withResponse()).response.headers.get('breakwater-served-by')).toBe(second)
    expect(models()).toEqual([primary, second])
  })

  it('never moves a stream whose headers have come', async () => {
    const { client, models, events } = setUp(clientOf, [{ fault: { kind: 'error', at: 'start' } }])
    expect(await settle(client.messages.stream(asked).finalText())).toBeInstanceOf(Error)
    expect([models(), events]).toEqual([[primary], []])
  })

  it('leaves alone what asks for no model, or for that of its only target', async () => {
    const { client, fetch, events } = setUp(clientOf, () => 529, { to: [third] })
    await settle(client.models.list())
    await settle(client.messages.create({ ...params, model: third }))
    expect([fetch.requests.length, events]).toEqual([2, []])
  })

  describe('not_found', () => {
    it('moves on when asked to, and says so loudly each time', async () => {
      const { send, models, lines } = setUp(clientOf, byModel({ [primary]: 404 }), {
        notFound: true,
        cooldownMs: 0,
      })
      expect(await send()).toMatchObject({ model: second })
      await send()
      expect(models()).toEqual([primary, second, primary, second])
      expect(lines.filter(([level]) => level === 'error')).toMatchObject([
        ['error', expect.stringContaining(primary)],
        ['error', expect.stringContaining('not_found')],
      ])
    })
  })

  describe('when', () => {
    it('decides in place of the default, knowing who comes next', async () => {
      const when = vi.fn(({ category }: { category: string }) => category === 'invalid_request')
      const { send, models } = setUp(clientOf, byModel({ [primary]: 400, [second]: 529 }), { when })
      expect(await send()).toBeInstanceOf(Anthropic.OverloadedError)
      expect(models()).toEqual([primary, second])
      expect(when.mock.calls).toMatchObject([
        [{ category: 'invalid_request' }, { from: primary, to: second }],
        [{ category: 'overloaded' }, { from: second, to: third }],
      ])
    })

    it.each<[string, () => boolean]>([
      [
        'throws',
        () => {
          throw new Error('a bug')
        },
      ],
      ['gives no boolean', () => undefined as unknown as boolean],
    ])('is logged when it %s, and the default decides', async (_name, when) => {
      const { send, lines } = setUp(clientOf, byModel({ [primary]: 529 }), { when })
      expect(await send()).toMatchObject({ model: second })
      expect(lines.map(([level, text]) => [level, text])).toEqual([
        ['warn', expect.stringContaining('`when`')],
      ])
    })

    it('is not asked about an abort', async () => {
      const when = vi.fn(() => true)
      const { client, models } = setUp(clientOf, () => ({ network: 'hang' }), { when })
      const controller = new AbortController()
      const error = client.messages
        .create(asked, { signal: controller.signal })
        .catch((thrown: unknown) => thrown)
      await vi.advanceTimersByTimeAsync(5)
      controller.abort()
      expect(await error).toBeInstanceOf(Anthropic.APIUserAbortError)
      expect([models(), when.mock.calls]).toEqual([[primary], []])
    })
  })

  describe('a hint that is too long', () => {
    it.each([
      [60, [primary]],
      [61, [primary, second]],
    ])('moves the call from %i s on', async (retryAfter, expected) => {
      // A verdict that says no: only the hint speaks for another target.
      const reply = { status: 409, retryAfter }
      const { send, models } = setUp(clientOf, byModel({ [primary]: reply }))
      await send()
      expect(models()).toEqual(expected)
    })

    it('obeys maxRetryAfterMs', async () => {
      const { send, models } = setUp(clientOf, byModel({ [primary]: { status: 409, retryAfter: 1 } }), {
        maxRetryAfterMs: 0,
      })
      await send()
      expect(models()).toEqual([primary, second])
    })
  })

  describe('the caller’s abort', () => {
    it.each<[string, Reply, number]>([
      ['during the first try', { network: 'hang' }, 1],
      ['while an error body is read', { status: 500, endless: true, gapMs: 100 }, 1],
    ])('ends the call %s', async (_name, reply, requests) => {
      const { client, fetch, events } = setUp(clientOf, () => reply)
      const controller = new AbortController()
      let error: unknown
      void client.messages
        .create(asked, { signal: controller.signal })
        .catch((thrown: unknown) => (error = thrown))
      await vi.advanceTimersByTimeAsync(300)
      expect(error).toBeUndefined()
      controller.abort()
      await vi.advanceTimersByTimeAsync(0)
      expect(error).toBeInstanceOf(Anthropic.APIUserAbortError)
      expect([fetch.requests.length, events]).toEqual([requests, []])
    })

    it('ends the call during the second try', async () => {
      const { client, fetch } = setUp(clientOf, byModel({ [primary]: 529, [second]: { network: 'hang' } }))
      const controller = new AbortController()
      const error = client.messages
        .create(asked, { signal: controller.signal })
        .catch((thrown: unknown) => thrown)
      await vi.advanceTimersByTimeAsync(5)
      controller.abort()
      expect(await error).toBeInstanceOf(Anthropic.APIUserAbortError)
      expect(fetch.requests).toHaveLength(2)
    })

    it('reaches the body of an answer', async () => {
      const { client, fetch } = setUp(clientOf, byModel({ [primary]: 529, [second]: { gapMs: 1000 } }))
      const controller = new AbortController()
      const stream = await client.messages.create({ ...asked, stream: true }, { signal: controller.signal })
      const reading = (async () => {
        for await (const event of stream) controller.abort(event.type)
      })()
      await settle(reading)
      expect(fetch.requests[1]).toMatchObject({ aborted: true })
    })
  })

  describe('targetsLeft', () => {
    it('counts down before each try, and is what it was when it is over', async () => {
      const seen: unknown[] = []
      const look: Middleware = (request, next, ctx) => {
        seen.push(targetsLeft.get(callOf(request, ctx)))
        return next(request)
      }
      const { send, call } = setUp(clientOf, () => 529, { inside: [look] })
      await send()
      expect([seen, targetsLeft.get(call())]).toEqual([[2, 1, 0], 0])
    })

    it('counts only those that fit, once the body is known', async () => {
      const seen: unknown[] = []
      const look: Middleware = (request, next, ctx) => {
        seen.push(targetsLeft.get(callOf(request, ctx)))
        return next(request)
      }
      const { send } = setUp(clientOf, byModel({ [primary]: 529 }), {
        inside: [look],
        windows: { [third]: 1 },
      })
      await send()
      expect(seen).toEqual([2, 0])
    })

    it('is put back also where somebody inside throws', async () => {
      const broken: Middleware = () => {
        throw new Error('a bug')
      }
      const { send, call } = setUp(clientOf, [], { inside: [broken] })
      await send()
      expect(targetsLeft.get(call())).toBe(0)
    })
  })

  describe('an open circuit', () => {
    class CircuitOpenError extends BreakwaterError {}
    it.each<[string, () => Promise<Response>]>([
      [
        'as an error',
        () =>
          Promise.reject(
            new CircuitOpenError('open', {
              code: 'circuit_open',
              category: 'circuit_open',
              retryAfterMs: 5000,
            }),
          ),
      ],
      [
        'as a response',
        () => {
          const error = { type: 'api_error', message: 'open', details: { error_code: 'circuit_open' } }
          const headers = {
            'content-type': 'application/json',
            'x-should-retry': 'false',
            'retry-after': '5',
          }
          return Promise.resolve(
            new Response(JSON.stringify({ type: 'error', error }), { status: 503, headers }),
          )
        },
      ],
    ])('%s moves the call at once, and cools nothing down', async (_name, outcome) => {
      const breaker: Middleware = (request, next) =>
        String(request.body).includes(primary) ? outcome() : next(request)
      const { send, models, times, events, subject } = setUp(clientOf, [], { inside: [breaker] })
      expect(await send()).toMatchObject({ model: second })
      expect([models(), times()]).toEqual([[second], [0]])
      expect(events).toMatchObject([{ type: 'failover', category: 'circuit_open', waitSavedMs: 5000 }])
      expect(subject.snapshot()).toEqual([])
    })
  })

  describe('the SDK’s own retries', () => {
    it('go on where the call was, not at the primary that has failed', async () => {
      const { send, models } = setUp(clientOf, () => 529, { maxRetries: 1, cooldownMs: 0, to: [second] })
      await send()
      // Under `createFetch` each retry of the SDK is a call of its own.
      expect(models()).toEqual(
        isSdkSeam ? [primary, second, second, primary] : [primary, second, primary, second],
      )
    })

    it('get their answer from the target that answers by then', async () => {
      let isBack = false
      const script = byModel({ [primary]: 529 })
      const { send, models, events } = setUp(
        clientOf,
        (request) =>
          request.model === second
            ? isBack
              ? 200
              : ((isBack = true), 529)
            : (script as (r: typeof request) => Reply)(request),
        { maxRetries: 2, to: [second] },
      )
      expect(await send()).toMatchObject({ model: second })
      if (isSdkSeam) expect(models()).toEqual([primary, second, second])
      expect(events.at(-1)).toMatchObject({ type: 'cooldown', target: second, state: 'ended' })
    })

    it('go to the next target when the SDK’s own timer has ended the first', async () => {
      const { send, models } = setUp(clientOf, byModel({ [primary]: { network: 'hang' } }), {
        timeout: 1000,
        maxRetries: 1,
        cooldownMs: 0,
      })
      const outcome = await send()
      expect(models()).toEqual(isSdkSeam ? [primary, second] : [primary, primary])
      if (isSdkSeam) expect(outcome).toMatchObject({ model: second })
    })
  })

  it('passes the deadline on to nobody who comes after it', async () => {
    const late: Middleware = async (request, next, ctx) => {
      callOf(request, ctx).deadline = performance.now() + 50
      await sleep(60)
      return next(request)
    }
    const { send, models } = setUp(clientOf, () => 529, { inside: [late] })
    await send()
    expect(models()).toEqual([primary])
  })

  it('keeps 100 calls at once apart', async () => {
    const { client, models } = setUp(clientOf, byModel({ [primary]: { status: 529, delayMs: 50 } }))
    const calls = Array.from({ length: 100 }, () => client.messages.create(asked))
    const outcomes = (await settle(Promise.all(calls))) as Anthropic.Message[]
    expect(outcomes.every(({ model }) => model === second)).toBe(true)
    expect(models().filter((model) => model === primary)).toHaveLength(100)
    await Promise.all(Array.from({ length: 100 }, () => client.messages.create(asked)))
    expect(models().filter((model) => model === primary)).toHaveLength(100)
  })

  it('lets credential exchanges and a discarded answer alone', async () => {
    const { client, fetch } = setUp(clientOf, [])
    const response = await client.messages.create(asked).asResponse()
    discard(response)
    expect(fetch.requests).toHaveLength(1)
  })
})

describe('modelFailover around a plain fetch', () => {
  it.each<[string, Reply]>([
    ['during a try', { network: 'hang' }],
    ['while an error body is read', { status: 529, endless: true, gapMs: 100 }],
  ])('rejects with the reason of the signal, and leaves no listener, %s', async (_name, reply) => {
    const upstream = fakeFetch({ script: () => reply })
    const fetch = createFetch(modelFailover({ to: [second] }), { fetch: upstream })
    const controller = new AbortController()
    const outcome = fetch('https://api.anthropic.com/v1/messages', {
      method: 'POST',
      body: JSON.stringify(asked),
      signal: controller.signal,
    }).catch((thrown: unknown) => thrown)
    await vi.advanceTimersByTimeAsync(100)
    const reason = new Error('the user left')
    controller.abort(reason)
    expect(await outcome).toBe(reason)
    expect(upstream.requests).toMatchObject([{ aborted: true }])
    expect(getEventListeners(controller.signal, 'abort')).toEqual([])
  })
})
