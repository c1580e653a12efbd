import { classification, type Category, type Details } from '@breakwater/classify'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { decide, newTally, type Circumstances, type Settings } from './decide.ts'
import { settingsOf, type JitterRetryOptions } from './options.ts'
import { retryPolicy } from './policy.ts'
import { retryBudget } from './retry-budget.ts'

const usual: Circumstances = {
  isReplayable: true,
  isStale: false,
  hasTarget: false,
  remainingMs: Infinity,
  openMs: undefined,
}
const settings = (options: JitterRetryOptions = {}): Settings =>
  settingsOf({ random: () => 1, budget: false, ...options })
const failures = (...names: (Category | [Category, Details])[]) =>
  names.map((name) => (typeof name === 'string' ? classification(name) : classification(...name)))

/** The waits and the last reason of a run of failures, each of them sent upstream. */
function run(
  list: ReturnType<typeof failures>,
  options?: JitterRetryOptions,
  parts: Partial<Circumstances> = {},
) {
  const tally = newTally()
  const made = settings(options)
  const seen: unknown[] = []
  for (const failure of list) {
    if (failure.category !== 'circuit_open') tally.sent++
    const decision = decide(failure, { ...usual, ...parts }, tally, made)
    seen.push(decision.retry ? decision.waitMs : decision.reason)
    if (!decision.retry) break
  }
  return seen
}

describe('decide', () => {
  it('counts by category, and ends at the largest allowance met', () => {
    expect(run(failures('server_error', 'conflict'))).toEqual([1000, 'attempts'])
    expect(run(failures('conflict', 'rate_limit', 'server_error', 'server_error'))).toEqual([
      500,
      1000,
      1000,
      'attempts',
    ])
    const ambiguous: [Category, Details] = ['connection', { replay: 'ambiguous' }]
    expect(run(failures(ambiguous, ambiguous))).toEqual([500, 'attempts'])
    expect(run(failures('connection', ambiguous, 'connection', 'connection'))).toEqual([
      500,
      1000,
      2000,
      'attempts',
    ])
    expect(run(failures('connection', ambiguous, ambiguous))).toEqual([500, 1000, 'attempts'])
  })

  it('takes the waits for a circuit for no budget', () => {
    expect(run(failures('circuit_open', 'conflict', 'server_error'))).toEqual([1000, 500, 'attempts'])
    expect(run(failures('circuit_open'), { budget: retryBudget({ capacity: 0 }) })).toEqual([1000])
  })

  it('never sends more upstream retries than the policy’s largest row, whatever comes', () => {
    const category = fc.constantFrom(...(Object.keys(retryPolicy) as Category[]))
    const openMs = fc.option(fc.constant(2000), { nil: undefined })
    fc.assert(
      fc.property(fc.array(fc.tuple(category, fc.boolean(), openMs), { maxLength: 40 }), (list) => {
        const tally = newTally()
        for (const [name, isStale, openMs] of list) {
          if (name !== 'circuit_open') tally.sent++
          if (!decide(classification(name), { ...usual, isStale, openMs }, tally, settings()).retry) break
        }
        expect(tally.sent).toBeLessThanOrEqual(1 + 6)
        expect(tally.made.get('circuit_open') ?? 0).toBeLessThanOrEqual(100)
      }),
    )
  })

  it('lets no circuit wait send more than that, when a failover behind it has sent', () => {
    const tally = newTally()
    const decisions = Array.from({ length: 9 }, () => {
      tally.sent++
      return decide(classification('circuit_open', { retryAfterMs: 100 }), usual, tally, settings()).retry
    })
    expect(decisions.filter(Boolean)).toHaveLength(6)
  })

  it('retries a closed keep-alive connection once more than its allowance, at once and unpaid', () => {
    const ambiguous: [Category, Details] = ['connection', { replay: 'ambiguous' }]
    expect(run(failures(ambiguous, ambiguous, ambiguous), {}, { isStale: true })).toEqual([
      0,
      500,
      'attempts',
    ])
    const none = { policy: { connection: { retries: 0 } } }
    expect(run(failures(ambiguous), none, { isStale: true })).toEqual(['attempts'])
  })

  it.each<[string, Category, Details, Partial<Circumstances>, unknown]>([
    ['a category without a row', 'not_found', { retry: 'once' }, {}, 'attempts'],
    ['a spent body', 'overloaded', {}, { isReplayable: false }, 'not_replayable'],
    ['patience with a target', 'overloaded', {}, { hasTarget: true }, undefined],
    ['a circuit with a target', 'circuit_open', {}, { hasTarget: true }, undefined],
    ['a rate limit with a target', 'rate_limit', {}, { hasTarget: true }, 1000],
    ['a hint', 'rate_limit', { retryAfterMs: 2000 }, {}, 2200],
    ['a hint at the limit', 'rate_limit', { retryAfterMs: 60_000 }, {}, 63_000],
    ['a hint above it', 'rate_limit', { retryAfterMs: 60_001 }, {}, 'hint_too_long'],
    ['a circuit’s own hint above it', 'circuit_open', { retryAfterMs: 60_001 }, {}, 'hint_too_long'],
    ['a wait that just fits', 'rate_limit', {}, { remainingMs: 1001 }, 1000],
    ['a wait that does not', 'rate_limit', {}, { remainingMs: 1000 }, 'deadline'],
    ['no time at all', 'connection', {}, { isStale: true, remainingMs: 0 }, 'deadline'],
  ])('%s', (_name, category, details, parts, expected) => {
    expect(run(failures([category, details]), {}, parts)).toEqual([expected])
  })

  it('asks the budget last, so that nothing is paid for a retry that is not made', () => {
    const budget = { left: 1, take: () => expect.fail('paid'), succeed: () => {} }
    expect(run(failures('overloaded'), { budget }, { remainingMs: 1 })).toEqual(['deadline'])
  })

  it.each<[string, Category, Details, Partial<Circumstances>, unknown]>([
    ['patience that no failover helps', 'overloaded', { failover: false }, { hasTarget: true }, 500],
    ['its code', 'server_error', { retry: 'patient', failover: false }, { hasTarget: true }, 1000],
  ])('waits in place: %s', (_name, category, details, parts, expected) => {
    expect(run(failures([category, details]), {}, parts)).toEqual([expected])
  })
})

