import Anthropic from '@anthropic-ai/sdk'
import { circuitBreaker } from '@breakwater/circuit-breaker'
import { describe as describeStack, type Middleware } from '@breakwater/core'
import { jitterRetry } from '@breakwater/jitter-retry'
import { modelFailover } from '@breakwater/model-failover'
import { isStreamInterruptedError, streamGuard } from '@breakwater/stream-guard'
import type { Script, ScriptFunction } from '@breakwater/testkit'
import { seams } from '@breakwater/testing'
import { timeout } from '@breakwater/timeout'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { ordersOf, play, type Outcome, type PlayOptions } from './testing/play.ts'

/** The parts of a stack; each test makes them anew. */
type Part = 'retry' | 'breaker' | 'failover' | 'guard' | 'timeout'

const primary = 'claude-opus-5-5'
const fallback = 'claude-haiku-5-5'
const orders = ordersOf<Part>(['retry', 'breaker', 'failover', 'guard', 'timeout'])

function stackOf(order: readonly Part[]): Middleware[] {
  const parts: Record<Part, Middleware> = {
    retry: jitterRetry({ random: () => 1 }),
    breaker: circuitBreaker(),
    failover: modelFailover({ to: [fallback] }),
    guard: streamGuard(),
    timeout: timeout({ attemptMs: 500_000, totalMs: 900_000 }),
  }
  return order.map((part) => parts[part])
}

/** A fault for as long as the primary is asked. */
const ofPrimary =
  (reply: ReturnType<ScriptFunction>): ScriptFunction =>
  ({ model }) =>
    model === primary ? reply : undefined

const inBand = { fault: { kind: 'error', at: 1 } } as const

describe('five behaviours in every order', () => {
  beforeEach(() => void vi.useFakeTimers())
  afterEach(() => void vi.useRealTimers())

  /** Plays it in both seams, holds the laws, and returns what both came to. */
  async function playBoth(
    order: readonly Part[],
    script: () => Script,
    options: () => PlayOptions = () => ({}),
  ): Promise<Outcome> {
    const outcomes: Outcome[] = []
    for (const [, clientOf] of seams) {
      const stack = stackOf(order)
      const outcome = await play(clientOf, stack, script(), { model: primary, ...options() })
      expect(outcome.call.attempts).toHaveLength(outcome.requests.length)
      expect(outcome.requests.length).toBeLessThanOrEqual(describeStack(stack).maxRequests)
      expect(vi.getTimerCount()).toBe(0)
      outcomes.push(outcome)
    }
    const [one, other] = outcomes
    if (one === undefined || other === undefined) throw new Error('There are two seams.')
    expect(other.times).toEqual(one.times)
    expect(other.requests.map(({ model }) => model)).toEqual(one.requests.map(({ model }) => model))
    expect(summary(other.value)).toEqual(summary(one.value))
    return one
  }

  function summary(value: unknown): unknown {
    return value instanceof Error
      ? [value.constructor.name, Reflect.get(value, 'status'), value.message]
      : Reflect.get(Object(value), 'type')
  }

  describe.each(orders.map((order) => [order.join(' > '), order] as const))('%s', (_, order) => {
    const isOutside = (one: Part, other: Part): boolean => order.indexOf(one) < order.indexOf(other)

    it('lets a success pass, once', async () => {
      for (const stream of [false, true]) {
        const { requests, value } = await playBoth(
          order,
          () => [],
          () => ({ stream }),
        )
        expect(requests).toHaveLength(1)
        expect(value).toMatchObject({ type: 'message', model: primary })
      }
    })

    it.each([[400], [401], [403], [404], [{ status: 429, code: 'enforced_spend_limit_reached' }]])(
      'sends %j once',
      async (reply) => {
        const { requests, value } = await playBoth(order, () => [reply])
        expect(requests).toHaveLength(1)
        expect(value).toBeInstanceOf(Anthropic.APIError)
      },
    )

    it.each([529, 500, 429])(
      'has the fallback answer for a primary that says %i for ever',
      async (status) => {
        const { requests, value } = await playBoth(order, () => ofPrimary(status))
        expect(value).toMatchObject({ type: 'message', model: fallback })
        expect(requests.filter(({ model }) => model === fallback)).toHaveLength(1)
      },
    )

    it('gives the last failure when all fail for ever', async () => {
      const { value } = await playBoth(order, () => [{ status: 500, repeat: 'forever' }])
      expect(value).toBeInstanceOf(Anthropic.InternalServerError)
    })

    it('heals an overload inside a stream where somebody outside the guard can', async () => {
      const { requests, value } = await playBoth(
        order,
        () => ofPrimary(inBand),
        () => ({ stream: true }),
      )
      if (isOutside('failover', 'guard')) {
        expect(value).toMatchObject({ type: 'message', model: fallback, isWhole: true })
        expect(requests).toHaveLength(2)
      } else {
        expect(value).toBeInstanceOf(Anthropic.APIError)
        expect(value).toMatchObject({ status: 529, type: 'overloaded_error' })
        expect(requests).toHaveLength(isOutside('retry', 'guard') ? 7 : 1)
      }
    })

    it('says that a stream was interrupted, once its content has begun', async () => {
      for (const kind of ['error', 'end', 'cut'] as const) {
        const script = [{ fault: { kind, at: 4 }, deltaChars: 1 }]
        const { requests, value } = await playBoth(
          order,
          () => script,
          () => ({ stream: true }),
        )
        expect(isStreamInterruptedError(value), `${kind}: ${String(value)}`).toBe(true)
        expect(requests).toHaveLength(1)
      }
    })

    it('is over at once when the caller aborts', async () => {
      for (const [script, at] of [
        [[{ network: 'hang', repeat: 'forever' }], 100],
        [[{ status: 529, repeat: 'forever' }], 2_000],
      ] as const) {
        const abortLater = (): PlayOptions => {
          const controller = new AbortController()
          setTimeout(() => controller.abort(), at)
          return { signal: controller.signal }
        }
        const { value, endedAt } = await playBoth(order, () => script, abortLater)
        // Both targets may have failed before the abort: then nothing was left to wait for.
        if (value instanceof Anthropic.APIUserAbortError) expect(endedAt).toBe(at)
        else expect(value).toMatchObject({ status: 529 })
      }
    })
  })
})
