import Anthropic from '@anthropic-ai/sdk'
import { betaRefusalFallbackMiddleware } from '@anthropic-ai/sdk/lib/middleware'
import {
  callOf,
  describe as describeStack,
  discard,
  send,
  sleep,
  targetsLeft,
  withDescription,
  type Middleware,
} from '@breakwater/core'
import { params, seams } from '@breakwater/testing'
import { fakeFetch, type Reply } from '@breakwater/testkit'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { modelFailover } from './model-failover.ts'
import { asked, byModel, primary, second, setUp, settle, third } from './testing/set-up.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => {
  expect(vi.getTimerCount()).toBe(0)
  vi.useRealTimers()
})

/** A retry as plain as can be, with the description of one. */
const plainRetry = (tries: number): Middleware =>
  withDescription(
    async function jitterRetry(request, next, ctx) {
      for (let tried = 1; ; tried++) {
        const response = await send(request, next, ctx)
        if (response.ok || tried === tries) return response
        discard(response)
      }
    },
    {
      name: 'jitterRetry',
      worst: ({ maxRequests, maxWaitMs }) => ({
        maxRequests: maxRequests * tries,
        maxWaitMs: maxWaitMs + 1000,
      }),
    },
  )

describe.each(seams)('modelFailover in a stack, by %s', (_seam, clientOf) => {
  it('goes once through its targets for each try of a retry outside, from where it stood', async () => {
    const { send, models, call } = setUp(clientOf, () => 529, {
      outside: [plainRetry(2)],
      to: [second],
      cooldownMs: 0,
    })
    await send()
    expect(models()).toEqual([primary, second, second, primary])
    expect(call().attempts).toHaveLength(4)
  })

  it('says once a call that the primary cools down, however often a retry outside comes back', async () => {
    const replies: Record<string, Reply> = { [primary]: 529 }
    const patient: Middleware = async (request, next, ctx) => {
      discard(await send(request, next, ctx))
      await sleep(200)
      return send(request, next, ctx)
    }
    const {
      send: ask,
      models,
      events,
    } = setUp(clientOf, byModel(replies), { outside: [patient], to: [second] })
    await ask()
    events.length = 0
    replies[second] = { status: 529, retryAfterMs: 100 }
    await ask()
    // The primary was tried last, and cools down still when the second is open again.
    expect(models().slice(-4)).toEqual([second, primary, second, primary])
    const moves = events.flatMap((event) => (event.type === 'failover' ? event.category : []))
    expect(moves).toEqual(['cooldown', 'overloaded', 'overloaded'])
  })

  it('has each target tried by a retry inside', async () => {
    const { send, models, call } = setUp(clientOf, () => 529, { inside: [plainRetry(2)], to: [second] })
    await send()
    expect(models()).toEqual([primary, primary, second, second])
    expect(call().attempts.map(({ reason }) => reason)).toEqual(['initial', 'initial', 'failover', 'initial'])
  })

  it('works around another one, whose failure moves the outer', async () => {
    const seen: unknown[] = []
    const look: Middleware = (request, next, ctx) => {
      seen.push(targetsLeft.get(callOf(request, ctx)))
      return next(request)
    }
    const inner = modelFailover({ to: [{ patch: { service_tier: 'standard_only' } }] })
    const { client, models, call, events } = setUp(clientOf, byModel({ [primary]: 529 }), {
      inside: [inner, look],
      to: [second],
    })
    const { response } = await client.messages.create(asked).withResponse()
    expect(models()).toEqual([primary, primary, second])
    expect(seen).toEqual([2, 1, 1])
    expect(targetsLeft.get(call())).toBe(0)
    expect(call().attempts).toHaveLength(3)
    expect(response.headers.get('breakwater-served-by')).toBe(second)
    expect(events.map(({ type }) => type)).toEqual([
      'cooldown',
      'failover',
      'cooldown',
      'failover_exhausted',
      'cooldown',
      'failover',
    ])
  })

  it('names both where a target of the inner one answers for a target of the outer', async () => {
    let asks = 0
    const { client, models } = setUp(clientOf, ({ model }) => (model === third && ++asks === 2 ? 200 : 529), {
      inside: [modelFailover({ to: [third], cooldownMs: 0 })],
      to: [second],
    })
    const { data, response } = await client.messages.create(asked).withResponse()
    expect(models()).toEqual([primary, third, second, third])
    expect(data.model).toBe(third)
    expect(response.headers.get('breakwater-served-by')).toBe(`${second}, ${third}`)
  })
})

