import { readFileSync, writeFileSync } from 'node:fs'
import Anthropic from '@anthropic-ai/sdk'
import { circuitBreaker } from '@breakwater/circuit-breaker'
import { classify, classifyError } from '@breakwater/classify'
import {
  describe as describeStack,
  type FaultCourse,
  type FaultName,
  type Middleware,
} from '@breakwater/core'
import { jitterRetry } from '@breakwater/jitter-retry'
import { modelFailover } from '@breakwater/model-failover'
import { otel } from '@breakwater/otel'
import { rateLimit } from '@breakwater/rate-limit'
import { isStreamInterruptedError, streamGuard } from '@breakwater/stream-guard'
import { fakeFetch, type FakeRequest, type Reply, type ScriptFunction } from '@breakwater/testkit'
import { params, seams } from '@breakwater/testing'
import { timeout } from '@breakwater/timeout'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { ordersOf, play, type Outcome } from './testing/play.ts'

const primary = 'claude-opus-5-5'
const fallback = 'claude-haiku-5-5'
/** The longest waits that jitter can draw. */
const random = (): number => 1

/** The parts of a stack; each test makes them anew. */
const makers = {
  retry: () => jitterRetry({ random }),
  breaker: () => circuitBreaker(),
  failover: () => modelFailover({ to: [fallback] }),
  guard: () => streamGuard(),
  limiter: () => rateLimit(),
  timeout: () => timeout({ attemptMs: 900_000, firstTokenMs: 900_000 }),
} satisfies Record<string, () => Middleware>

/** A rate limit is retried as often as an overload, which a failover outside makes no retry wait for. */
const mostly429 = (): Middleware => jitterRetry({ random, policy: { rate_limit: { retries: 6 } } })

type Part = keyof typeof makers

function subsetsOf<Item>(items: readonly Item[]): readonly (readonly Item[])[] {
  const [first, ...rest] = items
  if (first === undefined) return [[]]
  return subsetsOf(rest).flatMap((subset) => [subset, [first, ...subset]])
}

/** All orders of one and two of them, and some of three to six; with `ORDERS=all` all 1957, which takes minutes. */
const orders = subsetsOf(Object.keys(makers) as Part[])
  .flatMap((subset) => ordersOf(subset))
  .filter(
    ({ length }, index) =>
      length < 3 || index % (length === 3 ? 5 : 31) === 0 || process.env['ORDERS'] === 'all',
  )

const someOrders = orders.filter(({ length }) => length > 0)

const stackOf = (order: readonly Part[]): Middleware[] => order.map((part) => makers[part]())

const replies: Readonly<Record<FaultName, Reply>> = {
  rate_limit: 429,
  rate_limit_hinted: { status: 429, retryAfter: 10 },
  overloaded: 529,
  stream_cut_early: { fault: { kind: 'cut', at: 1 } },
  stream_cut: { fault: { kind: 'cut', at: 4 }, deltaChars: 1 },
  authentication: 401,
}
const faultNames = Object.keys(replies) as FaultName[]

/** What a call came to, in the words of `describe`. */
type Measured = Omit<FaultCourse, 'steps'>

function measured({ value, requests, call, endedAt }: Outcome): Measured {
  const moves = call.events.filter(({ type }) => type === 'failover').length
  return { requests: requests.length, waitMs: endedAt, moves, ...endOf(value) }
}

function endOf(value: unknown): Pick<Measured, 'outcome' | 'category'> {
  if (!(value instanceof Error)) return { outcome: 'answer', category: undefined }
  const { category } = classifyError(value)
  // Without a word of ours it is what the reader of a body gets from `fetch`.
  const isRaw = category === 'stream_interrupted' && !isStreamInterruptedError(value)
  return isRaw ? { outcome: 'broken_stream', category: undefined } : { outcome: 'error', category }
}

function told({ requests, waitMs, moves, outcome, category }: FaultCourse): Measured {
  return { requests, waitMs, moves, outcome, category }
}

type Seam = (typeof seams)[number][1]

/** Plays all faults to a stack, of all targets and of the primary alone, and compares with what `describe` says. */
async function expectTruth(make: () => Middleware[], seamOf: (index: number) => Seam): Promise<void> {
  for (const [index, name] of faultNames.entries()) {
    const stream = name.startsWith('stream')
    const playTo = async (script: ScriptFunction): Promise<Measured> =>
      measured(await play(seamOf(index), make(), script, { model: primary, stream }))
    const report = describeStack(make()).faults[name]
    expect([name, await playTo(() => replies[name])]).toEqual([name, told(report)])
    if (report.primaryOnly === undefined) continue
    const alone = await playTo((request) => (isOfPrimary(request) ? replies[name] : undefined))
    expect([name, 'of the primary', alone]).toEqual([name, 'of the primary', told(report.primaryOnly)])
  }
}

