import { callOf, type Middleware } from '@breakwater/core'
import { params, seams } from '@breakwater/testing'
import { fakeFetch, type FakeFetch, type ScriptEntry } from '@breakwater/testkit'
import fc from 'fast-check'
import { describe, expect, it, vi } from 'vitest'
import { otel } from './otel.ts'
import { foreign, plainFailover, plainRetry, plainSend, register, sink, type Sink } from './testing/set-up.ts'

const parts = { retry: plainRetry(2), failover: plainFailover('claude-opus-5-5'), send: plainSend, foreign }
type Part = keyof typeof parts
const names = Object.keys(parts) as Part[]

const entries: readonly ScriptEntry[] = [
  {},
  529,
  { network: 'reset' },
  429,
  400,
  { fault: { kind: 'error', at: 'start' } },
]

/** An order of the parts, and the places of `otel` in it: how many parts stand outside each. */
const stacks = fc.record({
  order: fc.shuffledSubarray(names, { minLength: 0 }),
  places: fc.array(fc.nat({ max: 4 }), { minLength: 1, maxLength: 3 }),
  script: fc.array(fc.constantFrom(...entries), { minLength: 1, maxLength: 5 }),
  isStream: fc.boolean(),
})

function stackOf(
  order: readonly Part[],
  places: readonly number[],
  telemetry: () => Middleware,
): Middleware[] {
  const stack: Middleware[] = []
  for (let index = 0; index <= order.length; index++) {
    for (const place of places) if (Math.min(place, order.length) === index) stack.push(telemetry())
    const name = order[index]
    if (name !== undefined) stack.push(parts[name])
  }
  return stack
}

/** Answers that came whole, and so reported a usage: JSON has no event to carry the error. */
function usages(fetch: FakeFetch, isStream: boolean): number {
  return fetch.requests.filter(
    ({ reply }) => reply?.status === 200 && !(isStream && reply.fault !== undefined),
  ).length
}

async function check(seen: Sink, fetch: FakeFetch, isStream = false): Promise<void> {
  const requests = fetch.requests.length
  expect(await seen.total('breakwater.attempt.duration')).toBe(requests)
  const spans = seen.spans('breakwater.attempt')
  expect(spans).toHaveLength(requests)
  for (const reason of ['initial', 'retry', 'failover']) {
    const label = { 'breakwater.attempt.reason': reason }
    expect(spans.filter(({ attributes }) => attributes['breakwater.attempt.reason'] === reason)).toHaveLength(
      await seen.total('breakwater.attempt.duration', label),
    )
  }
  expect(await seen.total('gen_ai.client.token.usage', { 'gen_ai.token.type': 'input' })).toBe(
    usages(fetch, isStream),
  )
  expect(await seen.total('breakwater.attempt.active')).toBe(0)
}

async function ask(client: ReturnType<(typeof seams)[0][1]>, isStream: boolean): Promise<void> {
  try {
    if (!isStream) await client.messages.create(params)
    else for await (const _ of await client.messages.create({ ...params, stream: true }));
  } catch {}
}

describe.each(seams)('through %s', (_, clientOf) => {
  it('counts the attempts that upstream has seen, and the tokens once, wherever it stands', async () => {
    const property = fc.asyncProperty(stacks, async ({ order, places, script, isStream }) => {
      const seen = sink()
      const telemetry = otel(seen)
      const fetch = fakeFetch({ script })
      const client = clientOf({ middleware: stackOf(order, places, () => telemetry), fetch })
      await ask(client, isStream)
      await ask(client, isStream)
      await check(seen, fetch, isStream)
    })
    await fc.assert(property, { numRuns: 150 })
  })

  it('does so as several instances in one stack', async () => {
    const property = fc.asyncProperty(stacks, async ({ order, places, script, isStream }) => {
      const seen = sink()
      const fetch = fakeFetch({ script })
      const client = clientOf({ middleware: stackOf(order, places, () => otel(seen)), fetch })
      await ask(client, isStream)
      await check(seen, fetch, isStream)
    })
    await fc.assert(property, { numRuns: 60 })
  })

  it('counts the call once where it stands outermost, whatever is inside', async () => {
    const property = fc.asyncProperty(stacks, async ({ order, places, script, isStream }) => {
      const seen = sink()
      const telemetry = otel(seen)
      const client = clientOf({
        middleware: stackOf(order, [0, ...places], () => telemetry),
        fetch: fakeFetch({ script }),
      })
      await ask(client, isStream)
      expect(await seen.total('gen_ai.client.operation.duration')).toBe(1)
      expect(await seen.total('breakwater.call.attempts')).toBe(1)
      expect(seen.spans(/^chat/)).toHaveLength(1)
    })
    await fc.assert(property, { numRuns: 60 })
  })
})

describe('several', () => {
  it.each(seams)('copies of the package share a call: %s', async (_, clientOf) => {
    const seen = sink()
    register({})
    vi.resetModules()
    const { otel: copy } = await import('./otel.ts')
    expect(copy).not.toBe(otel)
    const fetch = fakeFetch({ script: [529, {}, {}] })
    const client = clientOf({ middleware: [copy(seen), plainRetry(1), otel(seen)], fetch })
    await ask(client, false)
    await ask(client, true)
    await check(seen, fetch)
    expect(seen.spans(/^chat/)).toHaveLength(2)
    expect(await seen.total('gen_ai.client.operation.duration')).toBe(2)
  })

  it.each(seams)('attempts at once are each one span and one count: %s', async (_, clientOf) => {
    const hedge: Middleware = (request, next) => Promise.any([next(request), next(request)])
    for (const both of [true, false]) {
      const seen = sink()
      const telemetry = otel(seen)
      const fetch = fakeFetch({ script: [{}, {}] })
      await ask(clientOf({ middleware: [...(both ? [telemetry] : []), hedge, telemetry], fetch }), false)
      await Promise.resolve()
      expect(fetch.requests).toHaveLength(2)
      expect(await seen.total('breakwater.attempt.duration')).toBe(2)
    }
  })
})

describe('inside of what sends again', () => {
  // What a retry of ours says of itself in the call state.
  const sendsAgain: Middleware = (request, next, ctx) => {
    callOf(request, ctx).sendsAgain = true
    return plainRetry(2)(request, next, ctx)
  }

  it.each(seams)('sees attempts and tokens, but no calls: %s', async (_, clientOf) => {
    const seen = sink()
    const telemetry = otel(seen)
    const fetch = fakeFetch({ script: [529, { network: 'reset' }, {}] })
    await ask(clientOf({ middleware: [sendsAgain, telemetry, plainSend, telemetry], fetch }), false)
    await check(seen, fetch)
    expect(seen.spans(/^chat/)).toEqual([])
    expect(await seen.points('breakwater.call.attempts')).toEqual([])
    expect(await seen.points('gen_ai.client.operation.duration')).toEqual([])
  })

  it.each(seams)('sees the call all the same where it stands outside too: %s', async (_, clientOf) => {
    const seen = sink()
    const telemetry = otel(seen)
    const fetch = fakeFetch({ script: [529, { network: 'reset' }, {}] })
    await ask(clientOf({ middleware: [telemetry, sendsAgain, telemetry], fetch }), false)
    await check(seen, fetch)
    expect(seen.spans(/^chat/)).toHaveLength(1)
    expect(await seen.total('breakwater.call.attempts')).toBe(1)
  })
})
