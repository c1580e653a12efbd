import Anthropic from '@anthropic-ai/sdk'
import { classify } from '@breakwater/classify'
import type { Middleware } from '@breakwater/core'
import { jitterRetry } from '@breakwater/jitter-retry'
import type { Script } from '@breakwater/testkit'
import { seams, type SeamParts } from '@breakwater/testing'
import { timeout, type TimeoutOptions } from '@breakwater/timeout'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { ordersOf, play, type Outcome, type PlayOptions } from './testing/play.ts'

/** The parts of a stack; each test makes them anew. */
type Part = 'classify' | 'retry' | 'timeout'

const orders = ordersOf<Part>(['classify', 'retry', 'timeout'])

interface StackOptions extends TimeoutOptions, PlayOptions {}

/** Plays a script to a stack, with the longest waits that jitter can draw. */
function playStack(
  clientOf: (parts: SeamParts) => Anthropic,
  order: readonly Part[],
  script: Script,
  { timeout: sdkTimeout, maxRetries, signal, ...limits }: StackOptions = {},
): Promise<Outcome> {
  const parts: Record<Part, Middleware> = {
    classify: classify(),
    retry: jitterRetry({ random: () => 1 }),
    timeout: timeout({ attemptMs: 5_000, ...limits }),
  }
  return play(
    clientOf,
    order.map((part) => parts[part]),
    script,
    {
      ...(sdkTimeout !== undefined && { timeout: sdkTimeout }),
      ...(maxRetries !== undefined && { maxRetries }),
      ...(signal !== undefined && { signal }),
    },
  )
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
      const { times, call, value: got } = await playStack(clientOf, order, script, limits)
      expect(times).toHaveLength(requests)
      expect(got).toMatchObject(value as object)
      expect(call.attempts).toHaveLength(requests)
    })

    it('waits no longer than the deadline leaves', async () => {
      const outcome = await playStack(clientOf, order, [{ status: 529, repeat: 'forever' }], {
        attemptMs: 60_000,
        totalMs: 10_000,
      })
      // The fourth patient wait is 5 s, the fifth would be 15.
      expect(outcome.times).toEqual([0, 500, 1500, 3500, 8500])
      expect(outcome.endedAt).toBe(8500)
      expect(outcome.value).toMatchObject({ status: 529 })
    })

    it('ends at the deadline, and sends nothing after it', async () => {
      const hang: Script = [{ network: 'hang', repeat: 'forever' }]
      const outcome = await playStack(clientOf, order, hang, { attemptMs: 60_000, totalMs: 10_000 })
      expect(outcome).toMatchObject({ times: [0], endedAt: 10_000 })
      expect(outcome.value).toBeInstanceOf(Anthropic.APIConnectionTimeoutError)
      expect(outcome.call.attempts).toHaveLength(1)
    })

    it('tries again after the limit of an attempt, where the retry stands outside', async () => {
      const outcome = await playStack(clientOf, order, [{ network: 'hang' }])
      const isOutside = order.indexOf('retry') < order.indexOf('timeout')
      expect(outcome.times).toEqual(isOutside ? [0, 6_000] : [0])
      expect(outcome.call.attempts).toHaveLength(outcome.times.length)
      if (isOutside) expect(outcome.value).toMatchObject({ type: 'message' })
      else expect(outcome.value).toBeInstanceOf(Anthropic.APIConnectionTimeoutError)
    })

    it('makes two tries of an API that hangs, where the retry stands outside', async () => {
      const { times } = await playStack(clientOf, order, [{ network: 'hang', repeat: 'forever' }])
      expect(times).toHaveLength(order.indexOf('retry') < order.indexOf('timeout') ? 2 : 1)
    })

    it('tries again after the SDK’s own time-out, where a timeout inside keeps the next try healthy', async () => {
      const { times, value } = await playStack(clientOf, order, [{ network: 'hang' }], { timeout: 3_000 })
      const heals = seam === 'middleware' && order.indexOf('retry') < order.indexOf('timeout')
      expect(times).toEqual(heals ? [0, 4_000] : [0])
      if (heals) expect(value).toMatchObject({ type: 'message' })
      else expect(value).toBeInstanceOf(Anthropic.APIConnectionTimeoutError)
    })

    it('is over at once when the caller aborts, in a try and in a wait', async () => {
      for (const [script, at] of [
        [[{ network: 'hang' }], 100],
        [[529], 300],
      ] as const) {
        const controller = new AbortController()
        setTimeout(() => controller.abort(), at)
        const outcome = await playStack(clientOf, order, script, { signal: controller.signal })
        expect(outcome).toMatchObject({ times: [0], endedAt: at })
        expect(outcome.value).toBeInstanceOf(Anthropic.APIUserAbortError)
      }
    })
  })
})