/** The targets of these tests have another model, another tier or another host. */
function isOfPrimary({ model, url, body }: FakeRequest): boolean {
  const isOwnTier = Reflect.get(Object(body), 'service_tier') !== undefined
  return model === primary && !isOwnTier && !url.startsWith('https://eu.test')
}

const bySdk = seams[0]![1]

/** Fails the first request as a keep-alive connection does that was closed before it: nothing is sent. */
function staleOnce(): Middleware {
  let isStale = true
  return (request, next) => {
    if (!isStale) return next(request)
    isStale = false
    const cause = Object.assign(new Error('other side closed'), {
      code: 'UND_ERR_SOCKET',
      socket: { bytesRead: 9 },
    })
    return Promise.reject(new TypeError('fetch failed', { cause }))
  }
}

beforeEach(() => void vi.useFakeTimers())
afterEach(() => {
  expect(vi.getTimerCount()).toBe(0)
  vi.useRealTimers()
})

describe('describe, of six behaviours in any order, alone and together', () => {
  it.each(orders.map((order, index) => [order.join(' > ') || 'nothing', order, index] as const))(
    'says what each fault leads to: %s',
    async (_, order, at) => {
      await expectTruth(
        () => stackOf(order),
        (index) => seams[(at + index) % 2]![1],
      )
    },
  )

  it.each(someOrders.map((order) => [order.join(' > '), order] as const))(
    'says how many requests and waits it can come to: %s',
    async (_, order) => {
      const make = (): Middleware[] => order.map((part) => (part === 'retry' ? mostly429() : makers[part]()))
      const { maxRequests, maxWaitMs } = describeStack(make())
      const ask = (inside: readonly Middleware[], reply: Reply): Promise<Outcome> =>
        play(bySdk, [...make(), ...inside], () => reply, { model: primary })

      const { call } = await ask([staleOnce()], 429)
      expect(call.attempts).toHaveLength(maxRequests)
      const { endedAt } = await ask([], { status: 429, retryAfter: 60 })
      // What other calls do to a circuit comes on top: see below.
      const hasCircuit = order.includes('retry') && order.indexOf('breaker') > order.indexOf('retry')
      const circuitMs = hasCircuit ? 100 * 63_000 : 0
      // Nor does one call see a queue.
      if (order.includes('limiter')) expect(endedAt + circuitMs).toBeLessThanOrEqual(maxWaitMs)
      else expect(endedAt + circuitMs).toBe(maxWaitMs)
    },
  )

  it.each([
    [[], 106 * 63_000],
    [[makers.failover], 112 * 63_000],
  ])('counts the waits for a circuit that other calls open again and again', async (outside, waitMs) => {
    const breaker = circuitBreaker({ volumeThreshold: 1 })
    const hint = { 'retry-after': '60' }
    const fail = (): Promise<Response> => Promise.resolve(new Response(null, { status: 500, headers: hint }))
    let rejections = 0
    /** Another call, of the same model, whose failure comes just before each try of this one. */
    const other: Middleware = async (request, next, ctx) => {
      const isLast = outside.length === 0 || String(request.body).includes(fallback)
      const { length } = fetch.requests
      if (isLast && length % 7 === 6 && rejections < 100) {
        rejections++
        await breaker(request, fail, { ...ctx, options: Object.assign({}, ctx.options) })
      }
      return next(request)
    }
    const make = (): Middleware[] => [...outside.map((part) => part()), mostly429()]
    const fetch = fakeFetch({ script: () => ({ status: 429, retryAfter: 60 }) })
    const throughFetch: Middleware = ({ url, ...init }) => fetch(url, init)
    const { endedAt } = await play(bySdk, [...make(), other, breaker, throughFetch], [], { model: primary })
    expect(rejections).toBe(100)
    expect(endedAt).toBe(waitMs)
    expect(describeStack([...make(), breaker]).maxWaitMs).toBe(waitMs)
  })
})

const respond = (): string => 'Sorry.'
const own: typeof globalThis.fetch = (...input) => fakeFetch({ script: () => replies.overloaded })(...input)

