import Anthropic from '@anthropic-ai/sdk'
import { BreakwaterError, onEvent, sleep, type Middleware } from '@breakwater/core'
import { seams } from '@breakwater/testing'
import type { Reply } from '@breakwater/testkit'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { asked, byModel, primary, second, setUp, settle, third } from './testing/set-up.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => {
  expect(vi.getTimerCount()).toBe(0)
  vi.useRealTimers()
})

describe.each(seams)('the cooldown of modelFailover, by %s', (_seam, clientOf) => {
  it('sends calls to the next target at once, says so once a call, and probes after it', async () => {
    let reply: Reply = 529
    const { send, models, events, call, subject } = setUp(clientOf, ({ model }) =>
      model === primary ? reply : 200,
    )
    await send()
    expect(subject.snapshot()).toEqual([
      { target: primary, state: 'cooling', category: 'overloaded', remainingMs: 30_000 },
    ])
    await vi.advanceTimersByTimeAsync(29_999)
    events.length = 0
    expect(await send()).toMatchObject({ model: second })
    expect(models()).toEqual([primary, second, second])
    expect(events).toEqual([{ type: 'failover', from: primary, to: second, category: 'cooldown' }])
    expect(call().attempts).toMatchObject([{ reason: 'failover', model: second }])

    await vi.advanceTimersByTimeAsync(1)
    events.length = 0
    await send()
    expect(models().slice(3)).toEqual([primary, second])
    expect(call().attempts).toMatchObject([{ reason: 'probe', model: primary }, { reason: 'failover' }])
    expect(events).toMatchObject([
      { type: 'cooldown', target: primary, state: 'probing' },
      { type: 'cooldown', target: primary, state: 'started', cooldownMs: 30_000 },
      { type: 'failover', from: primary, to: second, category: 'overloaded' },
    ])

    await vi.advanceTimersByTimeAsync(30_000)
    reply = 200
    events.length = 0
    expect(await send()).toMatchObject({ model: primary })
    expect(events).toEqual([
      { type: 'cooldown', target: primary, state: 'probing' },
      { type: 'cooldown', target: primary, state: 'ended' },
    ])
    expect(subject.snapshot()).toEqual([])
    await send()
    expect(models().slice(5)).toEqual([primary, primary])
  })

  it('begins when a limit outside has ended the call, and not when the caller has', async () => {
    for (const [reason, cooling] of [
      [new BreakwaterError('It timed out.', { code: 'timeout', category: 'timeout' }), [primary]],
      [new Error('the user left'), []],
    ] as const) {
      const ends: Middleware = async (request, next) => {
        const controller = new AbortController()
        const timer = setTimeout(() => controller.abort(reason), 1000)
        return next({ ...request, signal: controller.signal }).finally(() => clearTimeout(timer))
      }
      const { send, subject, models } = setUp(clientOf, [{ network: 'hang' }], { outside: [ends] })
      expect(await send()).toBeInstanceOf(Error)
      expect(models()).toEqual([primary])
      expect(subject.snapshot().map(({ target }) => target)).toEqual(cooling)
    }
  })

  it('lasts as long as the server asks', async () => {
    const { send, models, events } = setUp(clientOf, byModel({ [primary]: { status: 429, retryAfter: 90 } }))
    await send()
    expect(events[0]).toMatchObject({ state: 'started', cooldownMs: 90_000 })
    await vi.advanceTimersByTimeAsync(89_999)
    await send()
    await vi.advanceTimersByTimeAsync(1)
    await send()
    expect(models()).toEqual([primary, second, second, primary, second])
  })

  it('lasts no longer than an hour, whatever the server asks', async () => {
    const { send, subject } = setUp(clientOf, byModel({ [primary]: { status: 529, retryAfter: 1_000_000 } }))
    await send()
    expect(subject.snapshot()).toMatchObject([{ target: primary, remainingMs: 3_600_000 }])
  })

  it('lasts as long as it is told, and not at all with 0', async () => {
    const { send, models } = setUp(clientOf, byModel({ [primary]: 529 }), { cooldownMs: 100 })
    await send()
    await vi.advanceTimersByTimeAsync(100)
    await send()
    expect(models()).toEqual([primary, second, primary, second])

    const none = setUp(clientOf, byModel({ [primary]: { status: 429, retryAfter: 90 } }), { cooldownMs: 0 })
    await none.send()
    await none.send()
    expect(none.models()).toEqual([primary, second, primary, second])
    expect(none.subject.snapshot()).toEqual([])
  })

  it('has one probe at a time, and the others go on', async () => {
    let reply: Reply = 529
    const { client, send, models, fetch } = setUp(clientOf, ({ model }) => (model === primary ? reply : 200))
    await send()
    await vi.advanceTimersByTimeAsync(30_000)
    reply = { delayMs: 1000 }
    const calls = Promise.all(Array.from({ length: 50 }, () => client.messages.create(asked)))
    const answers = (await settle(calls)) as Anthropic.Message[]
    expect(
      models()
        .slice(2)
        .filter((model) => model === primary),
    ).toHaveLength(1)
    expect(answers.filter(({ model }) => model === primary)).toHaveLength(1)
    // Nobody has waited for the probe.
    expect(fetch.requests.slice(2).every(({ at }) => at === fetch.requests[2]?.at)).toBe(true)
  })

  it('frees the place of a probe that hangs', async () => {
    let reply: Reply = 529
    const { client, send, models } = setUp(clientOf, ({ model }) => (model === primary ? reply : 200))
    await send()
    await vi.advanceTimersByTimeAsync(30_000)
    reply = { network: 'hang' }
    const controller = new AbortController()
    const hung = client.messages.create(asked, { signal: controller.signal }).catch(() => {})
    await vi.advanceTimersByTimeAsync(29_999)
    await client.messages.create(asked)
    reply = 200
    await vi.advanceTimersByTimeAsync(1)
    expect(await client.messages.create(asked)).toMatchObject({ model: primary })
    expect(models().slice(2)).toEqual([primary, second, primary])
    controller.abort()
    await hung
  })

  it.each<[string, Reply, boolean]>([
    ['is aborted by its caller', { network: 'hang' }, false],
    ['fails for what is wrong with the request', 400, true],
    ['fails for a key that is wrong', 401, true],
  ])('frees the place of a probe that %s', async (_name, reply, isWell) => {
    let answer: Reply = 529
    const { client, send, models, subject } = setUp(clientOf, ({ model }) =>
      model === primary ? answer : 200,
    )
    await send()
    await vi.advanceTimersByTimeAsync(30_000)
    answer = reply
    const controller = new AbortController()
    const probe = client.messages.create(asked, { signal: controller.signal }).catch(() => {})
    await vi.advanceTimersByTimeAsync(10)
    controller.abort()
    await probe
    expect(subject.snapshot()).toHaveLength(isWell ? 0 : 1)
    answer = 200
    expect(await send()).toMatchObject({ model: primary })
    expect(models().slice(2)).toEqual([primary, primary])
  })

  it('is of the model wherever it is asked for, and of each endpoint for itself', async () => {
    const { client, models, fetch } = setUp(clientOf, ({ model, path }) =>
      model === second && path === '/v1/messages'
        ? 529
        : model === primary && path === '/v1/messages'
          ? 529
          : 200,
    )
    await client.messages.create(asked)
    expect(models()).toEqual([primary, second, third])
    // What was a target is the primary of another call.
    await client.messages.create({ ...asked, model: second })
    expect(models().slice(3)).toEqual([third])
    await client.messages.countTokens({ model: primary, messages: asked.messages })
    expect(fetch.requests.at(-1)).toMatchObject({ model: primary, path: '/v1/messages/count_tokens' })
  })

  it('tries those that cool down last, in their order, when nobody else is left', async () => {
    const replies: Record<string, Reply> = { [primary]: 529 }
    const { send, models } = setUp(clientOf, byModel(replies))
    await send()
    replies[second] = 529
    replies[third] = 529
    expect(await send()).toBeInstanceOf(Anthropic.OverloadedError)
    expect(models().slice(2)).toEqual([second, third, primary])
    replies[primary] = 200
    expect(await send()).toMatchObject({ model: primary })
    expect(models().slice(5)).toEqual([primary])
    // A success is a success: the cooldown is over.
    await send()
    expect(models().slice(6)).toEqual([primary])
  })

  it('is not begun by a failure of an old request, nor ended by its success', async () => {
    const slow: Record<string, Reply> = {
      a: { status: 529, delayMs: 60_000 },
      b: 529,
      c: 200,
      d: { delayMs: 100_000 },
    }
    const { client, models, subject } = setUp(clientOf, ({ model, headers }) =>
      model === primary ? slow[headers['x-case'] ?? ''] : 200,
    )
    const call = (name: string) => client.messages.create(asked, { headers: { 'x-case': name } })
    const [failing, well] = [call('a'), call('d')]
    await vi.advanceTimersByTimeAsync(1)
    await call('b')
    await vi.advanceTimersByTimeAsync(30_000)
    await call('c')
    expect(subject.snapshot()).toEqual([])
    await vi.advanceTimersByTimeAsync(30_000)
    expect(await failing).toMatchObject({ model: second })
    expect(subject.snapshot()).toEqual([])
    await vi.advanceTimersByTimeAsync(30_000)
    await call('b')
    await vi.advanceTimersByTimeAsync(10_000)
    expect(await well).toMatchObject({ model: primary })
    expect(subject.snapshot()).toHaveLength(1)
    expect(models()).toHaveLength(8)
  })

  it('can be reset by hand', async () => {
    const onCooldown = vi.fn()
    const { send, models, subject } = setUp(clientOf, byModel({ [primary]: 529 }), { onCooldown })
    const calls: unknown[] = []
    await send()
    const stop = onEvent((_event, call) => calls.push(call))
    subject.reset('somebody else')
    subject.reset(primary)
    stop()
    expect(calls).toEqual([undefined])
    expect(onCooldown).toHaveBeenLastCalledWith({ type: 'cooldown', target: primary, state: 'ended' })
    await send()
    expect(models()).toEqual([primary, second, primary, second])
    subject.reset()
    expect(subject.snapshot()).toEqual([])
  })

  it('tells its observers, and a broken one breaks nothing', async () => {
    const onFailover = vi.fn(() => {
      throw new Error('a bug')
    })
    const { send, lines } = setUp(clientOf, byModel({ [primary]: 529 }), { onFailover })
    expect(await send()).toMatchObject({ model: second })
    expect(onFailover).toHaveBeenCalledWith(expect.objectContaining({ from: primary, to: second }))
    expect(lines).toMatchObject([['warn', expect.stringContaining('listener'), expect.any(Error)]])
  })

  it('asks at most one probe of a primary that is down, whatever comes when', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(
          fc.record({ gapMs: fc.integer({ min: 0, max: 400 }), down: fc.boolean(), delayMs: fc.nat(300) }),
          {
            maxLength: 40,
          },
        ),
        async (arrivals) => {
          let at = 0
          let underWay = 0
          let [isCooling, endsAt] = [false, 0]
          const seen: string[] = []
          const inside: Middleware = async (request, next) => {
            if (!String(request.body).includes(primary)) return next(request)
            // A primary that cools down is asked only after it, and by one call at a time.
            if (isCooling && (performance.now() < endsAt || underWay > 0))
              seen.push(`asked at ${performance.now()}`)
            const isProbe = isCooling
            if (isProbe) underWay++
            try {
              return await next(request)
            } finally {
              if (isProbe) underWay--
            }
          }
          const onCooldown = ({ state }: { state: string }): void => {
            if (state === 'started') [isCooling, endsAt] = [true, performance.now() + 500]
            if (state === 'ended') isCooling = false
          }
          const { client } = setUp(
            clientOf,
            ({ model, headers }) =>
              model === primary
                ? { status: headers['x-down'] === 'true' ? 529 : 200, delayMs: Number(headers['x-delay']) }
                : 200,
            { inside: [inside], cooldownMs: 500, onCooldown },
          )
          const calls = arrivals.map(async ({ gapMs, down, delayMs }) => {
            at += gapMs
            await sleep(at)
            const headers = { 'x-down': String(down), 'x-delay': String(delayMs) }
            return client.messages.create(asked, { headers })
          })
          const answers = (await settle(Promise.all(calls))) as Anthropic.Message[]
          expect(answers.map(({ type }) => type)).toEqual(arrivals.map(() => 'message'))
          expect(seen).toEqual([])
        },
      ),
      { numRuns: 40 },
    )
  })
})