describe('decide, of a failure that has left its circuit open', () => {
  const open = { openMs: 2000 }

  it('waits for the circuit, and longer the more often it has found that open', () => {
    const all = (category: Category) => failures(...Array.from({ length: 8 }, () => category))
    const steps = [2200, 2200, 2200, 5000, 15_000, 45_000, 'attempts']
    expect(run(all('overloaded'), {}, open)).toEqual(steps)
    const doubling = [2200, 2200, 4000, 8000, 16_000, 32_000, 'attempts']
    expect(run(all('server_error'), {}, open)).toEqual(doubling)
    expect(run(all('connection'), {}, open)).toEqual([2200, 2200, 2200, 4000, 8000, 16_000, 'attempts'])
    const few = { policy: { circuit_open: { retries: 2 } } }
    expect(run(all('server_error'), few, open)).toEqual([2200, 2200, 'attempts'])
  })

  it('is a wait for the circuit, and costs nothing', () => {
    const tally = newTally()
    tally.sent = 1
    const made = settings({ budget: retryBudget({ capacity: 0 }) })
    expect(decide(classification('server_error'), { ...usual, ...open }, tally, made)).toEqual({
      retry: true,
      waitMs: 2200,
      reason: 'circuit',
    })
    expect([...tally.made]).toEqual([['circuit_open', 1]])
    expect(tally.charged).toBe(false)
  })

  it('counts the tries that were sent, and not those that were refused', () => {
    const tally = newTally()
    const refused = classification('circuit_open', { retryAfterMs: 2000 })
    for (let wait = 0; wait < 5; wait++) decide(refused, usual, tally, settings())
    tally.sent = 1
    const decision = decide(classification('server_error'), { ...usual, ...open }, tally, settings())
    expect(decision).toMatchObject({ retry: true, waitMs: 2200 })
  })

  it('leaves the category what it may do where the circuit is closed', () => {
    const tally = newTally()
    const waits = [2000, undefined, undefined].map((openMs) => {
      tally.sent++
      const decision = decide(classification('server_error'), { ...usual, openMs }, tally, settings())
      return decision.retry ? [decision.waitMs, decision.reason] : decision.reason
    })
    expect(waits).toEqual([[2200, 'circuit'], [1000, 'backoff'], 'attempts'])
  })

  it.each<[string, Category, Details, Partial<Circumstances>, JitterRetryOptions, unknown[]]>([
    // Of these two tries one may have been billed already.
    ['what may have been billed', 'connection', { replay: 'ambiguous' }, {}, {}, [500, 'attempts']],
    ['a time-out', 'timeout', {}, {}, {}, [1000, 'attempts']],
    ['a verdict of once', 'connection', { retry: 'once' }, {}, {}, [500, 'attempts']],
    ['a closed connection', 'connection', {}, { isStale: true }, {}, [0, 500]],
    ['no row', 'server_error', {}, {}, { policy: { server_error: { retries: 0 } } }, ['attempts']],
    ['no waits', 'server_error', {}, {}, { policy: { circuit_open: { retries: 0 } } }, [1000, 'attempts']],
  ])('keeps to its own row: %s', (_name, category, details, parts, options, expected) => {
    const twice = failures([category, details], [category, details])
    expect(run(twice, options, { ...open, ...parts })).toEqual(expected)
  })

  it.each<[string, Category, Details, Partial<Circumstances>, unknown]>([
    ['with a target it yields', 'server_error', {}, { hasTarget: true }, undefined],
    ['but not to one that does not help', 'server_error', { failover: false }, { hasTarget: true }, 1000],
    ['the hint of the server is a floor', 'overloaded', { retryAfterMs: 10_000 }, {}, 11_000],
    ['one that is too long', 'overloaded', { retryAfterMs: 60_001 }, {}, 'hint_too_long'],
    ['a circuit that is open for too long', 'overloaded', {}, { openMs: 60_001 }, 'hint_too_long'],
    ['the deadline', 'overloaded', {}, { remainingMs: 2200 }, 'deadline'],
    ['a spent body', 'overloaded', {}, { isReplayable: false }, 'not_replayable'],
  ])('%s', (_name, category, details, parts, expected) => {
    expect(run(failures([category, details]), {}, { ...open, ...parts })).toEqual([expected])
  })
})
