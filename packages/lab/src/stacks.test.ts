import Anthropic from '@anthropic-ai/sdk'
import { classify, type Failure } from '@breakwater/classify'
import { callOf, type Call, type Middleware } from '@breakwater/core'
import { jitterRetry } from '@breakwater/jitter-retry'
import { fakeFetch, type Script } from '@breakwater/testkit'
import { params, seams, type SeamParts } from '@breakwater/testing'
import { timeout, type TimeoutOptions } from '@breakwater/timeout'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'

/** The parts of a stack; each test makes them anew. */
type Part = 'classify' | 'retry' | 'timeout'

const orders: readonly (readonly Part[])[] = [
  ['classify', 'retry', 'timeout'],
  ['classify', 'timeout', 'retry'],
  ['retry', 'classify', 'timeout'],
  ['retry', 'timeout', 'classify'],
  ['timeout', 'classify', 'retry'],
  ['timeout', 'retry', 'classify'],
]

interface Outcome {
  readonly value: unknown
  readonly times: number[]
  readonly call: Call
  readonly failures: readonly Failure[]
  /** When it was over, in milliseconds. */
  readonly endedAt: number
}

interface Options extends TimeoutOptions, Pick<SeamParts, 'timeout' | 'maxRetries'> {
  readonly signal?: AbortSignal
}

/** Plays a script to a stack on fake time, with the longest waits that jitter can draw. */
async function play(
  clientOf: (parts: SeamParts) => Anthropic,
  order: readonly Part[],
  script: Script,
  { timeout: sdkTimeout, maxRetries, signal, ...limits }: Options = {},
): Promise<Outcome> {
  const fetch = fakeFetch({ script })
  const failures: Failure[] = []
  let call: Call | undefined
  const look: Middleware = (request, next, ctx) => {
    call = callOf(request, ctx)
    return next(request)
  }
  const parts: Record<Part, Middleware> = {
    classify: classify({ onFailure: (failure) => failures.push(failure) }),
    retry: jitterRetry({ random: () => 1 }),
    timeout: timeout({ attemptMs: 5_000, ...limits }),
  }
  const client = clientOf({
    middleware: [look, ...order.map((part) => parts[part])],
    fetch,
    ...(sdkTimeout !== undefined && { timeout: sdkTimeout }),
    ...(maxRetries !== undefined && { maxRetries }),
  })
  const startedAt = Date.now()
  const end: { at?: number } = {}
  const value = client.messages
    .create(params, signal && { signal })
    .catch((error: unknown) => error)
    .finally(() => (end.at = Date.now() - startedAt))
  while (end.at === undefined) await vi.advanceTimersToNextTimerAsync()
  if (call === undefined) throw new Error('The call has no state.')
  return {
    value: await value,
    times: fetch.requests.map(({ at }) => Math.round(at)),
    call,
    failures,
    endedAt: end.at,
  }
}

describe.each(seams)('a stack, by %s', (seam, clientOf) => {
  beforeEach(() => void vi.useFakeTimers())
  afterEach(() => {
    expect(vi.getTimerCount()).toBe(0)
    vi.useRealTimers()
  })

  describe.each(orders.map((order) => [order.join(' > '), order] as const))('%s', (_, order) => {
    it.each<[string, Script, number, unknown]>([
      ['a success', [], 1, { type: 'message' }],
      ['a 400', [400], 1, { status: 400 }],
      ['a 401', [401], 1, { status: 401 }],
      ['a spend limit', [{ status: 429, code: 'enforced_spend_limit_reached' }], 1, { status: 429 }],
      ['a 500 that passes', [500], 2, { type: 'message' }],
      ['a 500 that stays', [{ status: 500, repeat: 'forever' }], 2, { status: 500 }],
      ['a mixture', [500, 529, 429], 4, { type: 'message' }],
      ['a reset', [{ network: 'reset' }], 2, { type: 'message' }],
      ['a refusal that stays', [{ network: 'refused', repeat: 'forever' }], 4, {}],
      ['a hint that is too long', [{ status: 429, retryAfter: 403_973 }], 1, { status: 429 }],
    ])('answers %s, and the ledger has what upstream saw', async (_name, script, requests, value) => {
      const limits = { attemptMs: 60_000, totalMs: 600_000 }
      const { times, call, value: got } = await play(clientOf, order, script, limits)
      expect(times).toHaveLength(requests)
      expect(got).toMatchObject(value as object)
      expect(call.attempts).toHaveLength(requests)
    })

    it('waits no longer than the deadline leaves', async () => {
      const outcome = await play(clientOf, order, [{ status: 529, repeat: 'forever' }], {
        attemptMs: 60_000,
        totalMs: 10_000,
      })
      // The first patient wait is 5 s, the second would be 15.
      expect(outcome.times).toEqual([0, 5_000])
      expect(outcome.endedAt).toBe(5_000)
      expect(outcome.value).toMatchObject({ status: 529 })
    })

    it('ends at the deadline, and sends nothing after it', async () => {
      const hang: Script = [{ network: 'hang', repeat: 'forever' }]
      const outcome = await play(clientOf, order, hang, { attemptMs: 60_000, totalMs: 10_000 })
      expect(outcome).toMatchObject({ times: [0], endedAt: 10_000 })
      expect(outcome.value).toBeInstanceOf(Anthropic.APIConnectionTimeoutError)
      expect(outcome.call.attempts).toHaveLength(1)
    })

    it('tries again after the limit of an attempt, where the retry stands outside', async () => {
      const outcome = await play(clientOf, order, [{ network: 'hang' }])
      const isOutside = order.indexOf('retry') < order.indexOf('timeout')
      expect(outcome.times).toEqual(isOutside ? [0, 6_000] : [0])
      expect(outcome.call.attempts).toHaveLength(outcome.times.length)
      if (isOutside) expect(outcome.value).toMatchObject({ type: 'message' })
      else expect(outcome.value).toBeInstanceOf(Anthropic.APIConnectionTimeoutError)
    })

    it('makes two tries of an API that hangs, where the retry stands outside', async () => {
      const { times } = await play(clientOf, order, [{ network: 'hang', repeat: 'forever' }])
      expect(times).toHaveLength(order.indexOf('retry') < order.indexOf('timeout') ? 2 : 1)
    })

    it('tries again after the SDK’s own time-out, where a timeout inside keeps the next try healthy', async () => {
      const { times, value } = await play(clientOf, order, [{ network: 'hang' }], { timeout: 3_000 })
      const heals = seam === 'middleware' && order.indexOf('retry') < order.indexOf('timeout')
      expect(times).toEqual(heals ? [0, 4_000] : [0])
      if (heals) expect(value).toMatchObject({ type: 'message' })
      else expect(value).toBeInstanceOf(Anthropic.APIConnectionTimeoutError)
    })

    it('is over at once when the caller aborts, in a try and in a wait', async () => {
      for (const [script, at] of [
        [[{ network: 'hang' }], 100],
        [[529], 2_000],
      ] as const) {
        const controller = new AbortController()
        setTimeout(() => controller.abort(), at)
        const outcome = await play(clientOf, order, script, { signal: controller.signal })
        expect(outcome).toMatchObject({ times: [0], endedAt: at })
        expect(outcome.value).toBeInstanceOf(Anthropic.APIUserAbortError)
      }
    })
  })
})
