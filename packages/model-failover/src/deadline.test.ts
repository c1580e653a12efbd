import { getEventListeners } from 'node:events'
import Anthropic from '@anthropic-ai/sdk'
import { carryClassification, classifyOutcome } from '@breakwater/classify'
import {
  callOf,
  createFetch,
  remainingMs,
  setDeadline,
  sleep,
  tapped,
  type Middleware,
} from '@breakwater/core'
import { seams } from '@breakwater/testing'
import { fakeFetch, type Reply } from '@breakwater/testkit'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { modelFailover } from './model-failover.ts'
import { lowerDeadline, shareMs } from './reserve.ts'
import { asked, byModel, primary, second, setUp, settle, third } from './testing/set-up.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => {
  expect(vi.getTimerCount()).toBe(0)
  vi.useRealTimers()
})

/** Sets the deadline of the call, as `timeout({ totalMs })` does. */
const within =
  (ms: number): Middleware =>
  (request, next, ctx) => {
    const call = callOf(request, ctx)
    setDeadline(call, call.startedAt + ms)
    return next(request)
  }

const hang: Reply = { network: 'hang' }

describe.each(seams)('modelFailover with a deadline, by %s', (_seam, clientOf) => {
  it('keeps time for the last target, and cancels the one that hangs', async () => {
    const seen: number[] = []
    const look: Middleware = (request, next, ctx) => {
      seen.push(Math.round(remainingMs(callOf(request, ctx))))
      return next(request)
    }
    const { send, models, times, fetch, events, call } = setUp(
      clientOf,
      byModel({ [primary]: hang, [second]: hang }),
      {
        outside: [within(60_000)],
        inside: [look],
      },
    )
    expect(await send()).toMatchObject({ model: third })
    expect([models(), times()]).toEqual([
      [primary, second, third],
      [0, 50_000, 55_000],
    ])
    // What a retry inside can plan with; the last has all that is left.
    expect(seen).toEqual([50_000, 5_000, 5_000])
    expect(fetch.requests.map(({ aborted }) => aborted)).toEqual([true, true, false])
    expect(events.filter(({ type }) => type === 'failover')).toMatchObject([{ category: 'timeout' }, {}])
    expect(call().attempts.map(({ category }) => category)).toEqual(['timeout', 'timeout', undefined])
    expect(remainingMs(call())).toBe(5_000)
  })

  it.each([
    [10_000, 0, undefined],
    [10_000, 2_000, 8_000],
    [10_000, 9_000, 5_000],
  ])('of %i ms keeps %i ms back, at most half', async (totalMs, reserveMs, at) => {
    const { send, times } = setUp(clientOf, byModel({ [primary]: { status: 529, delayMs: 9_500 } }), {
      outside: [within(totalMs)],
      reserveMs,
      to: [second],
    })
    await send()
    expect(times()).toEqual([0, at ?? 9_500])
  })

  it('starts nothing after it', async () => {
    const { send, models, events } = setUp(clientOf, () => ({ status: 529, delayMs: 200 }), {
      outside: [within(100)],
      reserveMs: 0,
    })
    expect(await send()).toBeInstanceOf(Anthropic.OverloadedError)
    expect(models()).toEqual([primary])
    expect(events.map(({ type }) => type)).toEqual(['cooldown'])
  })

  it('that is over already leaves to refuse to whoever set it', async () => {
    const { send, models } = setUp(clientOf, [{ delayMs: 50 }], { outside: [within(-1)] })
    expect(await send()).toMatchObject({ model: primary })
    expect(models()).toEqual([primary])
  })

  it('knows one that somebody inside sets, for a retry inside to plan with', async () => {
    const seen: number[] = []
    const retry: Middleware = async (request, next, ctx) => {
      const sending = next(request)
      await sending.catch(() => {})
      seen.push(Math.round(remainingMs(callOf(request, ctx))))
      return sending
    }
    const { send, call, models } = setUp(clientOf, byModel({ [primary]: { status: 529, delayMs: 1_000 } }), {
      inside: [retry, within(60_000)],
    })
    await send()
    expect(seen).toEqual([49_000, 49_000])
    expect(models()).toEqual([primary, second])
    expect(remainingMs(call())).toBe(59_000)
  })

  it('cuts a hanging target off also where somebody inside sets it, once that was seen', async () => {
    const { send, models, times, call } = setUp(clientOf, byModel({ [primary]: hang }), {
      inside: [within(60_000)],
      to: [second],
      cooldownMs: 0,
    })
    await send({ signal: AbortSignal.timeout(1) }).catch(() => {})
    expect(models()).toEqual([primary])
    const from = performance.now()
    expect(await send()).toMatchObject({ model: second })
    expect(times().slice(1)).toEqual([from, from + 50_000])
    expect(remainingMs(call())).toBe(10_000)
  })

  it('gives the failure itself where it has left the last that was to come', async () => {
    const { send, models } = setUp(clientOf, byModel({ [primary]: hang }), {
      outside: [within(10_000)],
      to: [second],
      windows: { [second]: 1 },
    })
    const error = await send()
    expect(models()).toEqual([primary])
    // It came out of the `fetch`, as any other failure of the network.
    expect(error).toBeInstanceOf(Anthropic.APIConnectionError)
    expect(error).toMatchObject({ cause: { category: 'timeout', code: 'target_left' } })
  })

  it('ends at once when the caller aborts, and tells the body too', async () => {
    const { client, fetch } = setUp(clientOf, byModel({ [primary]: { gapMs: 1_000 } }), {
      outside: [within(60_000)],
    })
    const controller = new AbortController()
    const stream = await client.messages.create({ ...asked, stream: true }, { signal: controller.signal })
    const reading = (async () => {
      for await (const event of stream) controller.abort(event.type)
    })()
    await settle(reading)
    expect(fetch.requests).toMatchObject([{ aborted: true }])
  })

  it('ends while the primary hangs when the caller aborts', async () => {
    const { client, fetch } = setUp(clientOf, () => hang, { outside: [within(60_000)] })
    const controller = new AbortController()
    const error = client.messages
      .create(asked, { signal: controller.signal })
      .catch((thrown: unknown) => thrown)
    await vi.advanceTimersByTimeAsync(100)
    controller.abort()
    await vi.advanceTimersByTimeAsync(1)
    expect(await error).toBeInstanceOf(Anthropic.APIUserAbortError)
    expect(fetch.requests).toMatchObject([{ aborted: true }])
  })

  it('hands a long answer on that began in time', async () => {
    const { client } = setUp(
      clientOf,
      byModel({ [primary]: { gapMs: 5_000, text: 'hello world, a long text' } }),
      {
        outside: [within(20_000)],
      },
    )
    expect(await settle(client.messages.stream(asked).finalText())).toBe('hello world, a long text')
  })
})

