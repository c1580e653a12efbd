import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { callOf, emit, type BreakwaterEvent, type Middleware } from '@breakwater/core'
import { params, seams } from '@breakwater/testing'
import { fakeFetch } from '@breakwater/testkit'
import { describe, expect, it, vi } from 'vitest'
import { otel } from './otel.ts'
import { listeners, plainSend, register, sink, type Sink } from './testing/set-up.ts'

const model = params.model

setFlagsFromString('--expose_gc')
const gc: () => void = runInNewContext('gc')

/** Collects what nobody holds: at most until `isDone`. */
async function collect(isDone: () => boolean = () => false): Promise<void> {
  for (let round = 0; round < 20 && !isDone(); round++) {
    gc()
    await new Promise((resolve) => void setImmediate(resolve))
  }
}

/** Tells of these events in a call. */
function telling(...events: readonly BreakwaterEvent[]): Middleware {
  return (request, next, ctx) => {
    for (const event of events) emit(callOf(request, ctx), event)
    return plainSend(request, next, ctx)
  }
}

async function call(middleware: readonly Middleware[]): Promise<void> {
  const [, clientOf] = seams[0]!
  await clientOf({ middleware, fetch: fakeFetch({ script: [{}] }) }).messages.create(params)
}

/** The values of a metric by one attribute, without those that are 0. */
async function values(seen: Sink, metric: string, attribute: string): Promise<Record<string, number>> {
  const points = await seen.points(metric)
  return Object.fromEntries(
    points
      .filter(({ value }) => value !== 0)
      .map(({ attributes, value }) => [String(attributes[attribute]), value]),
  )
}

