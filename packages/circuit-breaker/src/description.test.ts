import { describe as describeStack, withDescription, type Middleware, type Rehearsed } from '@breakwater/core'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { circuitBreaker } from './circuit-breaker.ts'
import type { CircuitBreakerOptions } from './options.ts'

const stand = (name: string): Middleware => withDescription((request, next) => next(request), { name })
const page = 'docs/choosing-an-order.md'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => {
  expect(vi.getTimerCount()).toBe(0)
  vi.useRealTimers()
})

/** Tries so often, with these waits between; what each try of a 529 came to. */
function triesOf(options: CircuitBreakerOptions, waits: readonly number[], answer?: Rehearsed): Rehearsed[] {
  const seen: Rehearsed[] = []
  const retry = withDescription((request, next) => next(request), {
    name: 'again',
    rehearse: () => (rehearsal, next) => {
      let result = next()
      if (rehearsal.fault === 'overloaded') seen.push(result)
      for (const waitMs of waits) {
        rehearsal.wait(waitMs)
        result = next()
        if (rehearsal.fault === 'overloaded') seen.push(result)
      }
      return result
    },
  })
  const instead = withDescription((request, next) => next(request), {
    name: 'instead',
    rehearse: () => (_rehearsal, next) => answer ?? next(),
  })
  describeStack([retry, circuitBreaker(options), instead])
  return seen
}

const failed = { kind: 'failure', category: 'overloaded', status: 529 } as const
const refused = (retryAfterMs: number) =>
  ({ kind: 'failure', category: 'circuit_open', retryAfterMs }) as const

describe('circuitBreaker in a rehearsal', () => {
  it('opens as the real one does, for as long, and lets a probe through', () => {
    const tries = triesOf({ volumeThreshold: 2 }, [100, 100, 1900, 100])
    expect(tries).toEqual([failed, failed, refused(1900), failed, refused(1900)])
  })

  it('opens for as long as the server says', () => {
    const hinted = { ...failed, retryAfterMs: 60_000 }
    expect(triesOf({ volumeThreshold: 1 }, [1000], hinted)).toEqual([hinted, refused(59_000)])
  })

  it('stays closed in one call by default, and for what is no failure of the provider', () => {
    expect(triesOf({}, [0, 0, 0, 0])).toEqual([failed, failed, failed, failed, failed])
    for (const category of ['rate_limit', 'authentication', 'tea']) {
      const other = { kind: 'failure', category } as const
      expect(triesOf({ volumeThreshold: 1 }, [0], other)).toEqual([other, other])
    }
  })

  it('counts a stream that breaks, and closes with an answer', () => {
    const broken = { kind: 'broken_stream', isEarly: true } as const
    expect(triesOf({ volumeThreshold: 1 }, [0], broken)).toEqual([broken, refused(2000)])
    const answer = { kind: 'answer' } as const
    expect(triesOf({ volumeThreshold: 1 }, [0], answer)).toEqual([answer, answer])
  })

  it('has a circuit for each origin and model', () => {
    const seen: unknown[] = []
    const elsewhere = withDescription((request, next) => next(request), {
      name: 'elsewhere',
      rehearse: () => (rehearsal, next) => {
        const { target } = rehearsal
        for (const [origin, model] of [
          ['', ''],
          ['', 'other'],
          ['https://eu.test', ''],
          ['', ''],
        ] as const) {
          rehearsal.target = { origin, model, isPrimary: true }
          const result = next()
          if (rehearsal.fault === 'overloaded') seen.push(result.kind === 'failure' && result.category)
        }
        rehearsal.target = target
        return { kind: 'answer' }
      },
    })
    describeStack([elsewhere, circuitBreaker({ volumeThreshold: 1 })])
    expect(seen).toEqual(['overloaded', 'overloaded', 'overloaded', 'circuit_open'])
  })
})

describe('the warnings of circuitBreaker', () => {
  it('are of a place outside of what sends again, and of a second one', () => {
    const warnings = (...stack: readonly Middleware[]): readonly string[] => describeStack(stack).warnings
    const [retry, failover] = [stand('jitterRetry'), stand('modelFailover')]
    expect(warnings(retry, failover, circuitBreaker())).toEqual([])
    expect(warnings(circuitBreaker(), retry)).toEqual([
      expect.stringContaining(`${page}#breaker-outside-the-retry`),
    ])
    expect(warnings(circuitBreaker(), failover)).toEqual([
      expect.stringContaining(`${page}#breaker-outside-the-failover`),
    ])
    expect(warnings(circuitBreaker(), retry, failover)).toHaveLength(2)
    expect(warnings(circuitBreaker(), circuitBreaker())).toEqual([
      expect.stringMatching(/counted twice; remove one\. See docs\/choosing-an-order\.md#a-second-copy$/),
    ])
  })
})