describe('describe, of stacks with options', () => {
  it.each<[string, () => Middleware[]]>([
    [
      'the recommended order',
      () => {
        const telemetry = otel()
        return [
          telemetry,
          classify(),
          timeout({ totalMs: 100_000, attemptMs: false, firstTokenMs: false }),
          modelFailover({ to: [fallback] }),
          jitterRetry({ random }),
          rateLimit(),
          circuitBreaker(),
          streamGuard(),
          timeout(),
          telemetry,
        ]
      },
    ],
    [
      'a policy',
      () => [jitterRetry({ random, policy: { rate_limit: { retries: 2 }, overloaded: { retries: 0 } } })],
    ],
    ['more retries than steps', () => [jitterRetry({ random, policy: { overloaded: { retries: 5 } } })]],
    ['a short hint', () => [jitterRetry({ random, maxRetryAfterMs: 9999 })]],
    ['equal jitter', () => [jitterRetry({ random, jitter: 'equal' })]],
    ['decorrelated jitter', () => [jitterRetry({ random, jitter: 'decorrelated' })]],
    ['a circuit that opens soon', () => [jitterRetry({ random }), circuitBreaker({ volumeThreshold: 2 })]],
    [
      'a circuit that opens soon, and targets',
      () => [
        modelFailover({ to: [fallback] }),
        jitterRetry({ random }),
        circuitBreaker({ volumeThreshold: 2, resetMs: 20_000 }),
        streamGuard(),
      ],
    ],
    [
      'a circuit that opens soon, in a failover that comes back',
      () => [
        jitterRetry({ random }),
        modelFailover({ to: [fallback] }),
        circuitBreaker({ volumeThreshold: 1 }),
        streamGuard(),
      ],
    ],
    ['one that opens soon outside', () => [circuitBreaker({ volumeThreshold: 1 }), jitterRetry({ random })]],
    ['three targets', () => [modelFailover({ to: [fallback, 'a', 'b'] }), jitterRetry({ random })]],
    ['an answer of its own', () => [modelFailover({ to: [fallback, { respond }] }), jitterRetry({ random })]],
    [
      'a patch and another place',
      () => [
        modelFailover({
          to: [{ patch: { service_tier: 'standard_only' } }, { baseURL: 'https://eu.test', headers: {} }],
        }),
        jitterRetry({ random }),
        circuitBreaker({ volumeThreshold: 3 }),
      ],
    ],
    [
      'everything moves',
      () => [modelFailover({ to: [fallback], when: () => true }), jitterRetry({ random })],
    ],
    ['nothing moves', () => [modelFailover({ to: [fallback], when: () => false }), jitterRetry({ random })]],
    [
      'failover within failover',
      () => [
        modelFailover({ to: [fallback] }),
        modelFailover({ to: [{ patch: { service_tier: 'standard_only' } }] }),
        jitterRetry({ random }),
      ],
    ],
    ['a deadline', () => [jitterRetry({ random }), timeout({ totalMs: 12_000 })]],
    [
      'a deadline and targets',
      () => [modelFailover({ to: [fallback] }), jitterRetry({ random }), timeout({ totalMs: 50_000 })],
    ],
    [
      'a deadline and nothing kept for the next',
      () => [
        timeout({ totalMs: 50_000 }),
        modelFailover({ to: [fallback], reserveMs: 0 }),
        jitterRetry({ random }),
      ],
    ],
    [
      'a limiter with limits',
      () => [rateLimit({ limits: { '*': { requestsPerMinute: 20 } } }), jitterRetry({ random })],
    ],
    ['a limiter that waits little', () => [jitterRetry({ random }), rateLimit({ maxWaitMs: 500 })]],
    [
      'a limiter that waits little around a retry that waits less',
      () => [
        modelFailover({ to: [fallback] }),
        rateLimit({ maxWaitMs: 5000 }),
        jitterRetry({ random, maxRetryAfterMs: 20_000, jitter: 'equal' }),
        streamGuard(),
      ],
    ],
    ['a limit outside', () => [timeout({ attemptMs: 20_000 }), jitterRetry({ random })]],
    [
      'limits of a stream outside',
      () => [timeout({ firstTokenMs: 500 }), jitterRetry({ random }), streamGuard()],
    ],
    ['two retries', () => [jitterRetry({ random }), classify(), jitterRetry({ random })]],
    [
      'two retries around targets',
      () => [jitterRetry({ random }), makers.failover(), jitterRetry({ random })],
    ],
    ['two retries around a guard', () => [jitterRetry({ random }), streamGuard(), jitterRetry({ random })]],
    ['a guard that does not hold', () => [jitterRetry({ random }), streamGuard({ commit: 'headers' })]],
    ['a guard that holds little', () => [jitterRetry({ random }), streamGuard({ commit: 'message_start' })]],
    ['a guard that holds no byte', () => [jitterRetry({ random }), streamGuard({ maxPreambleBytes: 0 })]],
    ['two guards', () => [streamGuard(), jitterRetry({ random }), streamGuard()]],
  ])('%s', async (_, make) => {
    for (const [, clientOf] of seams) await expectTruth(make, () => clientOf)
    const { maxRequests, maxWaitMs, faults } = describeStack(make())
    for (const { requests, waitMs } of Object.values(faults)) {
      expect(requests).toBeLessThanOrEqual(maxRequests)
      expect(waitMs).toBeLessThanOrEqual(maxWaitMs)
    }
  })

  it('a limit outside of a retry and inside of another', async () => {
    const make = (): Middleware[] => [
      jitterRetry({ random }),
      timeout({ attemptMs: 4000 }),
      jitterRetry({ random }),
    ]
    // In the other seam the inner one takes the retries of the outer one for the SDK's, and leaves it at one try.
    await expectTruth(make, () => bySdk)
  })

  it('asks past what stands inside for a target with a fetch of its own', async () => {
    const make = (): Middleware[] => [
      modelFailover({ to: [{ fetch: own, name: 'own' }] }),
      jitterRetry({ random }),
    ]
    const { requests: _, ...expected } = told(describeStack(make()).faults.overloaded)
    const outcome = await play(bySdk, make(), () => 529, { model: primary })
    expect(measured(outcome)).toMatchObject(expected)
    expect(outcome.call.attempts).toHaveLength(describeStack(make()).faults.overloaded.requests)
  })
})