describe('an event', () => {
  it.each<[string, BreakwaterEvent, object]>([
    [
      'breakwater.retry.wait.duration',
      {
        type: 'retry',
        category: 'rate_limit',
        attempt: 1,
        waitMs: 1_500,
        reason: 'server_hint',
        status: 429,
        model,
      },
      {
        value: 1.5,
        count: 1,
        attributes: {
          'breakwater.wait.source': 'server_hint',
          'breakwater.error.category': 'rate_limit',
          'gen_ai.request.model': model,
        },
      },
    ],
    [
      'breakwater.retry.exhausted',
      { type: 'retry_exhausted', category: 'overloaded', attempt: 3, waitMs: 1, reason: 'budget' },
      { value: 1, attributes: { 'breakwater.reason': 'budget' } },
    ],
    [
      'breakwater.timeouts',
      { type: 'timeout', category: 'timeout', limit: 'idle', limitMs: 5 },
      { value: 1, attributes: { 'breakwater.timeout.limit': 'idle' } },
    ],
    [
      'breakwater.breaker.rejections',
      { type: 'breaker_rejected', key: 'k' },
      { value: 1, attributes: { 'breakwater.breaker.name': 'k' } },
    ],
    [
      'breakwater.breaker.transitions',
      {
        type: 'breaker_state',
        key: 'k',
        from: 'closed',
        to: 'open',
        reason: 'failures',
        category: 'overloaded',
        openMs: 5,
      },
      {
        value: 1,
        attributes: {
          'breakwater.breaker.name': 'k',
          'breakwater.breaker.from_state': 'closed',
          'breakwater.breaker.state': 'open',
          'breakwater.reason': 'failures',
        },
      },
    ],
    [
      'breakwater.failover.switches',
      { type: 'failover', from: model, to: 'b', category: 'overloaded' },
      {
        value: 1,
        attributes: {
          'breakwater.failover.from': model,
          'breakwater.failover.to': 'b',
          'breakwater.error.category': 'overloaded',
        },
      },
    ],
    [
      'breakwater.failover.exhausted',
      { type: 'failover_exhausted', category: 'overloaded', targets: [] },
      { value: 1 },
    ],
    [
      'breakwater.cooldown.duration',
      { type: 'cooldown', target: 'a', state: 'started', category: 'rate_limit', cooldownMs: 30_000 },
      {
        value: 30,
        count: 1,
        attributes: { 'breakwater.cooldown.target': 'a', 'breakwater.error.category': 'rate_limit' },
      },
    ],
    [
      'breakwater.stream.hold.duration',
      { type: 'stream_committed', reason: 'content', heldMs: 250, model },
      {
        value: 0.25,
        count: 1,
        attributes: { 'breakwater.reason': 'content', 'gen_ai.request.model': model },
      },
    ],
    [
      'breakwater.stream.interruptions',
      {
        type: 'stream_interrupted',
        category: 'stream_interrupted',
        reason: 'cut',
        committed: true,
        deliveredEvents: 3,
        deliveredCharacters: 9,
      },
      { value: 1, attributes: { 'breakwater.reason': 'cut', 'breakwater.stream.committed': true } },
    ],
    [
      'breakwater.queue.rejections',
      { type: 'queue_rejected', key: 'k', reason: 'queue_full', queueLength: 9 },
      { value: 1, attributes: { 'breakwater.queue.name': 'k', 'breakwater.reason': 'queue_full' } },
    ],
    [
      'breakwater.queue.wait.duration',
      { type: 'admitted', key: 'k', waitMs: 1_500, queueLength: 2, model },
      {
        value: 1.5,
        count: 1,
        attributes: { 'breakwater.queue.name': 'k', 'breakwater.queue.end': 'admitted' },
      },
    ],
    [
      'breakwater.gate.closures',
      { type: 'gate', key: 'k', state: 'closed', closedMs: 5, category: 'rate_limit' },
      { value: 1, attributes: { 'breakwater.queue.name': 'k', 'breakwater.error.category': 'rate_limit' } },
    ],
  ])(
    'is counted in %s: once at both ends, by two instances, and of no call',
    async (metric, event, expected) => {
      const seen = sink()
      const telemetry = otel(seen)
      const another = otel(seen)
      const value = async (): Promise<number> =>
        (await seen.points(metric)).reduce((sum, point) => sum + point.value, 0)
      await call([telemetry, telling(event), another, telemetry])
      expect(await seen.points(metric)).toContainEqual(expect.objectContaining(expected))
      const once = await value()
      emit(undefined, { ...event })
      expect(await value()).toBe(2 * once)
    },
  )

  it('tells how many wait in a queue, however they have left it', async () => {
    const seen = sink()
    const queued = (key: string): BreakwaterEvent => ({
      type: 'queued',
      key,
      reason: 'gate',
      queueLength: 1,
      expectedWaitMs: 5,
    })
    const left = { key: 'a', waitMs: 2_000, queueLength: 0 }
    const length = (): Promise<Record<string, number>> =>
      values(seen, 'breakwater.queue.length', 'breakwater.queue.name')
    const telemetry = otel(seen)
    await call([telemetry, telling(...['a', 'a', 'a', 'a', 'b'].map(queued))])
    expect(await length()).toEqual({ a: 4, b: 1 })
    await call([
      telemetry,
      telling(
        { type: 'admitted', ...left },
        { type: 'queue_left', ...left },
        { type: 'queue_rejected', reason: 'max_wait', ...left },
        { type: 'queue_rejected', reason: 'queue_full', key: 'a', queueLength: 1 },
      ),
    ])
    expect(await length()).toEqual({ a: 1, b: 1 })
    const waits = await seen.points('breakwater.queue.wait.duration')
    expect(waits.map(({ attributes }) => attributes['breakwater.queue.end']).toSorted()).toEqual([
      'aborted',
      'admitted',
      'rejected',
    ])
  })

  it('tells whether a gate is closed, however often it says so', async () => {
    const seen = sink()
    const gate = (state: 'closed' | 'reopening' | 'open'): BreakwaterEvent => ({
      type: 'gate',
      key: 'k',
      state,
    })
    const closed = async (): Promise<number | undefined> =>
      (await seen.points('breakwater.gate.closed'))[0]?.value
    const telemetry = otel(seen)
    await call([telemetry, telling(gate('closed'), gate('closed'))])
    expect(await closed()).toBe(1)
    await call([telemetry, telling(gate('reopening'), gate('open'))])
    expect(await closed()).toBe(0)
    await call([telemetry, telling(gate('open'), gate('closed'))])
    expect(await closed()).toBe(1)
    // As no category was told; those that may come are counted from 0.
    const closures = await values(seen, 'breakwater.gate.closures', 'breakwater.error.category')
    expect(closures).toEqual({ undefined: 3 })
    expect(await seen.points('breakwater.gate.closures')).toHaveLength(3)
    expect(await seen.points('breakwater.queue.rejections')).toHaveLength(3)
  })

  it('of a call that another provider keeps is none of mine, but the state of a circuit is everybody’s', async () => {
    const [mine, theirs] = [sink(), sink()]
    const listening = otel(mine)
    const retry: BreakwaterEvent = {
      type: 'retry_exhausted',
      category: 'overloaded',
      attempt: 1,
      waitMs: 0,
      reason: 'attempts',
    }
    const state: BreakwaterEvent = {
      type: 'breaker_state',
      key: 'k',
      from: 'closed',
      to: 'open',
      reason: 'failures',
    }
    await call([otel(theirs), telling(retry, state)])
    expect(await values(theirs, 'breakwater.retry.exhausted', 'breakwater.reason')).toEqual({ attempts: 1 })
    expect(await values(mine, 'breakwater.retry.exhausted', 'breakwater.reason')).toEqual({})
    for (const seen of [mine, theirs])
      expect(await values(seen, 'breakwater.breaker.state', 'breakwater.breaker.state')).toEqual({ open: 1 })
    // A call that no `otel` sees, such as one that a breaker outside has refused.
    await call([telling({ ...retry })])
    expect(await values(mine, 'breakwater.retry.exhausted', 'breakwater.reason')).toEqual({ attempts: 1 })
    expect(listening).toBeTypeOf('function')
  })

  it('writes the attempts that came before it, with what the retry has found out', async () => {
    const seen = sink()
    const during: number[] = []
    const retry: Middleware = async (request, next, ctx) => {
      await plainSend(request, next, ctx)
      callOf(request, ctx).attempts[0]!.category = 'spend_limit'
      emit(callOf(request, ctx), {
        type: 'retry',
        category: 'spend_limit',
        attempt: 1,
        waitMs: 60_000,
        reason: 'backoff',
      })
      during.push(
        await seen.total('breakwater.attempt.duration', { 'breakwater.error.category': 'spend_limit' }),
      )
      return plainSend(request, next, ctx)
    }
    const telemetry = otel(seen)
    const client = seams[0]![1]({
      middleware: [telemetry, retry, telemetry],
      fetch: fakeFetch({ script: [429, {}] }),
    })
    await client.messages.create(params)
    expect(during).toEqual([1])
    expect(await seen.total('breakwater.attempt.duration')).toBe(2)
  })
})

