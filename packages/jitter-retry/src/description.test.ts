import { describe as describeStack, withDescription, type Middleware, type Worst } from '@breakwater/core'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { longestOf } from './description.ts'
import { jitterRetry } from './jitter-retry.ts'

const stand = (name: string, worst?: Worst): Middleware =>
  withDescription((request, next) => next(request), { name, ...(worst && { worst: () => worst }) })
const breaker = stand('circuitBreaker')
const failover = stand('modelFailover')
/** What a middleware outside is told of the inside. */
function worstOf(...inside: readonly Middleware[]): Worst {
  let seen: Worst | undefined
  const look = withDescription((request, next) => next(request), {
    name: 'look',
    worst: (worst) => (seen ??= worst),
  })
  describeStack([look, ...inside])
  if (seen === undefined) throw new Error('Nobody has looked.')
  return seen
}
const none = { retries: 0 }
const onlyConnection = { rate_limit: none, overloaded: none, request_timeout: none }

describe('the worst case of jitterRetry', () => {
  it('has waits for a circuit only with a breaker inside', () => {
    expect(worstOf(jitterRetry()).maxWaitMs).toBe(6 * 63_000)
    expect(worstOf(breaker, jitterRetry()).maxWaitMs).toBe(6 * 63_000)
    expect(worstOf(jitterRetry(), breaker).maxWaitMs).toBe((6 + 100) * 63_000)
    const fewer = { circuit_open: { retries: 2, capMs: 100_000, baseMs: 100_000 } }
    expect(worstOf(jitterRetry({ policy: fewer }), breaker).maxWaitMs).toBe(6 * 63_000 + 2 * 100_000)
    const noHints = jitterRetry({ maxRetryAfterMs: 0, policy: { circuit_open: { retries: 3 } } })
    expect(worstOf(noHints, breaker).maxWaitMs).toBe(68_500 + 3 * 4000 + 6 * (45_000 - 4000))
  })

  it('has neither those nor patient waits while a failover outside has another target', () => {
    const policy = { rate_limit: { retries: 1 }, overloaded: { stepsMs: [200_000] } }
    const retry = jitterRetry({ policy, maxRetryAfterMs: 10_000 })
    // Of request_timeout two waits, of connection three.
    expect(worstOf(retry, breaker)).toMatchObject({
      // A try that leaves the circuit open may wait as its own row says.
      maxWaitMs: 200_000 + 2 * 11_000 + 100 * 11_000 + 3 * (200_000 - 11_000),
      maxWaitToMoveMs: 3 * 11_000,
    })
    const withOther = { ...policy, overloaded: none, server_error: { retries: 3, baseMs: 40_000 } }
    const { maxWaitMs, maxWaitToMoveMs } = worstOf(jitterRetry({ policy: withOther, maxRetryAfterMs: 0 }))
    expect([maxWaitMs, maxWaitToMoveMs]).toEqual([160_000, 160_000])
  })

  it('draws the longest waits of the jitter', () => {
    const policy = { ...onlyConnection, connection: { retries: 3, baseMs: 1000, capMs: 5000 } }
    const waits = (jitter: 'full' | 'equal' | 'decorrelated'): number =>
      worstOf(jitterRetry({ policy, jitter, maxRetryAfterMs: 0 })).maxWaitMs
    expect([waits('full'), waits('equal'), waits('decorrelated')]).toEqual([7000, 7000, 13_000])
  })

  it('multiplies what stands inside, but not what is sent once a call', () => {
    const inside = stand('inside', { maxRequests: 3, maxWaitMs: 10, maxWaitToMoveMs: 4, sentOnce: 1 })
    const plain = { policy: { ...onlyConnection, connection: { retries: 1, baseMs: 5 } }, maxRetryAfterMs: 0 }
    expect(
      worstOf(
        jitterRetry({
          ...plain,
          policy: { ...plain.policy, timeout: none, server_error: none, conflict: none },
        }),
        inside,
      ),
    ).toEqual({
      maxRequests: 2 * 2 + 1,
      maxWaitMs: 2 * 10 + 5,
      maxWaitToMoveMs: 2 * 4 + 5,
      sentOnce: 1,
      turns: 2 * 3,
    })
    // A refused try has waited inside as well.
    expect(worstOf(jitterRetry({ maxRetryAfterMs: 0 }), breaker, inside).maxWaitMs).toBe(
      68_500 + 100 * 5000 + 6 * (45_000 - 5000) + (7 + 100) * 10,
    )
  })

  it('takes a turn for each try, also for one that meets an open circuit', () => {
    expect(worstOf(jitterRetry()).turns).toBe(7)
    expect(worstOf(jitterRetry(), breaker).turns).toBe(7 + 100)
    const inside = stand('inside', { maxRequests: 9, maxWaitMs: 0, turns: 2 })
    expect(worstOf(jitterRetry(), inside).turns).toBe(14)
  })

  it('does not multiply with another one, unless somebody stands between who changes outcomes', () => {
    const classify = stand('classify')
    expect(worstOf(jitterRetry(), jitterRetry())).toMatchObject({ maxRequests: 7, maxWaitMs: 378_000 })
    expect(worstOf(jitterRetry(), classify, stand('otel'), jitterRetry(), breaker)).toMatchObject({
      maxRequests: 7,
      maxWaitMs: 6_678_000,
    })
    for (const name of ['streamGuard', 'timeout', 'circuitBreaker', 'modelFailover', 'theirs']) {
      expect(worstOf(jitterRetry(), stand(name), jitterRetry()).maxRequests).toBe(49)
    }
  })

  it('leaves a closed connection that it does not send again to a failover outside', () => {
    const policy = { connection: none }
    expect(worstOf(failover, jitterRetry({ policy })).maxRequests).toBe(8)
    expect(worstOf(jitterRetry({ policy })).maxRequests).toBe(7)
    expect(worstOf(failover, jitterRetry()).maxRequests).toBe(7)
    expect(
      worstOf(failover, jitterRetry({ policy: { ...onlyConnection, connection: none } })).maxRequests,
    ).toBe(3)
    expect(describeStack([jitterRetry({ policy }), failover]).maxRequests).toBe(7)
  })
})