describe('describe, of any stack and whatever upstream answers', () => {
  const part = fc.oneof(
    fc
      .record({
        retries: fc.integer({ min: 0, max: 4 }),
        circuit: fc.integer({ min: 0, max: 2 }),
        connection: fc.integer({ min: 0, max: 2 }),
        maxRetryAfterMs: fc.constantFrom(0, 5000, 60_000),
        jitter: fc.constantFrom('full', 'equal', 'decorrelated'),
      })
      .map(({ retries, circuit, connection, ...options }) => () => {
        const policy = {
          rate_limit: { retries },
          connection: { retries: connection },
          circuit_open: { retries: circuit },
        }
        return jitterRetry({ random, policy, ...options })
      }),
    fc
      .record({ volumeThreshold: fc.integer({ min: 0, max: 5 }), resetMs: fc.constantFrom(0, 1000, 70_000) })
      .map((options) => () => circuitBreaker(options)),
    fc
      .record({
        to: fc.constantFrom([fallback], [fallback, 'other']),
        cooldownMs: fc.constantFrom(0, 30_000),
      })
      .map((options) => () => modelFailover(options)),
    fc.constant(makers.guard),
    fc.constantFrom(0, 1000, 60_000).map((maxWaitMs) => () => rateLimit({ maxWaitMs })),
    fc
      .constantFrom<number | false>(5000, 100_000, false)
      .map((totalMs) => () => timeout({ totalMs, attemptMs: 300_000 })),
    fc.constant(() => classify()),
  )
  const reply = fc.constantFrom<Reply>(
    200,
    401,
    409,
    429,
    { status: 429, retryAfter: 5 },
    { status: 429, retryAfter: 60 },
    500,
    { status: 500, retryAfter: 60 },
    529,
    529,
    { status: 529, retryAfter: 30 },
    { network: 'refused' },
    { network: 'reset' },
    { fault: { kind: 'error', at: 1 } },
    { fault: { kind: 'end', at: 1 } },
    { fault: { kind: 'cut', at: 4 }, deltaChars: 1 },
  )

  it('says no less than what happens', async () => {
    const stacks = fc.array(part, { minLength: 1, maxLength: 5 })
    const scripts = fc.array(reply, { minLength: 1, maxLength: 6 })
    await fc.assert(
      fc.asyncProperty(stacks, scripts, fc.boolean(), fc.boolean(), async (make, script, isStale, stream) => {
        const stack = make.map((one) => one())
        const { maxRequests, maxWaitMs } = describeStack(stack)
        const inside = isStale ? [staleOnce()] : []
        // The script over and over.
        const next: ScriptFunction = ({ index }) => script[index % script.length]
        const { call, endedAt } = await play(bySdk, [...stack, ...inside], next, { model: primary, stream })
        expect(call.attempts.length).toBeLessThanOrEqual(maxRequests)
        expect(endedAt).toBeLessThanOrEqual(maxWaitMs)
      }),
      { numRuns: 300 },
    )
  }, 60_000)
})

