import { seams } from '@breakwater/testing'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { circuitBreaker } from './circuit-breaker.ts'
import type { CircuitBreakerSnapshot } from './snapshot.ts'
import { key, replies, setUp, small, type SetUp } from './testing/set-up.ts'

const clientOf = seams[0]![1]
const script = replies(529)
/** As it comes back from a file. */
const saved = ({ breaker }: Pick<SetUp, 'breaker'>): CircuitBreakerSnapshot =>
  JSON.parse(JSON.stringify(breaker.snapshot())) as CircuitBreakerSnapshot

/** Another process, so much later: its monotonic clock begins anew. */
function coldStart(afterMs: number): void {
  const then = Date.now() + afterMs
  vi.useRealTimers()
  vi.useFakeTimers({ now: then })
}

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

describe('snapshot', () => {
  it('is plain JSON of the circuits', async () => {
    const test = setUp(clientOf, [200, { status: 529, message: 'SECRET' }, 529], {
      ...small,
      maxResetMs: 4000,
    })
    await test.sendAll(3)
    expect(test.breaker.snapshot()).toEqual({
      version: 1,
      isolated: false,
      exceptions: [],
      circuits: [
        {
          key,
          isOrg: false,
          state: 'open',
          openUntil: Date.now() + 1000,
          resetMs: 1000,
          windowAt: Date.now(),
          window: [[1, 1]],
          category: 'overloaded',
          status: 529,
        },
      ],
    })
    expect(saved(test)).toEqual(test.breaker.snapshot())
  })

  it('shows a circuit whose time is over as half open, and changes nothing', async () => {
    const test = setUp(clientOf, script, small)
    await test.sendAll(2)
    await vi.advanceTimersByTimeAsync(1000)
    expect(test.state()).toBe('half_open')
    expect(test.changes).toHaveLength(1)
  })
})

