import Anthropic from '@anthropic-ai/sdk'
import { afterEach, describe, expect, it, vi } from 'vitest'
import {
  activeSignal,
  callerSignal,
  callOf,
  createCallKey,
  remainingMs,
  setDeadline,
  spentSignal,
  targetsLeft,
  type Call,
} from './call.ts'
import { createFetch } from './create-fetch.ts'
import type { Middleware } from './middleware.ts'
import { testContext, testRequest } from './testing/context.ts'
import { circuitKey } from './wake.ts'

const params = { model: 'm', max_tokens: 1, messages: [{ role: 'user' as const, content: 'hi' }] }
const message = { id: 'msg_1', type: 'message', role: 'assistant', content: [], model: 'm', usage: {} }

/** Writes down the call state that it sees. */
function looks(calls: Call[]): Middleware {
  return (request, next, ctx) => {
    calls.push(callOf(request, ctx))
    return next(request)
  }
}

describe('callOf', () => {
  afterEach(() => vi.useRealTimers())

  it('is the same for all middleware of a call, and through the SDK’s own retries', async () => {
    vi.useFakeTimers()
    const calls: Call[] = []
    let requests = 0
    const client = new Anthropic({
      apiKey: 'test',
      maxRetries: 2,
      middleware: [looks(calls), looks(calls)],
      fetch: () =>
        Promise.resolve(requests++ < 2 ? Response.json({}, { status: 529 }) : Response.json(message)),
    })
    const answer = client.messages.create(params)
    await vi.runAllTimersAsync()
    await answer
    expect(requests).toBe(3)
    expect(calls).toHaveLength(6)
    expect(new Set(calls).size).toBe(1)
  })

  it('is another for another call, also where both share one options object', async () => {
    const calls: Call[] = []
    const client = new Anthropic({
      apiKey: 'test',
      middleware: [looks(calls)],
      fetch: () => Promise.resolve(Response.json(message)),
    })
    const options = { method: 'post' as const, path: '/v1/messages', body: params }
    await Promise.all([client.request(options), client.request(options), client.messages.create(params)])
    expect(new Set(calls).size).toBe(3)
  })

  it('stays with every context that it has had, whatever else its options object serves', () => {
    const options = { method: 'post' as const, path: '/v1/messages' }
    const [first, retry, other, otherRetry] = [0, 1, 2, 3].map(() => testContext({ options }))
    const again = testRequest({ headers: { 'x-stainless-retry-count': '1' } })
    const call = callOf(testRequest(), first ?? testContext())
    expect(callOf(again, retry ?? testContext())).toBe(call)
    expect(call.ctx).toBe(retry)
    const second = callOf(testRequest(), other ?? testContext())
    expect(second).not.toBe(call)
    expect(callOf(again, otherRetry ?? testContext())).toBe(second)
    for (const ctx of [first, retry]) expect(ctx && callOf(testRequest(), ctx)).toBe(call)
    for (const ctx of [other, otherRetry]) expect(ctx && callOf(again, ctx)).toBe(second)
  })

  it('is another for every fetch under createFetch', async () => {
    const calls: Call[] = []
    const wrapped = createFetch([looks(calls), looks(calls)], {
      fetch: () => Promise.resolve(new Response()),
    })
    await wrapped('http://test.invalid/')
    await wrapped('http://test.invalid/')
    expect(calls).toHaveLength(4)
    expect(calls[0]).toBe(calls[1])
    expect(calls[2]).toBe(calls[3])
    expect(calls[1]).not.toBe(calls[2])
  })

  it('is shared by two installed copies of this package', async () => {
    const first = await import('./index.ts')
    vi.resetModules()
    const second = await import('./index.ts')
    expect(second.callOf).not.toBe(first.callOf)
    const calls: Call[] = []
    const wrapped = first.createFetch(
      [
        (request, next, ctx) => {
          calls.push(first.callOf(request, ctx))
          first.createCallKey<number>('test.shared').set(first.callOf(request, ctx), 7)
          return first.send(request, next, ctx)
        },
        (request, next, ctx) => {
          calls.push(second.callOf(request, ctx))
          return second.send(request, next, ctx)
        },
      ],
      { fetch: () => Promise.resolve(new Response()) },
    )
    await wrapped('http://test.invalid/')
    expect(calls[0]).toBe(calls[1])
    expect(calls[0]?.attempts).toHaveLength(1)
    expect(second.createCallKey<number>('test.shared').get(calls[0] as Call)).toBe(7)
    const error = new second.BreakwaterError('x', { code: 'x', category: 'unknown' })
    expect(first.isBreakwaterError(error)).toBe(true)
    const events: unknown[] = []
    const stop = first.onEvent((event) => events.push(event))
    second.emit(calls[0] as Call, {
      type: 'failure',
      category: 'overloaded',
      fault: 'provider',
      severity: 'warn',
    })
    stop()
    expect(events).toHaveLength(1)
  })
})