describe('the deadline in a plain fetch', () => {
  const sendTo = async (fetch: typeof globalThis.fetch, signal: AbortSignal): Promise<void> => {
    const response = await fetch('https://api.anthropic.com/v1/messages', {
      method: 'POST',
      body: JSON.stringify(asked),
      signal,
    })
    await response.text()
  }

  it.each<[string, Middleware[]]>([
    ['alone', []],
    ['with somebody inside who watches the bodies', [async (request, next) => tapped(await next(request))]],
  ])('leaves no listener on a shared signal when the bodies have ended, %s', async (_name, inside) => {
    const upstream = fakeFetch({ script: byModel({ [primary]: 529 }) })
    const fetch = createFetch([within(60_000), modelFailover({ to: [second] }), ...inside], {
      fetch: upstream,
    })
    const { signal } = new AbortController()
    for (let index = 0; index < 20; index++) await sendTo(fetch, signal)
    expect(getEventListeners(signal, 'abort')).toEqual([])
  })

  it('keeps the verdict of somebody inside', async () => {
    const inside: Middleware = async (request, next, ctx) => {
      const response = await next(request)
      await classifyOutcome(response, request, ctx)
      const copy = new Response(await response.text(), response)
      return carryClassification(response, copy, { failover: false })
    }
    const upstream = fakeFetch({ script: () => 529 })
    const fetch = createFetch([within(60_000), modelFailover({ to: [second] }), inside], { fetch: upstream })
    await sendTo(fetch, new AbortController().signal)
    expect(upstream.requests).toHaveLength(1)
  })

  it('does not wait for a respond that hangs', async () => {
    const upstream = fakeFetch({ script: () => 529 })
    const respond = async () => {
      await sleep(30_000)
      return 'late'
    }
    const fetch = createFetch(
      [within(20_000), modelFailover({ to: [{ respond }, { respond: () => 'soon' }] })],
      {
        fetch: upstream,
      },
    )
    const fetching = fetch('https://api.anthropic.com/v1/messages', {
      method: 'POST',
      body: JSON.stringify(asked),
    })
    await vi.advanceTimersByTimeAsync(10_001)
    expect(await (await fetching).json()).toMatchObject({ content: [{ text: 'soon' }] })
    await vi.advanceTimersByTimeAsync(30_000)
  })
})

describe('shareMs and lowerDeadline', () => {
  it.each([
    [60_000, 10_000, 50_000],
    [10_000, 10_000, 5_000],
    [1, 10_000, 0.5],
    [60_000, 0, 60_000],
  ])('of %f ms with %i in reserve give %f', (leftMs, reserveMs, expected) => {
    expect(shareMs(leftMs, reserveMs)).toBe(expected)
  })

  it('put back what they changed, and nothing else', async () => {
    const request = { url: 'https://e.com', headers: new Headers() }
    const ctx = { logger: console, parse: () => Promise.reject(new Error('not here')) }
    const call = callOf(request, ctx)
    expect(lowerDeadline(call, 10)).toBeUndefined()
    expect(call.deadline).toBeUndefined()
    const at = performance.now() + 100
    call.deadline = at
    const restore = lowerDeadline(call, 10)
    expect(call.deadline).toBe(at - 10)
    restore?.()
    expect(call.deadline).toBe(at)
    const again = lowerDeadline(call, 10)
    setDeadline(call, at - 50)
    again?.()
    expect(call.deadline).toBe(at - 50)
  })
})
