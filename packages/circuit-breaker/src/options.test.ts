import { circuitBreaker as ofIndex, circuitBreakerDefaults, type CircuitBreakerOptions } from './index.ts'
import type { Middleware as SdkMiddleware } from '@anthropic-ai/sdk'
import { classification, categories, type Category } from '@breakwater/classify'
import {
  chain,
  describe as describeStack,
  isBreakwaterError,
  withDescription,
  type Middleware,
} from '@breakwater/core'
import { describe, expect, expectTypeOf, it } from 'vitest'
import { circuitBreaker, type CircuitBreaker } from './circuit-breaker.ts'
import { originAndModel } from './circuit-key.ts'
import { CircuitOpenError, isCircuitOpenError } from './circuit-open-error.ts'
import { isolationRefusal, refusal, wordsOf } from './refusal.ts'

describe('options', () => {
  it.each<[keyof CircuitBreakerOptions, unknown]>([
    ['key', 'text'],
    ['volumeThreshold', -1],
    ['volumeThreshold', 1.5],
    ['volumeThreshold', Infinity],
    ['volumeThreshold', '3'],
    ['errorThresholdPercentage', -1],
    ['errorThresholdPercentage', 101],
    ['errorThresholdPercentage', null],
    ['errorThresholdPercentage', '50'],
    ['errorThresholdPercentage', Number.NaN],
    ['consecutiveFailures', 0],
    ['consecutiveFailures', 2.5],
    ['consecutiveFailures', true],
    ['windowMs', 0],
    ['windowMs', Infinity],
    ['windowMs', '30'],
    ['resetMs', -1],
    ['resetMs', Infinity],
    ['resetMs', Number.NaN],
    ['resetMs', '5'],
    ['maxResetMs', 1999],
    ['maxResetMs', Infinity],
    ['probes', 0],
    ['probes', 1.5],
    ['orgCategories', 'billing'],
    ['orgCategories', ['bill']],
    ['maxCircuits', 0],
    ['onStateChange', 'text'],
    ['onReject', {}],
  ])('refuses %s: %o', (name, value) => {
    expect(() => circuitBreaker({ [name]: value })).toThrow(TypeError)
    expect(() => circuitBreaker({ [name]: value })).toThrow(`\`${name}\``)
  })

  it('takes zero for a value, and undefined for the default', () => {
    const zero = { volumeThreshold: 0, errorThresholdPercentage: 0, resetMs: 0, maxResetMs: 0 }
    expect(() => circuitBreaker(zero)).not.toThrow()
    const nothing = Object.fromEntries(Object.keys(circuitBreakerDefaults).map((name) => [name, undefined]))
    expect(() => circuitBreaker({ ...nothing, maxResetMs: undefined, restore: undefined })).not.toThrow()
  })

  it('refuses a key by hand that is no text', () => {
    const { isolate, reset } = circuitBreaker()
    expect(() => isolate(7 as never)).toThrow('`key`')
    expect(() => reset({} as never)).toThrow('`key`')
  })
})

describe('types', () => {
  it('is a middleware of the SDK and of core, and more', () => {
    expectTypeOf(circuitBreaker()).toExtend<SdkMiddleware>()
    expectTypeOf(circuitBreaker()).toExtend<Middleware>()
    expectTypeOf(circuitBreaker().isolate).toEqualTypeOf<(key?: string) => void>()
    expectTypeOf(circuitBreaker).returns.toEqualTypeOf<CircuitBreaker>()
    expect(ofIndex).toBe(circuitBreaker)
    expect(circuitBreaker().name).toBe('circuitBreaker')
  })
})

describe('describe', () => {
  it('changes nothing of the worst case', () => {
    const { text, maxRequests, maxWaitMs, warnings } = describeStack(circuitBreaker())
    expect({ maxRequests, maxWaitMs, warnings }).toEqual({ maxRequests: 1, maxWaitMs: 0, warnings: [] })
    expect(text).toContain('circuitBreaker → upstream')
  })

  it('warns of a place outside jitterRetry', () => {
    const retry = withDescription((request, next) => next(request), { name: 'jitterRetry' })
    expect(describeStack([retry, circuitBreaker()]).warnings).toEqual([])
    expect(describeStack(chain(circuitBreaker(), retry)).warnings).toEqual([
      expect.stringMatching(/`circuitBreaker` outside `jitterRetry`.*put it inside/) as string,
    ])
  })
})

describe('key', () => {
  const keyOf = (url: string, body?: string): string =>
    originAndModel({ url, headers: new Headers(), ...(body !== undefined && { body }) }, {} as never)

  it('is origin and model, without path, query and credentials', () => {
    const body = '{"model":"claude-haiku-5-5","max_tokens":1}'
    expect(keyOf('https://user:secret@gateway.test:8443/v1/messages?beta=true', body)).toBe(
      'https://gateway.test:8443 claude-haiku-5-5',
    )
    expect(keyOf('https://api.anthropic.com/v1/models')).toBe('https://api.anthropic.com')
    expect(keyOf('/v1/messages', body)).toBe('relative claude-haiku-5-5')
  })

  it('stays right after more URLs and models than are kept', () => {
    for (let index = 0; index < 2500; index++) {
      expect(keyOf(`https://api.test/v1/files/${index}`)).toBe('https://api.test')
      expect(keyOf('https://api.test/v1/messages', `{"model":"m${index}"}`)).toBe(
        `https://api.test m${index}`,
      )
    }
  })
})

describe('CircuitOpenError', () => {
  it('is never taken for a time-out, whatever the key and the failure are', () => {
    const keys = ['https://api.anthropic.com claude-haiku-5-5', 'my Timeout', 'timed out', 'x'.repeat(5000)]
    for (const category of Object.keys(categories) as Category[]) {
      for (const key of keys) {
        const failure = classification(category, { message: 'timed out' })
        const errors = [
          refusal(key, wordsOf(key, failure), failure, true, 1),
          refusal(key, wordsOf(key, failure), failure, false, 1),
          isolationRefusal(key),
        ]
        for (const error of errors) {
          expect(String(error)).not.toMatch(/timed? ?out/i)
          expect(String(error).length).toBeLessThan(500)
          expect('cause' in error).toBe(false)
          expect(isCircuitOpenError(error) && isBreakwaterError(error)).toBe(true)
          expect(Object.keys(error)).not.toContain('failure')
        }
      }
    }
    expect(refusal('k', wordsOf('k', undefined), undefined, true, 0.2).retryAfterMs).toBe(1)
    expect(isCircuitOpenError(new Error('no'))).toBe(false)
    expect(isCircuitOpenError(undefined)).toBe(false)
    expect(new CircuitOpenError('mine', { key: 'k' }).failure).toBeUndefined()
  })
})