describe('restore', () => {
  it('goes on with the time that is left', async () => {
    const first = setUp(clientOf, script, small)
    await first.sendAll(2)
    await vi.advanceTimersByTimeAsync(300)
    const restore = saved(first)
    coldStart(500)
    const test = setUp(clientOf, script, { ...small, restore })
    await vi.advanceTimersByTimeAsync(199)
    expect(await test.sendAll(1)).toEqual(['open'])
    expect(test.rejected).toMatchObject([{ retryAfterMs: 1, category: 'overloaded' }])
    await vi.advanceTimersByTimeAsync(1)
    expect(await test.sendAll(1)).toEqual(['529'])
  })

  it('one whose time is over is half open: one probe decides', async () => {
    const first = setUp(clientOf, script, small)
    await first.sendAll(2)
    const restore = saved(first)
    coldStart(3_600_000)
    const test = setUp(clientOf, [{ delayMs: 10 }], { ...small, restore })
    expect(test.state()).toBe('half_open')
    const probe = test.send()
    await vi.advanceTimersByTimeAsync(1)
    expect(await test.sendAll(1)).toEqual(['open'])
    await vi.advanceTimersByTimeAsync(10)
    await probe
    expect(await test.sendAll(1)).toEqual(['ok'])
  })

  it('keeps the growth', async () => {
    const options = { ...small, maxResetMs: 60_000 }
    const first = setUp(clientOf, script, options)
    await first.sendAll(2)
    await vi.advanceTimersByTimeAsync(1000)
    await first.send()
    await vi.advanceTimersByTimeAsync(2000)
    const restore = saved(first)
    coldStart(0)
    const test = setUp(clientOf, script, { ...options, restore })
    await test.send()
    expect(test.changes.at(-1)?.openMs).toBe(4000)
    const narrower = setUp(clientOf, script, { ...small, restore })
    await narrower.send()
    expect(narrower.changes.at(-1)?.openMs).toBe(1000)
  })

  it('takes a longer break than before from its options', async () => {
    const first = setUp(clientOf, script, small)
    await first.send()
    const test = setUp(clientOf, script, { ...small, resetMs: 3000, restore: saved(first) })
    await test.send()
    expect(test.changes.at(-1)?.openMs).toBe(3000)
  })

  it('keeps the window, to the tenth, as long as it would have lasted', async () => {
    const options = { ...small, volumeThreshold: 4 }
    const first = setUp(clientOf, script, options)
    await first.send()
    await vi.advanceTimersByTimeAsync(5000)
    await first.sendAll(2)
    const restore = saved(first)
    expect(restore.circuits[0]?.window).toEqual([
      [0, 2],
      [0, 0],
      [0, 0],
      [0, 0],
      [0, 0],
      [0, 1],
    ])
    coldStart(4999)
    const test = setUp(clientOf, script, { ...options, restore })
    expect(await test.sendAll(2)).toEqual(['529', 'open'])
    coldStart(1)
    const later = setUp(clientOf, script, { ...options, restore })
    expect(await later.sendAll(3)).toEqual(['529', '529', 'open'])
    coldStart(10_000)
    const latest = setUp(clientOf, script, { ...options, restore })
    expect(await latest.sendAll(5)).toEqual(['529', '529', '529', '529', 'open'])
  })

  it('keeps what was isolated, also what had no call yet', async () => {
    const first = setUp(clientOf, script, small)
    first.breaker.isolate(key)
    first.breaker.isolate('another')
    const test = setUp(clientOf, [], { ...small, restore: saved(first) })
    expect(await test.sendAll(1)).toEqual(['open'])
    first.breaker.isolate()
    first.breaker.reset(key)
    const others = setUp(clientOf, [], { ...small, restore: saved(first) })
    expect(await others.sendAll(1)).toEqual(['ok'])
    expect(String(await others.send({ model: 'claude-opus-5-5' }))).toContain('isolated')
  })

  it('keeps the circuit of an organisation', async () => {
    const options = { ...small, orgCategories: ['billing'] } as const
    const first = setUp(clientOf, [402], options)
    await first.send()
    const test = setUp(clientOf, [], { ...options, restore: saved(first) })
    expect(await test.sendAll(1)).toEqual(['open'])
    await vi.advanceTimersByTimeAsync(1000)
    expect(await test.sendAll(1)).toEqual(['ok'])
  })

  it('a clock that was set keeps no circuit open for longer than an hour', async () => {
    const first = setUp(clientOf, script, small)
    await first.sendAll(2)
    const restore = saved(first)
    vi.setSystemTime(Date.now() - 365 * 86_400_000)
    const test = setUp(clientOf, [], { ...small, restore })
    await test.send()
    expect(test.rejected).toMatchObject([{ retryAfterMs: 3_600_000 }])
  })

  it('keeps the circuits that were used last where there are too many', async () => {
    const first = setUp(clientOf, [])
    for (const model of ['a', 'b', 'c', 'a']) await first.send({ model })
    const { circuits } = circuitBreaker({ restore: saved(first), maxCircuits: 2 }).snapshot()
    expect(circuits.map((circuit) => circuit.key.at(-1))).toEqual(['c', 'a'])
  })

  const good = {
    key,
    isOrg: false,
    state: 'open',
    openUntil: 5,
    resetMs: 1000,
    windowAt: 1,
    window: [[1, 1]],
    category: 'overloaded',
    status: 529,
  }
  const all = { version: 1, isolated: false, exceptions: [], circuits: [good] }

  it.each<[string, unknown]>([
    ['restore', null],
    ['restore', 'text'],
    ['restore.version', { ...all, version: 2 }],
    ['restore.isolated', { ...all, isolated: 1 }],
    ['restore.exceptions', { ...all, exceptions: [1] }],
    ['restore.exceptions', { ...all, exceptions: undefined }],
    ['restore.circuits', { ...all, circuits: {} }],
    ['restore.circuits[1]', { ...all, circuits: [good, null] }],
    ['restore.circuits[0].key', { ...all, circuits: [{ ...good, key: 1 }] }],
    ['restore.circuits[0].isOrg', { ...all, circuits: [{ ...good, isOrg: 'no' }] }],
    ['restore.circuits[0].state', { ...all, circuits: [{ ...good, state: 'ajar' }] }],
    ['restore.circuits[0].openUntil', { ...all, circuits: [{ ...good, openUntil: undefined }] }],
    ['restore.circuits[0].resetMs', { ...all, circuits: [{ ...good, resetMs: -1 }] }],
    ['restore.circuits[0].resetMs', { ...all, circuits: [{ ...good, resetMs: null }] }],
    ['restore.circuits[0].windowAt', { ...all, circuits: [{ ...good, windowAt: 'now' }] }],
    ['restore.circuits[0].window', { ...all, circuits: [{ ...good, window: [[1, -1]] }] }],
    ['restore.circuits[0].window', { ...all, circuits: [{ ...good, window: [[1]] }] }],
    [
      'restore.circuits[0].window',
      { ...all, circuits: [{ ...good, window: Array.from({ length: 11 }, () => [0, 0]) }] },
    ],
    ['restore.circuits[0].category', { ...all, circuits: [{ ...good, category: 'moon' }] }],
    ['restore.circuits[0].status', { ...all, circuits: [{ ...good, status: '529' }] }],
  ])('a bad %s is refused', (name, restore) => {
    expect(() => circuitBreaker({ restore: restore as CircuitBreakerSnapshot })).toThrow(
      expect.objectContaining({
        name: 'TypeError',
        message: expect.stringContaining(`\`${name}\``) as string,
      }),
    )
    expect(() => circuitBreaker({ restore: all as never })).not.toThrow()
  })
})
