import { classification, classifyOutcome, type Classification } from '@breakwater/classify'
import { attemptOf, callOf, circuitKey, wake, type Attempt, type Middleware } from '@breakwater/core'
import { params, seams } from '@breakwater/testing'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { decide, newTally } from './decide.ts'
import { jitterRetry } from './jitter-retry.ts'
import { settingsOf } from './options.ts'
import { retryBudget } from './retry-budget.ts'
import { countRetries, sdkRetries } from './retry-count.ts'
import { createSessions } from './sessions.ts'
import { setUp, settle } from './testing/set-up.ts'

const request = {
  url: 'https://api.anthropic.com/v1/messages',
  method: 'POST',
  headers: new Headers(),
  body: JSON.stringify(params),
}
const contextOf = () => ({
  logger: console,
  parse: () => Promise.reject(new Error('not here')),
  options: { method: 'post', path: '/v1/messages' } as const,
})

beforeEach(() => void vi.useFakeTimers())
afterEach(() => {
  expect(vi.getTimerCount()).toBe(0)
  vi.useRealTimers()
})

describe.each(seams)('what jitterRetry gives up, by %s', (_, clientOf) => {
  it('is final for all who stand outside, and stands for the attempt that it came from', async () => {
    const seen: (Classification | Attempt | string | null | undefined)[] = []
    const look: Middleware = async (sent, next, ctx) => {
      const response = await next(sent)
      seen.push(await classifyOutcome(response, sent, ctx), attemptOf(response))
      seen.push(response.headers.get('x-should-retry'))
      return response
    }
    const { send } = setUp(clientOf, [500, 500], { outside: [look] })
    await send()
    expect(seen).toMatchObject([
      { category: 'server_error', retry: 'never' },
      { reason: 'retry', status: 500 },
      'false',
    ])
  })
})

describe('the budget', () => {
  const [, clientOf] = seams[0]!

  it('gets a part back for a first try that succeeds, and nothing for one that the caller has to mend', async () => {
    const budget = retryBudget({ capacity: 10 })
    for (let taken = 0; taken < 10; taken++) budget.take()
    const { send } = setUp(clientOf, [400, 404, 200], { budget })
    await send()
    await send()
    expect(budget.left).toBe(0)
    await send()
    expect(budget.left).toBe(0.2)
  })

  it('gets no more than that for a connection that was tried again for nothing', () => {
    const settings = settingsOf({ budget: retryBudget({ capacity: 9 }) })
    const tally = newTally()
    const circumstances = {
      isReplayable: true,
      isStale: false,
      hasTarget: false,
      remainingMs: Infinity,
      openMs: undefined,
    }
    tally.sent = 1
    expect(decide(classification('overloaded'), circumstances, tally, settings).retry).toBe(true)
    expect([tally.charged, tally.retries]).toEqual([true, 1])
    tally.sent = 2
    const stale = classification('connection', { replay: 'ambiguous' })
    expect(decide(stale, { ...circumstances, isStale: true }, tally, settings)).toEqual({
      retry: true,
      waitMs: 0,
      reason: 'stale_socket',
    })
    expect([tally.charged, tally.retries]).toEqual([false, 2])
  })
})

describe('a failing response whose body somebody reads already', () => {
  it('is handed on as it is', async () => {
    const response = new Response('{}', { status: 529 })
    response.body?.getReader()
    const subject = jitterRetry({ policy: { overloaded: { retries: 0 } } })
    expect(await subject(request, () => Promise.resolve(response), contextOf())).toBe(response)
  })
})

describe('a wait', () => {
  it('for a rate limit is not ended by a circuit that closes', async () => {
    const [, clientOf] = seams[0]!
    const name: Middleware = (sent, next, ctx) => {
      circuitKey.set(callOf(sent, ctx), 'a circuit')
      return next(sent)
    }
    const { client, times } = setUp(clientOf, [429], { inside: [name] })
    const calling = client.messages.create(params)
    await vi.advanceTimersByTimeAsync(500)
    wake('a circuit')
    await settle(calling)
    expect(times()).toEqual([0, 1000])
  })
})

describe('sessions', () => {
  it('keeps what one target has answered from all others', () => {
    const sessions = createSessions()
    const [first, second] = [contextOf(), contextOf()]
    const call = callOf(request, first)
    const session = { ctx: first, tally: newTally(), final: undefined }
    sessions.keep(call, request, session)
    expect(sessions.resume(call, request, first)).toBeUndefined()
    expect(sessions.resume(call, request, second)).toBe(session)
    expect(session.tally.resumed).toBe(1)
    const others = [
      { ...request, url: 'https://other.test/v1/messages' },
      { ...request, body: JSON.stringify({ ...params, model: 'claude-opus-5-5' }) },
    ]
    for (const other of others) expect(sessions.resume(callOf(other, first), other, second)).toBeUndefined()
    expect(createSessions().resume(call, request, second)).toBeUndefined()
  })
})

describe('the count of retries', () => {
  const withCount = (value?: string) => ({
    ...request,
    headers: new Headers(value === undefined ? {} : { 'x-stainless-retry-count': value }),
  })

  it.each([
    [undefined, undefined],
    ['0', 0],
    ['3', 3],
    ['-1', undefined],
    ['1.5', undefined],
    ['many', undefined],
  ])('of the SDK is read from %s: %s', (value, expected) => {
    expect(sdkRetries(withCount(value))).toBe(expected)
  })

  it('changes no request that nobody has to know more of', () => {
    for (const sent of [withCount(), withCount('0'), withCount('2')]) {
      expect(countRetries(sent)).toBe(sent)
      expect(countRetries(sent, newTally())).toBe(sent)
    }
    const tally = { ...newTally(), sent: 3, resumed: 1 }
    expect(countRetries(withCount(), tally).headers.has('x-stainless-retry-count')).toBe(false)
    const sent = withCount('1')
    expect(countRetries(sent, tally).headers.get('x-stainless-retry-count')).toBe('3')
    // That of everybody outside stays.
    expect(sent.headers.get('x-stainless-retry-count')).toBe('1')
  })
})