describe('createCallKey', () => {
  it('keeps a value per call and per name', () => {
    const call = newCall()
    const key = createCallKey<string>('test.a')
    expect(key.get(call)).toBeUndefined()
    key.set(call, 'one')
    expect(key.get(call)).toBe('one')
    expect(createCallKey<string>('test.b').get(call)).toBeUndefined()
    expect(key.get(newCall())).toBeUndefined()
  })
})

describe('setDeadline', () => {
  afterEach(() => vi.useRealTimers())

  it('leaves no end to a call without one', () => {
    expect(remainingMs(newCall())).toBe(Infinity)
  })

  it('keeps the earliest, which the clock runs down to 0', () => {
    vi.useFakeTimers()
    const call = newCall()
    setDeadline(call, performance.now() + 1_000)
    setDeadline(call, performance.now() + 5_000)
    expect(remainingMs(call)).toBe(1_000)
    vi.advanceTimersByTime(400)
    expect(remainingMs(call)).toBe(600)
    setDeadline(call, performance.now() + 100)
    expect(remainingMs(call)).toBe(100)
    vi.advanceTimersByTime(500)
    expect(remainingMs(call)).toBe(0)
  })
})

function newCall(): Call {
  return callOf(testRequest(), testContext())
}

describe('the signals of a call', () => {
  const signals = { ofRequest: new AbortController().signal, ofCaller: new AbortController().signal }
  const options = { method: 'post', path: '/v1/messages' } as const

  it('has the caller’s own in the SDK’s seam, and the request’s where nobody can tell', () => {
    const request = testRequest({ signal: signals.ofRequest })
    const sdk = testContext({ options: { ...options, signal: signals.ofCaller } })
    expect(callerSignal(request, sdk)).toBe(signals.ofCaller)
    expect(callerSignal(request, testContext({ options }))).toBeUndefined()
    expect(callerSignal(request, testContext({ options: { ...options, signal: null } }))).toBeUndefined()
    expect(callerSignal(request, testContext())).toBe(signals.ofRequest)
    expect(callerSignal(testRequest({ signal: null }), testContext())).toBeUndefined()
  })

  it('obeys the request’s, until it is said to be spent', () => {
    const aborted = AbortSignal.abort()
    const ctx = testContext({ options: { ...options, signal: signals.ofCaller } })
    expect(activeSignal(testRequest({ signal: signals.ofRequest }), ctx)).toBe(signals.ofRequest)
    expect(activeSignal(testRequest({ signal: null }), ctx)).toBeUndefined()
    const request = testRequest({ signal: aborted })
    // Aborted by somebody whom it is to obey.
    expect(activeSignal(request, ctx)).toBe(aborted)
    spentSignal.set(callOf(request, ctx), AbortSignal.abort())
    expect(activeSignal(request, ctx)).toBe(aborted)
    spentSignal.set(callOf(request, ctx), aborted)
    expect(activeSignal(request, ctx)).toBe(signals.ofCaller)
    expect(activeSignal(testRequest({ signal: signals.ofRequest }), ctx)).toBe(signals.ofRequest)
  })

  it('keeps what middlewares tell each other under names of their own', () => {
    const call = callOf(testRequest(), testContext())
    targetsLeft.set(call, 2)
    spentSignal.set(call, signals.ofRequest)
    circuitKey.set(call, 'a circuit')
    createCallKey<string>('').set(call, 'nobody')
    expect([targetsLeft.get(call), spentSignal.get(call), circuitKey.get(call)]).toEqual([
      2,
      signals.ofRequest,
      'a circuit',
    ])
  })
})
