import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { callOf, createFetch, type Middleware } from '@breakwater/core'
import { params, seams } from '@breakwater/testing'
import { fakeFetch, type Reply } from '@breakwater/testkit'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { modelFailover } from './model-failover.ts'
import { asked, primary, second, settle, third } from './testing/set-up.ts'

const models = [primary, second, third]
const replies: Readonly<Record<string, Reply>> = {
  well: 200,
  refused: 400,
  overloaded: 529,
  limited: { status: 429, retryAfter: 2 },
  limitedLong: { status: 429, retryAfter: 90 },
  unreachable: { network: 'refused' },
}
const coolingMs: Readonly<Record<string, number>> = {
  overloaded: 10_000,
  limited: 2_000,
  limitedLong: 90_000,
  unreachable: 10_000,
}

/** What a failover should do, said as plainly as can be: one call after the other, no time within a call. */
function createReference(): (says: readonly string[], now: number) => { asked: number[]; outcome: string } {
  const until = new Map<number, number>()
  return (says, now) => {
    const path: number[] = []
    let remaining = [0, 1, 2]
    for (;;) {
      const at = remaining.find((index) => now >= (until.get(index) ?? 0)) ?? remaining[0]!
      remaining = remaining.filter((index) => index !== at)
      path.push(at)
      const outcome = says[at]!
      const ms = coolingMs[outcome]
      if (ms === undefined) until.delete(at)
      else until.set(at, Math.max(until.get(at) ?? 0, now + ms))
      if (ms === undefined || remaining.length === 0) return { asked: path, outcome }
    }
  }
}

describe.each(seams)('modelFailover, by %s', (_seam, clientOf) => {
  beforeEach(() => void vi.useFakeTimers())
  afterEach(() => void vi.useRealTimers())

  it('asks whom a plain reference asks, and ends as it does, after any history', async () => {
    const say = fc.constantFrom(...Object.keys(replies))
    const call = fc.record({ says: fc.tuple(say, say, say), gapMs: fc.integer({ min: 0, max: 20_000 }) })
    await fc.assert(
      fc.asyncProperty(fc.array(call, { maxLength: 15 }), async (calls) => {
        let says: readonly string[] = []
        const fetch = fakeFetch({ script: ({ model }) => replies[says[models.indexOf(model ?? '')] ?? ''] })
        const subject = modelFailover({ to: [second, third], cooldownMs: 10_000 })
        const client = clientOf({ middleware: subject, fetch })
        const reference = createReference()
        for (const { says: next, gapMs } of calls) {
          says = next
          await vi.advanceTimersByTimeAsync(gapMs)
          const before = fetch.requests.length
          const expected = reference(says, performance.now())
          const outcome = (await settle(client.messages.create(asked))) as { status?: number; model?: string }
          expect(fetch.requests.slice(before).map(({ model }) => models.indexOf(model ?? ''))).toEqual(
            expected.asked,
          )
          const reply = replies[expected.outcome]!
          const status = typeof reply === 'number' ? reply : reply.status
          if (status === 200) expect(outcome.model).toBe(models[expected.asked.at(-1)!])
          else expect(outcome.status).toBe(status)
          expect(vi.getTimerCount()).toBe(0)
        }
      }),
      { numRuns: 100 },
    )
  })
})

describe('what a modelFailover keeps', () => {
  it('is nothing of a call that is over, though its target still cools down', async () => {
    const gone: WeakRef<object>[] = []
    const look: Middleware = async (request, next, ctx) => {
      const response = await next(request)
      gone.push(new WeakRef(callOf(request, ctx)), new WeakRef(response), new WeakRef(request))
      return response
    }
    const failover = modelFailover({ to: [second], windows: { [second]: 1_000_000 } })
    const upstream: typeof globalThis.fetch = (_url, init) =>
      Promise.resolve(new Response('{}', { status: String(init?.body).includes(primary) ? 529 : 200 }))
    const fetch = createFetch([look, failover, look], { fetch: upstream })
    const init = { method: 'POST', body: JSON.stringify({ ...params, model: primary }) }
    for (let index = 0; index < 3; index++) {
      await (await fetch('https://api.anthropic.com/v1/messages', init)).text()
    }
    expect(failover.snapshot()).toHaveLength(1)
    setFlagsFromString('--expose_gc')
    const collect = runInNewContext('gc') as () => void
    await vi.waitFor(() => {
      collect()
      expect(gone.filter((reference) => reference.deref() !== undefined).length).toBe(0)
    })
  })
})
