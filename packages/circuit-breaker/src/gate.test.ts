import type { Category } from '@breakwater/classify'
import { circuitKey, type Middleware } from '@breakwater/core'
import { params, recordingLogger, seams } from '@breakwater/testing'
import { fakeFetch } from '@breakwater/testkit'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { circuitBreaker } from './circuit-breaker.ts'
import { isCircuitOpenError } from './circuit-open-error.ts'
import { key, replies, setUp, shortOf, small } from './testing/set-up.ts'

const advance = (ms: number): Promise<unknown> => vi.advanceTimersByTimeAsync(ms)
const other = { model: 'claude-opus-5-5' }
const otherKey = 'https://api.anthropic.com claude-opus-5-5'
const org = 'https://api.anthropic.com *'
const orgCategories: Category[] = ['authentication']

describe.each(seams)('the gate of circuitBreaker, by %s', (_, clientOf) => {
  beforeEach(() => {
    vi.useFakeTimers()
    vi.advanceTimersByTime(1_000_000)
  })
  afterEach(() => {
    expect(vi.getTimerCount()).toBe(0)
    vi.useRealTimers()
  })

  it('gives back the place of the probe that has ended, and no other', async () => {
    const slow = { delayMs: 500 }
    const test = setUp(clientOf, [500, 500, slow, { status: 400, delayMs: 10 }, slow, slow], {
      ...small,
      probes: 2,
    })
    await test.sendAll(2)
    await advance(1000)
    const [first, second] = [test.send(), test.send()]
    await advance(1)
    expect(await test.sendAll(1)).toEqual(['open'])
    await advance(10)
    expect(shortOf(await second)).toBe('400')
    const third = test.send()
    await advance(1)
    expect(await test.sendAll(1)).toEqual(['open'])
    expect(test.fetch.requests).toHaveLength(5)
    await advance(600)
    expect([await first, await third].map(shortOf)).toEqual(['ok', 'ok'])
  })

  it('isolates and resets one circuit, and leaves the others as they are', async () => {
    const test = setUp(clientOf, replies(500), small)
    for (const changed of [{}, {}, other, other]) await test.send(changed)
    expect([test.state(), test.state(otherKey)]).toEqual(['open', 'open'])
    test.breaker.reset(key)
    expect([test.state(), test.state(otherKey)]).toEqual(['closed', 'open'])
    await test.send()
    test.breaker.isolate(otherKey)
    expect([test.state(), test.state(otherKey)]).toEqual(['closed', 'isolated'])
    // Its one failure is not forgotten.
    expect(test.breaker.snapshot().circuits.find((circuit) => circuit.key === key)?.window).toEqual([[0, 1]])
    expect(test.changes.filter(({ reason }) => reason === 'manual')).toMatchObject([
      { key, to: 'closed' },
      { key: otherKey, to: 'isolated' },
    ])
  })

  describe('of an organisation', () => {
    it('names the circuit of the model for a failure that concerns the model alone', async () => {
      const test = setUp(clientOf, [500, 401], { ...small, orgCategories })
      await test.send()
      expect(circuitKey.get(test.call())).toBe(key)
      await test.send()
      expect(circuitKey.get(test.call())).toBe(org)
    })

    it('counts no success while it is closed', async () => {
      const test = setUp(clientOf, [], { ...small, orgCategories })
      await test.sendAll(3)
      const circuits = test.breaker.snapshot().circuits
      expect(circuits.map(({ isOrg, window }) => [isOrg, window])).toEqual([
        [false, [[3, 0]]],
        [true, []],
      ])
    })

    it('learns nothing from a stream that its reader gives up', async () => {
      const test = setUp(clientOf, [401, { text: 'a long answer', gapMs: 10 }, 200], {
        ...small,
        orgCategories,
      })
      await test.send()
      await advance(1000)
      const stream = await test.client.messages.create({ ...params, stream: true })
      const reading = (async () => {
        for await (const { type } of stream) if (type === 'content_block_start') break
      })()
      await advance(100)
      await reading
      expect(test.state(org)).toBe('half_open')
      expect(await test.sendAll(1)).toEqual(['ok'])
      expect(test.state(org)).toBe('closed')
    })

    it('learns nothing from the refusal of a breaker inside', async () => {
      const inner = circuitBreaker({ key: () => 'inner' })
      const test = setUp(clientOf, [401, 200], { ...small, orgCategories, inside: [inner] })
      await test.send()
      await advance(1000)
      inner.isolate('inner')
      expect(await test.sendAll(1)).toEqual(['open'])
      expect(test.state(org)).toBe('half_open')
      inner.reset('inner')
      expect(await test.sendAll(1)).toEqual(['ok'])
      expect(test.state(org)).toBe('closed')
    })
  })

  it('logs nothing where the key is the default', async () => {
    const { lines, logger } = recordingLogger()
    const client = clientOf({ middleware: circuitBreaker(), fetch: fakeFetch(), logger })
    await client.messages.create(params)
    expect(lines).toEqual([])
  })

  it('keeps the id of the request that has broken off in the failure of its refusals', async () => {
    const errors: unknown[] = []
    const look: Middleware = async (request, next) => {
      try {
        return await next(request)
      } catch (error) {
        errors.push(error)
        throw error
      }
    }
    const test = setUp(clientOf, [{ fault: { kind: 'end', at: 3 } }], {
      ...small,
      volumeThreshold: 1,
      outside: [look],
    })
    const response = await test.client.messages.create({ ...params, stream: true }).asResponse()
    await response.text()
    expect(await test.sendAll(1)).toEqual(['open'])
    const [error] = errors
    expect(isCircuitOpenError(error) && error.failure).toMatchObject({
      category: 'stream_interrupted',
      requestId: test.fetch.requests[0]?.reply?.requestId,
    })
  })
})
