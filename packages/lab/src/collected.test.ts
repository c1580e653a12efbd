import { circuitBreaker } from '@breakwater/circuit-breaker'
import { onEvent, type BreakwaterEvent, type Middleware } from '@breakwater/core'
import { jitterRetry } from '@breakwater/jitter-retry'
import { modelFailover } from '@breakwater/model-failover'
import { streamGuard } from '@breakwater/stream-guard'
import { fakeFetch, type Reply } from '@breakwater/testkit'
import { params, seams } from '@breakwater/testing'
import { timeout, type TimeoutOptions } from '@breakwater/timeout'
import { breakwater } from 'breakwater'
import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest'

const guard = (): Middleware => streamGuard({ commit: 'end' })
const retry = (): Middleware => jitterRetry({ random: () => 1 })
const limits: TimeoutOptions = { attemptMs: 20_000, firstTokenMs: 10_000, idleMs: 10_000 }
const healed: Reply = { text: 'healed' }

/** What breaks in the middle of an answer. */
const faults: [string, Reply][] = [
  ['an overload', { fault: { kind: 'error', at: 6 } }],
  ['an error of the API', { fault: { kind: 'error', at: 6, type: 'api_error' } }],
  ['the end', { fault: { kind: 'end', at: 6 } }],
  ['a broken connection', { fault: { kind: 'cut', at: 6 } }],
  ['broken JSON', { fault: { kind: 'garbage', at: 6 } }],
  ['a broken tool call', { toolUse: { name: 'find', input: { query: 'x' } }, fault: 'truncatedToolJson' }],
  ['silence', { fault: { kind: 'stall', at: 6 } }],
]

describe.each(seams)('a stream that is collected, by %s', (_, clientOf) => {
  beforeEach(() => void vi.useFakeTimers())
  afterEach(() => {
    expect(vi.getTimerCount()).toBe(0)
    vi.useRealTimers()
  })

  async function collect(
    script: Reply[],
    middleware: Middleware[],
  ): Promise<{ outcome: string; requests: number; models: unknown[]; tookMs: number }> {
    const fetch = fakeFetch({ script })
    const startedAt = performance.now()
    const reading = clientOf({ middleware, fetch })
      .messages.stream(params)
      .finalText()
      .catch((reason: unknown) => (reason as Error).constructor.name)
      .then((outcome) => ({ outcome, tookMs: performance.now() - startedAt }))
    await vi.runAllTimersAsync()
    const models = fetch.requests.map(({ model }) => model)
    return { ...(await reading), requests: fetch.requests.length, models }
  }

  it.each(faults)('is healed by a retry: %s', async (_, fault) => {
    const stack = [retry(), circuitBreaker(), guard(), timeout(limits)]
    expect(await collect([fault, healed], stack)).toMatchObject({ outcome: 'healed', requests: 2 })
    // Without the guard, or with one that lets go of the first content, it is not.
    const early = [retry(), circuitBreaker(), streamGuard(), timeout(limits)]
    const { outcome, requests } = await collect([fault, healed], early)
    expect([outcome === 'healed', requests]).toEqual([false, 1])
  })

  it.each(faults)('is healed by another model: %s', async (_, fault) => {
    const stack = [modelFailover({ to: ['claude-sonnet-5'] }), guard(), timeout(limits)]
    const { outcome, models } = await collect([fault, healed], stack)
    expect([outcome, models]).toEqual(['healed', [params.model, 'claude-sonnet-5']])
  })

  it.each(faults)('is healed by the recipe: %s', async (_, fault) => {
    const { middleware } = breakwater({ streamGuard: { commit: 'end' }, timeout: limits })
    expect(await collect([fault, healed], middleware)).toMatchObject({ outcome: 'healed', requests: 2 })
  })

  it('is sent no more often than any other failing answer', async () => {
    const twice = await collect([faults[2]![1], faults[3]![1], healed], [retry(), guard()])
    expect(twice).toMatchObject({ outcome: 'InternalServerError', requests: 2 })
  })

  it('is a failure for a breaker, once', async () => {
    const events: BreakwaterEvent[] = []
    onTestFinished(onEvent((event) => events.push(event)))
    const breaker = circuitBreaker({ consecutiveFailures: 2 })
    const script = [faults[3]![1], faults[2]![1], healed]
    await collect(script.slice(0, 1), [breaker, guard()])
    expect(events.filter(({ type }) => type === 'breaker_state')).toEqual([])
    await collect(script.slice(1, 2), [breaker, guard()])
    expect(events.filter(({ type }) => type === 'breaker_state')).toMatchObject([{ to: 'open' }])
  })

  describe('with limits', () => {
    const slow: Reply = { text: 'one two three four five six', gapMs: 4_000 }

    it('inside may take as long as it goes on', async () => {
      const { outcome, tookMs, requests } = await collect([slow], [retry(), guard(), timeout(limits)])
      expect([outcome, requests]).toEqual(['one two three four five six', 1])
      expect(tookMs).toBeGreaterThan(30_000)
    })

    it('inside ends when it goes silent', async () => {
      const stack = [guard(), timeout(limits)]
      const { tookMs, requests } = await collect([{ fault: { kind: 'stall', at: 6 } }], stack)
      expect([Math.round(tookMs / 100) / 10, requests]).toEqual([10, 1])
    })

    it('outside is ended by that for the first content: nothing is seen of what is held', async () => {
      const { tookMs, requests, outcome } = await collect([slow, slow], [timeout(limits), guard()])
      expect([Math.round(tookMs), requests]).toEqual([10_000, 1])
      expect(outcome).not.toContain('one two')
    })
  })
})
