import { env } from 'node:process'
import { circuitBreaker } from '@breakwater/circuit-breaker'
import { classify } from '@breakwater/classify'
import { createFetch } from '@breakwater/core'
import { jitterRetry } from '@breakwater/jitter-retry'
import { modelFailover } from '@breakwater/model-failover'
import { otel } from '@breakwater/otel'
import { rateLimit } from '@breakwater/rate-limit'
import { streamGuard } from '@breakwater/stream-guard'
import { fakeFetch } from '@breakwater/testkit'
import { timeout } from '@breakwater/timeout'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { catalogue } from './catalogue.ts'
import { installClock, type VirtualClock } from './clock.ts'
import { examine, newTally } from './examine.ts'
import { fallback, primary, type Fault } from './fault.ts'
import { predict, type Setting } from './model/predict.ts'
import { basicOrders, furtherOrders, samplePlan } from './plan.ts'
import { lawTable, samplesOf } from './report.ts'
import type { Part } from './stack.ts'

/** Another one by `ORDERS_SEED=2 npm test -- tests`; the whole lab is `npm run lab:orders`. */
const seed = Number(env['ORDERS_SEED'] ?? 1)

describe('the order lab', () => {
  let clock: VirtualClock
  beforeAll(() => {
    clock = installClock()
  })
  afterAll(() => clock.uninstall())

  it('finds the laws and the model’s prediction kept, for each fault under stacks drawn by the seed', async () => {
    const tally = newTally()
    for (const job of samplePlan(seed)) await examine(job, clock, tally)
    expect(samplesOf(tally, 5), `seed ${seed}`).toEqual([])
    // Nothing was left out.
    expect(tally.runs).toBeGreaterThan(700)
    expect(tally.checks.size).toBe(17)
    for (const count of tally.checks.values()) expect(count).toBeGreaterThan(100)
  }, 120_000)
})

describe('law 8: options are checked once, in the factory', () => {
  it.each<[make: () => unknown, option: string, value: string]>([
    [() => classify({ rules: 7 as never }), 'rules', '7'],
    [() => jitterRetry({ maxRetryAfterMs: -1 }), 'maxRetryAfterMs', '-1'],
    [() => circuitBreaker({ resetMs: NaN }), 'resetMs', 'NaN'],
    [() => modelFailover({ to: [] }), 'to', 'an array of 0'],
    [() => otel({ callSpan: 'any' as never }), 'callSpan', '"any"'],
    [() => streamGuard({ maxPreambleMs: -1 }), 'maxPreambleMs', '-1'],
    [() => timeout({ attemptMs: 0 }), 'attemptMs', '0'],
    [() => rateLimit({ maxWaitMs: -1 }), 'maxWaitMs', '-1'],
  ])('%# names the option and the value', (make, option, value) => {
    expect(make).toThrow(TypeError)
    expect(make).toThrow(new RegExp(`\`${option}\`.*got ${value.replaceAll('"', '\\"')}`))
  })

  it('takes zero for a value', async () => {
    const fetch = fakeFetch({ script: [{ status: 429, retryAfter: 1 }] })
    const stack = [
      jitterRetry({ maxRetryAfterMs: 0 }),
      rateLimit({ maxQueue: 0 }),
      modelFailover({ to: ['x'], cooldownMs: 0 }),
    ]
    const answer = await createFetch(stack, { fetch })('https://api.anthropic.com/v1/messages', {
      method: 'POST',
    })
    expect([answer.status, fetch.requests.length]).toEqual([429, 1])
  })
})

describe('the plan of the order lab', () => {
  it('has every ordered subset of five, and each fault once', () => {
    expect(basicOrders).toHaveLength(326)
    expect(new Set(basicOrders.map(String)).size).toBe(326)
    expect(new Set(catalogue.map(({ name }) => name)).size).toBe(catalogue.length)
    expect(catalogue.length).toBeGreaterThanOrEqual(40)
  })

  it('draws the same further stacks for the same seed, each of eight parts at each place', () => {
    const orders = furtherOrders(seed, 30)
    expect(furtherOrders(seed, 30)).toEqual(orders)
    expect(furtherOrders(seed + 1, 30)).not.toEqual(orders)
    for (const part of ['guard', 'timeout', 'rateLimit'] as const) {
      const places = orders.filter((order) => order.includes(part)).map((order) => order.indexOf(part))
      expect(new Set(places).size).toBeGreaterThanOrEqual(6)
    }
  })
})