describe('modelFailover and the refusal fallback of the SDK', () => {
  const refusal = {
    stopReason: 'refusal',
    stopDetails: { type: 'refusal', category: null, fallback_credit_token: 'token' },
  }
  const beta = { ...asked, betas: [] }

  it('outside of it: the models of the targets are discarded, and the primary is asked again', async () => {
    const fetch = fakeFetch({ script: byModel({ [primary]: 529 }) })
    const middleware = [modelFailover({ to: [second] }), betaRefusalFallbackMiddleware([{ model: third }])]
    const client = new Anthropic({ apiKey: 'not-a-key', maxRetries: 0, logLevel: 'off', fetch, middleware })
    expect(await settle(client.beta.messages.create(beta))).toBeInstanceOf(Anthropic.OverloadedError)
    expect(fetch.requests.map(({ model }) => model)).toEqual([primary, primary])
  })

  it('inside of it: each hop has its targets, and a refusal of a target goes on by its own rule', async () => {
    const fetch = fakeFetch({ script: byModel({ [primary]: 529, [second]: refusal }) })
    const middleware = [betaRefusalFallbackMiddleware([{ model: third }]), modelFailover({ to: [second] })]
    const client = new Anthropic({ apiKey: 'not-a-key', maxRetries: 0, logLevel: 'off', fetch, middleware })
    const message = (await settle(client.beta.messages.create(beta))) as Anthropic.Message
    expect(fetch.requests.map(({ model }) => model)).toEqual([primary, second, third])
    expect(message.model).toBe(third)
    expect(fetch.requests[2]?.body).toMatchObject({ fallback_credit_token: { token: 'token' } })
  })

  it('inside of it: a hop that fails goes to the targets', async () => {
    const fetch = fakeFetch({ script: byModel({ [primary]: refusal, [third]: 529 }) })
    const middleware = [betaRefusalFallbackMiddleware([{ model: third }]), modelFailover({ to: [second] })]
    const client = new Anthropic({ apiKey: 'not-a-key', maxRetries: 0, logLevel: 'off', fetch, middleware })
    const message = (await settle(client.beta.messages.create(beta))) as Anthropic.Message
    expect(fetch.requests.map(({ model }) => model)).toEqual([primary, third, second])
    expect(message.model).toBe(second)
  })
})

describe('describe, of modelFailover', () => {
  const respond = () => 'sorry'

  it('counts what its targets send, and one more for a closed connection', () => {
    expect(describeStack(modelFailover({ to: [second, third] }))).toMatchObject({
      maxRequests: 4,
      maxWaitMs: 0,
      warnings: [],
    })
    const mixed = modelFailover({ to: [second, { fetch, model: third }, { respond }] })
    expect(describeStack([mixed, plainRetry(6)])).toMatchObject({
      maxRequests: 2 * 6 + 1 + 1,
      maxWaitMs: 2000,
      warnings: [],
    })
  })

  it('warns of a retry outside', () => {
    const outside = describeStack([plainRetry(6), modelFailover({ to: [second, third] })])
    expect(outside.maxRequests).toBe(6 * 4)
    expect(outside.warnings).toEqual([
      '`jitterRetry` outside `modelFailover` goes through all targets again on each of its tries; put it inside. See docs/choosing-an-order.md#retry-outside-the-failover',
    ])
  })

  it('says in the warning what each order sends, where they differ', () => {
    /** Gives up at once where a failover outside has another target. */
    const yielding = withDescription((request, next) => next(request), {
      name: 'jitterRetry',
      rehearse: () => (rehearsal, next) => {
        const tries = rehearsal.targetsLeft > 0 ? 1 : 4
        for (let tried = 1; tried < tries; tried++) next()
        return next()
      },
    })
    expect(describeStack([yielding, modelFailover({ to: [second] })]).warnings).toEqual([
      expect.stringContaining('a 529 of them all sends 8 requests here, and 5 with the retry inside'),
    ])
  })

  it('warns of the SDK’s refusal fallback inside, which has no name', () => {
    const refusals = betaRefusalFallbackMiddleware([{ model: third }])
    const failover = modelFailover({ to: [second] })
    const expected = expect.stringContaining('betaRefusalFallbackMiddleware') as string
    expect(describeStack([failover, refusals]).warnings).toEqual([expected])
    expect(describeStack([refusals, failover]).warnings).toEqual([])
    const foreign: Middleware = (request, next) => next(request)
    expect(describeStack([failover, foreign]).warnings).toEqual([])
  })

  it('counts at least what is sent, at worst', async () => {
    const fetch = fakeFetch({ script: () => 503 })
    const stack = [modelFailover({ to: [second, third] }), plainRetry(3)]
    const client = new Anthropic({ apiKey: 'not-a-key', maxRetries: 0, fetch, middleware: stack })
    await settle(client.messages.create({ ...params, model: primary }))
    expect(fetch.requests.length).toBe(9)
    expect(describeStack(stack).maxRequests).toBe(9)
  })
})
