import type { Middleware as SdkMiddleware } from '@anthropic-ai/sdk'
import {
  describe as describeStack,
  isBreakwaterError,
  withDescription,
  type Middleware,
} from '@breakwater/core'
import { describe, expect, expectTypeOf, it } from 'vitest'
import {
  isQueueError,
  memoryStore,
  QueueFullError,
  QueueWaitError,
  rateLimit,
  rateLimitDefaults,
  type RateLimit,
  type RateLimitOptions,
  type RateLimitStore,
} from './index.ts'
import { queueFull, queueWait } from './queue-error.ts'

describe('options', () => {
  it.each<[keyof RateLimitOptions, unknown, string?]>([
    ['concurrency', 0],
    ['concurrency', 1.5],
    ['concurrency', Number.NaN],
    ['concurrency', '3'],
    ['maxQueue', -1],
    ['maxQueue', Infinity],
    ['maxQueue', 1.5],
    ['maxWaitMs', -1],
    ['maxWaitMs', Infinity],
    ['maxWaitMs', null],
    ['maxWaitMs', '60000'],
    ['maxWaitMs', Number.NaN],
    ['maxWaitToMoveMs', -1],
    ['maxWaitToMoveMs', '5'],
    ['startPerSecond', 0],
    ['startPerSecond', '10'],
    ['startPerSecond', Number.NaN],
    ['priority', 1],
    ['estimateTokens', 100],
    ['key', 'mine'],
    ['limits', 5],
    ['limits', []],
    ['limits', { opus: 5 }, 'limits.opus'],
    ['limits', { opus: { requestsPerMinute: 0 } }, 'limits.opus.requestsPerMinute'],
    ['limits', { opus: { tokensPerMinute: Infinity } }, 'limits.opus.tokensPerMinute'],
    ['limits', { opus: { inputTokensPerMinute: '5' } }, 'limits.opus.inputTokensPerMinute'],
    ['limits', { opus: { outputTokensPerMinute: -5 } }, 'limits.opus.outputTokensPerMinute'],
    ['limits', { opus: { burstMs: -1 } }, 'limits.opus.burstMs'],
    ['limits', { opus: { rpm: 50 } }, 'limits.opus.rpm'],
    ['store', {}],
    ['store', null],
    ['onQueue', 'text'],
    ['onAdmit', {}],
    ['onReject', 1],
    ['onLeave', 1],
    ['onGate', 1],
    ['onLimits', 1],
  ])('refuses %s: %o', (name, value, named = name) => {
    expect(() => rateLimit({ [name]: value })).toThrow(TypeError)
    expect(() => rateLimit({ [name]: value })).toThrow(`\`${named}\``)
  })

  it('takes zero for a value, and undefined for the default', () => {
    expect(() => rateLimit({ maxQueue: 0, maxWaitMs: 0, limits: { opus: { burstMs: 0 } } })).not.toThrow()
    const nothing = Object.fromEntries(Object.keys(rateLimitDefaults).map((name) => [name, undefined]))
    expect(() =>
      rateLimit({ ...nothing, store: undefined, limits: undefined, onQueue: undefined }),
    ).not.toThrow()
    expect(() => rateLimit({ limits: { opus: { requestsPerMinute: undefined } } })).not.toThrow()
    expect(rateLimitDefaults).toEqual({
      concurrency: Infinity,
      maxQueue: 1000,
      maxWaitMs: 60_000,
      maxWaitToMoveMs: 1000,
      startPerSecond: 10,
    })
  })

  it.each([0, -1, 1.5, Infinity, '5'])('refuses memoryStore({ maxKeys: %o })', (maxKeys) => {
    expect(() => memoryStore({ maxKeys: maxKeys as number })).toThrow('`maxKeys`')
  })
})

describe('description', () => {
  const retry = withDescription((request, next) => next(request), {
    name: 'retry',
    worst: ({ maxRequests, maxWaitMs }) => ({
      maxRequests: maxRequests * 3,
      maxWaitMs: maxWaitMs * 3 + 1000,
    }),
  })

  it('adds no request, and a wait for each', () => {
    expect(describeStack(rateLimit())).toMatchObject({ maxRequests: 1, maxWaitMs: 60_000, warnings: [] })
    expect(describeStack([rateLimit({ maxWaitMs: 5000 }), retry])).toMatchObject({
      maxRequests: 3,
      maxWaitMs: 16_000,
    })
    expect(describeStack([retry, rateLimit({ maxWaitMs: 5000 })])).toMatchObject({
      maxRequests: 3,
      maxWaitMs: 16_000,
    })
  })

  it('warns of two', () => {
    expect(describeStack([rateLimit(), retry, rateLimit()]).warnings).toEqual([
      '`rateLimit` inside another one: with a shared store it does nothing, else a call waits for both; remove one. See docs/choosing-an-order.md#a-second-copy',
    ])
  })

  it('has its name', () => {
    expect(rateLimit().name).toBe('rateLimit')
  })
})

describe('errors', () => {
  const details = { key: 'origin opus', queueLength: 1, expectedWaitMs: 1500 }

  it('are ours, and no SDK takes them for its own', () => {
    for (const error of [queueFull(details), queueWait({ ...details, reason: 'deadline' })]) {
      expect(isBreakwaterError(error)).toBe(true)
      expect(isQueueError(error)).toBe(true)
      expect(error).toMatchObject({
        key: 'origin opus',
        queueLength: 1,
        retryAfterMs: 1500,
        category: 'rate_limit',
      })
      expect(error.cause).toBeUndefined()
    }
    expect(queueFull(details)).toBeInstanceOf(QueueFullError)
    expect(queueWait({ ...details, reason: 'deadline' })).toBeInstanceOf(QueueWaitError)
    expect(queueWait({ ...details, reason: 'deadline' }).message).toBe(
      'The queue of `origin opus`, with 1 call, takes longer than the deadline of the call allows: nothing was sent. Its turn would come in 1500 ms.',
    )
    expect(isQueueError(new Error('queue_full'))).toBe(false)
  })

  it.each(['timeout', 'timed out', 'Time Out'])('do not look like a time-out with a key like %s', (key) => {
    const error = queueFull({ ...details, key })
    expect(`${error.name} ${error.message}`).not.toMatch(/timed? ?out/i)
    expect(error.key).toBe(key)
  })

  it('shorten a key that is too long', () => {
    expect(queueFull({ ...details, key: 'x'.repeat(5000) }).message.length).toBeLessThan(300)
  })
})

describe('types', () => {
  it('is the SDK’s middleware', () => {
    expectTypeOf<RateLimit>().toExtend<SdkMiddleware>()
    expectTypeOf<RateLimit>().toExtend<Middleware>()
    expectTypeOf(memoryStore).returns.toEqualTypeOf<RateLimitStore>()
    expect(typeof rateLimit().snapshot).toBe('function')
  })
})