describe('the state of a circuit', () => {
  const change = (
    from: 'closed' | 'open' | 'half_open',
    to: 'closed' | 'open' | 'half_open',
    key = 'k',
  ): void => emit(undefined, { type: 'breaker_state', key, from, to, reason: 'failures' })

  it('is 1 for the one that it is in', async () => {
    const seen = sink()
    const telemetry = otel(seen)
    for (const [from, to] of [
      ['closed', 'open'],
      ['open', 'half_open'],
      ['half_open', 'open'],
    ] as const)
      change(from, to)
    expect(await values(seen, 'breakwater.breaker.state', 'breakwater.breaker.state')).toEqual({ open: 1 })
    // Forgotten while it was open, and made anew.
    change('closed', 'open')
    change('open', 'closed')
    expect(await values(seen, 'breakwater.breaker.state', 'breakwater.breaker.state')).toEqual({ closed: 1 })
    expect(await seen.total('breakwater.breaker.transitions')).toBe(5)
    // It begins at 0, so that the first refusal shows.
    expect(await seen.points('breakwater.breaker.rejections')).toMatchObject([
      { value: 0, attributes: { 'breakwater.breaker.name': 'k' } },
    ])
    expect(telemetry).toBeTypeOf('function')
  })

  it('goes on with the instance that is left when another is collected', async () => {
    const seen = sink()
    await collect()
    const keep = otel(seen)
    const before = listeners()
    ;(() => void otel(seen))()
    change('closed', 'open')
    await collect(() => listeners() <= before)
    expect(listeners()).toBe(before)
    change('open', 'half_open')
    expect(await values(seen, 'breakwater.breaker.state', 'breakwater.breaker.state')).toEqual({
      half_open: 1,
    })
    expect(keep).toBeTypeOf('function')
  })

  it('is kept of at most 200 circuits', async () => {
    const seen = sink()
    const telemetry = otel(seen)
    for (let index = 0; index < 300; index++) change('closed', 'open', `circuit-${index}`)
    const names = new Set(
      (await seen.points('breakwater.breaker.state')).map(
        ({ attributes }) => attributes['breakwater.breaker.name'],
      ),
    )
    expect(names.size).toBe(201)
    expect(names).toContain('other')
    expect(telemetry).toBeTypeOf('function')
  })
})