const path = new URL('../../../docs/choosing-an-order.md', import.meta.url)

/** The rows of the table behind a marker, without its head. */
function tableOf(page: string, name: string): string[] {
  const lines = page.split('\n')
  const from = lines.indexOf(`<!-- table:${name} -->`) + 4
  const to = lines.findIndex((line, index) => index >= from && line === '')
  return lines.slice(from, to)
}

/** Whether the page has what was measured; with `UPDATE_DOCS=1` it gets it. `npm run format` aligns the columns. */
function expectInPage(name: string, rows: readonly (readonly string[])[]): void {
  const page = readFileSync(path, 'utf8')
  const lines = rows.map((cells) => `| ${cells.join(' | ')} |`)
  const old = tableOf(page, name)
  if (process.env['UPDATE_DOCS'] === '1') {
    writeFileSync(path, page.replace(old.join('\n'), lines.join('\n')))
  } else {
    expect(old.map((line) => line.replaceAll(/ +/g, ' '))).toEqual(lines)
  }
}

const named = {
  circuitBreaker: makers.breaker,
  jitterRetry: makers.retry,
  modelFailover: makers.failover,
  streamGuard: makers.guard,
  timeout: () => timeout({ attemptMs: 60_000, firstTokenMs: false }),
} satisfies Record<string, () => Middleware>

/** The stack of a row: ``\`jitterRetry → timeout\```. */
function stackOfRow(row: string): Middleware[] {
  const names = row.replace(/^.*`(.*)`.*$/, '$1').split(' → ')
  return names.flatMap((name) =>
    Object.entries(named).flatMap(([known, make]) => (known === name ? make() : [])),
  )
}

const inTime = (requests: number, ms: number): string =>
  ms === 0 ? String(requests) : `${requests} in ${ms / 1000} s`