describe('the reference model', () => {
  const faultOf = (name: string): Fault => {
    const found = catalogue.find((fault) => fault.name === name)
    if (found === undefined) throw new Error(`There is no fault ${name}.`)
    return found
  }
  const says = (order: readonly Part[], name: string, more: Partial<Setting> = {}) => {
    const setting = {
      order,
      fault: faultOf(name),
      client: 'middleware',
      maxRetries: 0,
      random: 1,
      ...more,
    } as const
    const { endings, sent } = predict({ model: primary, ...setting })
    const asked = sent.map(({ model }) => (model === primary ? 'primary' : 'fallback'))
    return [endings[0], asked.join(' '), sent.map(({ at }) => at)]
  }

  // The tables of the design and of the READMEs, by hand.
  it.each<[order: Part[], fault: string, ...expected: unknown[]]>([
    [[], '529, for ever', 'status 529', 'primary', [0]],
    [
      ['retry'],
      '529, for ever',
      'status 529',
      'primary primary primary primary primary primary primary',
      [0, 500, 1500, 3500, 8500, 23_500, 68_500],
    ],
    [['retry'], '500, for ever', 'status 500', 'primary primary', [0, 1000]],
    [['retry'], '401, for ever', 'status 401', 'primary', [0]],
    [['retry'], '429, in 4 days, for ever', 'status 429', 'primary', [0]],
    [['failover'], '529, of the primary', `answer of ${fallback}`, 'primary fallback', [0, 0]],
    [['failover', 'retry'], '529, of the primary', `answer of ${fallback}`, 'primary fallback', [0, 0]],
    [
      ['failover', 'retry'],
      '503, of the primary',
      `answer of ${fallback}`,
      'primary primary fallback',
      [0, 1000, 1000],
    ],
    [['retry', 'failover'], '503, of the primary', `answer of ${fallback}`, 'primary fallback', [0, 0]],
    [
      ['failover', 'retry'],
      '529, for ever',
      'status 529',
      'primary fallback fallback fallback fallback fallback fallback fallback',
      [0, 0, 500, 1500, 3500, 8500, 23_500, 68_500],
    ],
    [
      ['retry', 'guard'],
      'a stream overloaded at event 1, once',
      `answer of ${primary}`,
      'primary primary',
      [0, 500],
    ],
    [['guard', 'retry'], 'a stream overloaded at event 1, once', 'status 529', 'primary', [0]],
    [['retry', 'timeout'], 'no answer, for ever', 'too late', 'primary primary', [0, 22_000]],
    [['timeout', 'retry'], 'no answer, for ever', 'too late', 'primary', [0]],
    [
      ['breaker', 'retry'],
      'a connection refused, for ever',
      'connection failed',
      'primary primary primary primary',
      [0, 500, 1500, 3500],
    ],
    [['retry'], 'an abort while there is no answer', 'aborted', 'primary', [0]],
  ])('says of %j under %s what stands there', (order, fault, ...expected) => {
    expect(says(order, fault)).toEqual(expected)
  })

  it('knows the SDK’s own retries, and that a retry of ours spares them', () => {
    expect(says([], '529, for ever', { maxRetries: 2 })[1]).toBe('primary primary primary')
    expect(says(['retry'], '529, for ever', { maxRetries: 2 })[2]).toHaveLength(7)
    expect(says(['retry'], 'a connection refused, for ever', { maxRetries: 2 })[2]).toHaveLength(4)
    expect(
      says(['retry'], 'a connection refused, for ever', { maxRetries: 2, client: 'createFetch' })[2],
    ).toHaveLength(6)
  })
})

describe('the report of the order lab', () => {
  const tally = {
    runs: 2,
    checks: new Map([
      ['2 two', 1200],
      ['1 one', 3],
    ]),
    violations: [
      { law: '1 one', run: '[retry] 529', what: 'two' },
      { law: '1 one', run: '[] 529', what: 'three' },
    ],
  }

  it('counts checks and violations by law', () => {
    const lines = [
      '| law   | checks | violations |',
      '| ----- | -----: | ---------: |',
      '| 1 one |      3 |          2 |',
    ]
    expect(lawTable(tally).split('\n')).toEqual([...lines, '| 2 two |  1,200 |          0 |'])
    expect(samplesOf(tally, 1)).toEqual(['1 one: 2', '  [retry] 529: two'])
  })
})