it('a cooldown is on between its start and its end, however often that is said', async () => {
  const seen = sink()
  const telemetry = otel(seen)
  const tell = (target: string, state: 'started' | 'probing' | 'ended'): void =>
    emit(undefined, { type: 'cooldown', target, state, cooldownMs: 1 })
  tell('b', 'ended')
  tell('a', 'started')
  tell('a', 'probing')
  tell('a', 'started')
  expect(await values(seen, 'breakwater.cooldown.active', 'breakwater.cooldown.target')).toEqual({ a: 1 })
  tell('a', 'ended')
  tell('a', 'ended')
  expect(await values(seen, 'breakwater.cooldown.active', 'breakwater.cooldown.target')).toEqual({})
  expect(await seen.total('breakwater.cooldown.duration')).toBe(2)
  expect(telemetry).toBeTypeOf('function')
})

it('counters begin at 0, with every attribute that is known beforehand', async () => {
  const seen = sink()
  const telemetry = otel(seen)
  const zeros = async (metric: string): Promise<unknown[]> =>
    (await seen.points(metric)).map(({ value }) => value)
  expect(await zeros('breakwater.retry.exhausted')).toEqual([0, 0, 0, 0, 0])
  expect(await zeros('breakwater.timeouts')).toEqual([0, 0, 0, 0])
  expect(await zeros('breakwater.failover.exhausted')).toEqual([0])
  expect(await zeros('breakwater.stream.interruptions')).toHaveLength(12)
  expect(telemetry).toBeTypeOf('function')
})

describe('what an instance leaves behind', () => {
  it('is nothing, once nobody has it', async () => {
    await collect()
    const before = listeners()
    const [, clientOf] = seams[0]!
    await (async () => {
      const telemetry = otel(sink())
      await clientOf({
        middleware: [telemetry, telemetry],
        fetch: fakeFetch({ script: [{}] }),
      }).messages.create(params)
    })()
    expect(listeners()).toBe(before + 1)
    await collect(() => listeners() <= before)
    expect(listeners()).toBe(before)
  })

  it('hears for as long as its middleware is held', async () => {
    const seen = sink()
    const telemetry = otel(seen)
    await collect()
    emit(undefined, { type: 'timeout', category: 'timeout', limit: 'total', limitMs: 1 })
    expect(await values(seen, 'breakwater.timeouts', 'breakwater.timeout.limit')).toEqual({ total: 1 })
    expect(telemetry).toBeTypeOf('function')
  })

  it('makes its instruments once', async () => {
    const seen = sink()
    const getMeter = vi.spyOn(seen.meterProvider, 'getMeter')
    register({ meterProvider: seen.meterProvider })
    const telemetry = otel()
    for (let round = 0; round < 3; round++) await call([telemetry, telemetry])
    expect(getMeter).toHaveBeenCalledTimes(1)
  })
})