describe('the numbers of docs/choosing-an-order.md (UPDATE_DOCS=1 rewrites the tables)', () => {
  it('are those of one call', async () => {
    const hasty = 'the same, one retry of a 429'
    const orders = [
      'nothing',
      '`jitterRetry`',
      '`modelFailover`',
      '`modelFailover → jitterRetry`',
      hasty,
      '`jitterRetry → modelFailover`',
      '`modelFailover → jitterRetry → streamGuard`',
      '`jitterRetry → modelFailover → streamGuard`',
      '`streamGuard → modelFailover → jitterRetry`',
    ]
    const rows: string[][] = []
    for (const order of orders) {
      const policy = { rate_limit: { retries: 1 } }
      const make = (): Middleware[] =>
        order === hasty ? [makers.failover(), jitterRetry({ random, policy })] : stackOfRow(order)
      const cells: string[] = []
      for (const alone of [false, true]) {
        for (const name of ['rate_limit', 'overloaded', 'stream_cut_early'] as const) {
          const script: ScriptFunction = (request) =>
            alone && !isOfPrimary(request) ? undefined : replies[name]
          const stream = name === 'stream_cut_early'
          const { requests, waitMs, outcome } = measured(
            await play(bySdk, make(), script, { model: primary, stream }),
          )
          const end = outcome === 'broken_stream' ? ', broken' : outcome === 'answer' ? ', answered' : ''
          cells.push(`${inTime(requests, waitMs)}${end}`)
        }
      }
      rows.push([order, ...cells])
    }
    expectInPage('orders', rows)
  })

  /** Sixty calls, one a second, whose answers are 500 for 20 s: requests, calls that were answered, and the longest of them. */
  async function playOutage(
    stack: Middleware[],
    primaryOnly: boolean,
  ): Promise<[sent: number, answered: number, longestMs: number]> {
    const fetch = fakeFetch({
      script: (request) => (request.at < 20_000 && (!primaryOnly || isOfPrimary(request)) ? 500 : undefined),
    })
    const client = bySdk({ middleware: stack, fetch })
    const calls: { ms: number; isAnswered: boolean }[] = []
    for (let index = 0; index < 60; index++) {
      setTimeout(() => {
        const startedAt = Date.now()
        const end = (isAnswered: boolean) => () => void calls.push({ ms: Date.now() - startedAt, isAnswered })
        client.messages.create({ ...params, model: primary }).then(end(true), end(false))
      }, 1000 * index)
    }
    while (calls.length < 60) await vi.advanceTimersToNextTimerAsync()
    const answered = calls.filter(({ isAnswered }) => isAnswered).length
    return [fetch.requests.length, answered, Math.max(...calls.map(({ ms }) => ms))]
  }

  it('are those of an outage', async () => {
    const rows: string[][] = []
    for (const order of [
      '`jitterRetry`',
      '`circuitBreaker → jitterRetry`',
      '`jitterRetry → circuitBreaker`',
    ]) {
      const [sent, answered, longestMs] = await playOutage(stackOfRow(order), false)
      rows.push([order, String(sent), String(answered), `${(longestMs / 1000).toFixed(1)} s`])
    }
    expectInPage('outage', rows)
    const failover = (): Middleware => modelFailover({ to: [fallback], cooldownMs: 0 })
    const [outside] = await playOutage([makers.breaker(), failover(), makers.retry()], true)
    const [inside] = await playOutage([failover(), makers.retry(), makers.breaker()], true)
    const page = readFileSync(path, 'utf8').replaceAll('\n', ' ')
    expect(page).toContain(`modelFailover, jitterRetry\` sends ${outside} requests and`)
    expect(page).toContain(`modelFailover, jitterRetry, circuitBreaker\` ${inside}.`)
    const [, answeredOutside] = await playOutage(stackOfRow('`circuitBreaker → jitterRetry`'), false)
    const [, answeredInside] = await playOutage(stackOfRow('`jitterRetry → circuitBreaker`'), false)
    expect(page).toContain(`between ${answeredInside} and ${answeredOutside} answered calls of 60`)
  })

  it('are those of a request that hangs', async () => {
    const rows: string[][] = []
    for (const order of [
      '`timeout → jitterRetry`',
      '`jitterRetry → timeout`',
      '`timeout → modelFailover → jitterRetry`',
      '`modelFailover → timeout → jitterRetry`',
      '`modelFailover → jitterRetry → timeout`',
    ]) {
      const script: ScriptFunction = (request) => (isOfPrimary(request) ? { network: 'hang' } : undefined)
      const { requests, endedAt, value } = await play(bySdk, stackOfRow(order), script, { model: primary })
      const end = value instanceof Anthropic.APIConnectionTimeoutError ? 'a time-out' : endOf(value).outcome
      rows.push([order, String(requests.length), `${endedAt / 1000} s`, end === 'answer' ? 'an answer' : end])
    }
    expectInPage('hang', rows)
  })

  it('and the text of describe stand in the page', () => {
    const page = readFileSync(path, 'utf8')
    const stack = [modelFailover({ to: [fallback] }), jitterRetry(), streamGuard()]
    const { text, maxRequests, warnings, faults } = describeStack(stack)
    expect(page).toContain(`\`\`\`text\n${text}\n\`\`\``)
    expect([maxRequests, warnings]).toEqual([14, []])
    expect(faults.overloaded.primaryOnly?.waitMs).toBe(0)
  })

  it('are reached by the link of each warning', () => {
    const page = readFileSync(path, 'utf8')
    const anchors = [...page.matchAll(/^### (.*)$/gm)].map(([, title = '']) =>
      title.toLowerCase().replaceAll(' ', '-'),
    )
    const refusal: Middleware = (request, next) => next(request)
    Object.defineProperty(refusal, 'name', { value: 'betaRefusalFallbackMiddleware' })
    const stacks = [
      [makers.retry(), makers.failover()],
      [makers.breaker(), makers.retry()],
      [makers.breaker(), makers.failover()],
      [makers.guard(), makers.retry()],
      [timeout({ attemptMs: 1000 }), makers.retry()],
      [makers.retry(), otel()],
      [makers.failover(), refusal],
      [makers.retry(), makers.retry()],
      [makers.breaker(), makers.breaker()],
      [makers.guard(), makers.guard()],
      [classify(), classify()],
      [rateLimit(), rateLimit()],
    ]
    const linked = stacks.map((stack) => {
      const { warnings } = describeStack(stack)
      expect(warnings).toHaveLength(1)
      return /See docs\/choosing-an-order\.md#([a-z-]+)$/.exec(warnings[0] ?? '')?.[1]
    })
    expect(new Set(linked)).toEqual(new Set(anchors))
  })
})