describe('jitterRetry in a rehearsal', () => {
  it('gives back what the call holds before each wait, takes a turn after it, and is over where there is none', () => {
    const seen: unknown[] = []
    const limiter = withDescription((request, next) => next(request), {
      name: 'limiter',
      rehearse: () => (rehearsal, next) => {
        let turns = 0
        if (rehearsal.fault !== 'overloaded') return next()
        return rehearsal.hold(
          {
            release: (result) => void seen.push([result.kind, rehearsal.nowMs]),
            renew: () => {
              seen.push(['turn', rehearsal.nowMs])
              return ++turns < 2 ? undefined : { kind: 'failure', category: 'rate_limit', isFinal: true }
            },
          },
          next,
        )
      },
    })
    const { faults } = describeStack([limiter, jitterRetry()])
    expect(seen).toEqual([
      ['failure', 0],
      ['turn', 500],
      ['failure', 500],
      ['turn', 1500],
    ])
    expect(faults.overloaded).toMatchObject({ requests: 2, waitMs: 1500, category: 'rate_limit' })
  })
})

describe('jitterRetry in a rehearsal, at an open circuit', () => {
  const refusing = (sends: boolean): Middleware =>
    withDescription((request, next) => next(request), {
      name: 'refusing',
      rehearse: () => (_rehearsal, next) => {
        if (sends) next()
        return { kind: 'failure', category: 'circuit_open', retryAfterMs: 100 }
      },
    })

  it('waits for one that its try has left open, as long as that is open', () => {
    const leaving = (openMs: number): Middleware =>
      withDescription((request, next) => next(request), {
        name: 'leaving',
        rehearse: () => (rehearsal, next) => {
          const result = next()
          const { nowMs, requests } = rehearsal
          rehearsal.openCircuit = { untilMs: nowMs + openMs, requests }
          return result
        },
      })
    const once = jitterRetry({ policy: { overloaded: { retries: 1, stepsMs: [500] } } })
    const { overloaded: open } = describeStack([once, leaving(2000)]).faults
    expect(open).toMatchObject({ requests: 6, waitMs: 5 * 2200 })
    const { overloaded: over } = describeStack([once, leaving(0)]).faults
    expect(over).toMatchObject({ requests: 2, waitMs: 500 })
  })

  it('waits for it so often, and less where a failover inside has asked another target first', () => {
    const { overloaded: alone } = describeStack([jitterRetry(), refusing(false)]).faults
    expect(alone).toMatchObject({ requests: 0, waitMs: 100 * 110, category: 'circuit_open' })
    const { overloaded: behind } = describeStack([jitterRetry(), refusing(true)]).faults
    expect(behind).toMatchObject({ requests: 7, waitMs: 6 * 110 })
  })
})

describe('longestOf', () => {
  it('takes the first waits of each row first', () => {
    expect(
      longestOf(
        [
          [1, 100],
          [5, 5, 5],
        ],
        3,
      ),
    ).toBe(106)
    expect(
      longestOf(
        [
          [1, 100],
          [5, 5, 5],
        ],
        1,
      ),
    ).toBe(5)
    expect(longestOf([[1], [2]], 9)).toBe(3)
    expect(longestOf([], 3)).toBe(0)
    expect(longestOf([[7]], 0)).toBe(0)
  })

  it('is what trying all of them finds', () => {
    const rows = fc.array(fc.array(fc.nat(9), { maxLength: 4 }), { maxLength: 3 })
    fc.assert(
      fc.property(rows, fc.nat(6), (rows, most) => {
        const all = (index: number, left: number): number => {
          const row = rows[index]
          if (row === undefined) return 0
          let best = 0
          let sum = 0
          for (let count = 0; count <= Math.min(left, row.length); count++) {
            best = Math.max(best, sum + all(index + 1, left - count))
            sum += row[count] ?? 0
          }
          return best
        }
        expect(longestOf(rows, most)).toBe(all(0, most))
      }),
    )
  })
})
