import { seams } from '@breakwater/testing'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { circuitBreaker } from './circuit-breaker.ts'
import { CircuitOpenError, isCircuitOpenError } from './circuit-open-error.ts'
import { BreakwaterError } from '@breakwater/core'
import type { CircuitSnapshot } from './snapshot.ts'
import { key, replies, setUp, small } from './testing/set-up.ts'

const [, clientOf] = seams[0]!

beforeEach(() => {
  vi.useFakeTimers()
  vi.advanceTimersByTime(1_000_000)
})
afterEach(() => void vi.useRealTimers())

const closed = (): CircuitSnapshot => ({
  key,
  isOrg: false,
  state: 'closed',
  resetMs: 1000,
  windowAt: Date.now(),
  window: [],
})
const of = (...circuits: object[]): never =>
  ({ version: 1, isolated: false, exceptions: [], circuits }) as never

describe('a snapshot', () => {
  it('says of a closed circuit nothing of when it would let a call through', async () => {
    const test = setUp(clientOf, [200, 200, 500], small)
    await test.sendAll(3)
    expect(test.breaker.snapshot().circuits).toEqual([
      { ...closed(), windowAt: Date.now(), window: [[2, 1]] },
    ])
  })

  it('gives the breaker that goes on the failures that it had, in a window that was never full', async () => {
    const restore = of({ ...closed(), window: [[1, 2]] })
    const test = setUp(clientOf, replies(500), { ...small, volumeThreshold: 5, restore })
    expect(await test.sendAll(2)).toEqual(['500', '500'])
    expect(test.state()).toBe('open')
    expect(test.breaker.snapshot().circuits[0]?.window).toEqual([[1, 4]])
  })

  it('gives it the failure of an open circuit, without its text', async () => {
    const openUntil = Date.now() + 700
    const restore = of({ ...closed(), state: 'open', openUntil, category: 'overloaded', status: 529 })
    const test = setUp(clientOf, [], { ...small, restore })
    const error = await test.send()
    expect(error).toMatchObject({ retryAfterMs: 700, failure: { category: 'overloaded', status: 529 } })
    expect(String(error)).toContain('overloaded (HTTP 529)')
  })

  it('need not say what a circuit has opened for', async () => {
    const restore = of({ ...closed(), state: 'open', openUntil: Date.now() + 700 })
    const test = setUp(clientOf, [], { ...small, restore })
    const error = await test.send()
    expect(isCircuitOpenError(error) && error.failure).toBeUndefined()
    expect(test.rejected).toMatchObject([{ category: undefined, retryAfterMs: 700 }])
  })

  it('may be of a breaker that opens for no time at all, and of a full window', () => {
    const window = Array.from({ length: 10 }, () => [1, 0])
    expect(() =>
      circuitBreaker({ resetMs: 0, restore: of({ ...closed(), resetMs: 0, window }) }),
    ).not.toThrow()
  })

  it.each<[string, object]>([
    ['window', { window: Array.from({ length: 11 }, () => [1, 0]) }],
    ['window', { window: [[1]] }],
    ['window', { window: [[1, -1]] }],
    ['window', { window: [[1, 0.5]] }],
    ['window', { window: [{ length: 2 }] }],
    ['windowAt', { windowAt: NaN }],
    ['windowAt', { windowAt: '5' }],
    ['resetMs', { resetMs: Infinity }],
    ['resetMs', { resetMs: -1 }],
    ['openUntil', { state: 'open', openUntil: NaN }],
    ['openUntil', { state: 'open' }],
    ['status', { status: NaN }],
    ['status', { status: '529' }],
    ['category', { category: 'nothing' }],
    ['state', { state: 'ajar' }],
    ['isOrg', { isOrg: 1 }],
    ['key', { key: 7 }],
  ])('is refused for a bad %s: %o', (field, change) => {
    expect(() => circuitBreaker({ restore: of({ ...closed(), ...change }) })).toThrow(
      `\`restore.circuits[0].${field}\``,
    )
  })
})

describe('isCircuitOpenError', () => {
  it('takes no other error of ours for one, though it has a key', () => {
    const details = { code: 'queue_full', category: 'rate_limit' }
    expect(isCircuitOpenError(Object.assign(new BreakwaterError('full', details), { key }))).toBe(false)
    expect(isCircuitOpenError(new CircuitOpenError('open', { key }))).toBe(true)
  })
})
