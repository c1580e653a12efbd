import { classification, type Category, type Details } from '@breakwater/classify'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { decide, newTally, type Circumstances, type Settings } from './decide.ts'
import { settingsOf, type JitterRetryOptions } from './options.ts'
import { retryPolicy } from './policy.ts'
import { retryBudget } from './retry-budget.ts'

const usual: Circumstances = { isReplayable: true, isStale: false, hasTarget: false, remainingMs: Infinity }
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
    fc.assert(
      fc.property(fc.array(fc.tuple(category, fc.boolean()), { maxLength: 40 }), (list) => {
        const tally = newTally()
        for (const [name, isStale] of list) {
          if (name !== 'circuit_open') tally.sent++
          if (!decide(classification(name), { ...usual, isStale }, tally, settings()).retry) break
        }
        expect(tally.sent).toBeLessThanOrEqual(1 + 5)
        expect(tally.made.get('circuit_open') ?? 0).toBeLessThanOrEqual(8)
      }),
    )
  })

  it('lets no circuit wait send more than that, when a failover behind it has sent', () => {
    const tally = newTally()
    const decisions = Array.from({ length: 9 }, () => {
      tally.sent++
      return decide(classification('circuit_open', { retryAfterMs: 100 }), usual, tally, settings()).retry
    })
    expect(decisions.filter(Boolean)).toHaveLength(5)
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
})
