import { classification } from '@breakwater/classify'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createCooldowns, type Cooldowns, type Lease } from './cooldowns.ts'

const failure = classification('overloaded')
const failed = (cooldownMs: number, sentAt = Infinity) => ({ name: 'a', failure, cooldownMs, sentAt })

describe('cooldowns', () => {
  it('close a target that fails, have it probed once, and open it when it is well', () => {
    const cooldowns = createCooldowns(100)
    expect([cooldowns.isOpen('a', 0), cooldowns.enter('a', 0)]).toEqual([true, undefined])
    expect(cooldowns.fail('a', failed(50), 0)).toBe(true)
    expect([cooldowns.isOpen('a', 49), cooldowns.isOpen('a', 50), cooldowns.isOpen('b', 0)]).toEqual([
      false,
      true,
      true,
    ])
    expect(cooldowns.enter('a', 49)).toMatchObject({ isProbe: false })
    const probe = cooldowns.enter('a', 50)!
    expect(probe).toMatchObject({ isProbe: true })
    expect(cooldowns.isOpen('a', 149)).toBe(false)
    expect(cooldowns.enter('a', 149)).toMatchObject({ isProbe: false })
    expect(cooldowns.succeed(probe, 149)).toBe(true)
    expect([cooldowns.isOpen('a', 149), cooldowns.size]).toEqual([true, 0])
    expect(cooldowns.succeed(probe, 149)).toBe(false)
  })

  it('begin again when the probe fails, and say so once', () => {
    const cooldowns = createCooldowns(100)
    cooldowns.fail('a', failed(50), 0)
    expect(cooldowns.fail('a', failed(50), 10)).toBe(false)
    expect(cooldowns.isOpen('a', 59)).toBe(false)
    cooldowns.enter('a', 60)
    expect(cooldowns.fail('a', failed(50), 70)).toBe(true)
    expect([cooldowns.isOpen('a', 119), cooldowns.isOpen('a', 120)]).toEqual([false, true])
  })

  it('are not cut short by a failure that asks for less', () => {
    const cooldowns = createCooldowns(100)
    cooldowns.fail('a', failed(1000), 0)
    cooldowns.fail('a', failed(10), 5)
    expect(cooldowns.isOpen('a', 999)).toBe(false)
  })

  it('free the place of a probe that hangs, and of one that tells nothing', () => {
    const cooldowns = createCooldowns(100)
    cooldowns.fail('a', failed(50), 0)
    const hung = cooldowns.enter('a', 50)!
    expect([cooldowns.isOpen('a', 149), cooldowns.isOpen('a', 150)]).toEqual([false, true])
    const second = cooldowns.enter('a', 150)!
    cooldowns.release(hung)
    expect(cooldowns.isOpen('a', 151)).toBe(false)
    cooldowns.release(second)
    expect(cooldowns.isOpen('a', 151)).toBe(true)
  })

  it('are not begun by what was sent before the target was seen well', () => {
    const cooldowns = createCooldowns(100)
    cooldowns.fail('a', failed(50), 0)
    cooldowns.succeed(cooldowns.enter('a', 50)!, 60)
    expect(cooldowns.fail('a', failed(50, 59), 70)).toBe(false)
    expect(cooldowns.isOpen('a', 70)).toBe(true)
    expect(cooldowns.fail('a', failed(50, 61), 70)).toBe(true)
    expect(cooldowns.isOpen('a', 70)).toBe(false)
  })

  it('are not ended by a try of a cooldown before', () => {
    const cooldowns = createCooldowns(100)
    cooldowns.fail('a', failed(50), 0)
    const old = cooldowns.enter('a', 50)!
    cooldowns.reset(undefined, 60)
    cooldowns.fail('a', failed(50), 70)
    expect(cooldowns.succeed(old, 80)).toBe(false)
    expect(cooldowns.isOpen('a', 80)).toBe(false)
  })

  it('can be looked at, and reset by name', () => {
    const cooldowns = createCooldowns(100)
    cooldowns.fail('a', failed(50), 0)
    cooldowns.fail('b', { ...failed(90), name: 'b' }, 0)
    cooldowns.enter('a', 60)
    expect(cooldowns.list(60)).toEqual([
      { target: 'a', state: 'probing', category: 'overloaded', remainingMs: 0 },
      { target: 'b', state: 'cooling', category: 'overloaded', remainingMs: 30 },
    ])
    expect(cooldowns.failureOf('a')).toBe(failure)
    expect([
      cooldowns.reset('b', 60),
      cooldowns.size,
      cooldowns.reset(undefined, 60),
      cooldowns.size,
    ]).toEqual([['b'], 1, ['a'], 0])
  })

  it('remember 1000 targets, those that failed last', () => {
    const cooldowns = createCooldowns(100)
    for (let index = 0; index < 3000; index++) {
      cooldowns.fail('always', failed(50), 0)
      cooldowns.fail(`key ${index}`, failed(50), 0)
      expect(cooldowns.isOpen('always', 0)).toBe(false)
    }
    expect(cooldowns.size).toBe(1000)
    expect([
      cooldowns.isOpen('always', 0),
      cooldowns.isOpen('key 2999', 0),
      cooldowns.isOpen('key 0', 0),
    ]).toEqual([false, false, true])
  })
})

/** What the machine should do, said as plainly as can be: of each target, all that has happened to it. */
interface Model {
  until: number | undefined
  probes: { lease: Lease; until: number }[]
}

type Step =
  | { kind: 'enter' | 'wait'; ms: number }
  | { kind: 'fail'; ms: number; which: number }
  | { kind: 'succeed' | 'release'; which: number }

const step = fc.oneof<fc.Arbitrary<Step>[]>(
  fc.record({
    kind: fc.constantFrom('enter' as const, 'wait' as const),
    ms: fc.integer({ min: 0, max: 150 }),
  }),
  fc.record({ kind: fc.constant('fail' as const), ms: fc.integer({ min: 1, max: 200 }), which: fc.nat(5) }),
  fc.record({ kind: fc.constantFrom('succeed' as const, 'release' as const), which: fc.nat(5) }),
)

describe('cooldowns, beside a plain model of one target', () => {
  it('agree on who may go there, after any history', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const subject: Cooldowns = createCooldowns(100)
        const model: Model = { until: undefined, probes: [] }
        let underWay: { lease: Lease | undefined; sentAt: number }[] = []
        let recoveredAt = -1
        let now = 0
        for (const one of steps) {
          const free = model.probes.every(({ until }) => now >= until)
          const open = model.until === undefined || (now >= model.until && free)
          expect(subject.isOpen('a', now)).toBe(open)
          if (one.kind === 'wait') now += one.ms
          if (one.kind === 'enter') {
            now += 1
            const isOpen = subject.isOpen('a', now)
            const lease = subject.enter('a', now)
            expect(lease?.isProbe).toBe(model.until === undefined ? undefined : isOpen)
            if (lease?.isProbe === true) model.probes.push({ lease, until: now + 100 })
            underWay.push({ lease, sentAt: now })
          }
          if (!('which' in one) || underWay.length === 0) continue
          now += 1
          const ended = underWay[one.which % underWay.length]!
          underWay = underWay.filter((other) => other !== ended)
          const { lease, sentAt } = ended
          if (one.kind === 'fail') {
            subject.fail('a', { name: 'a', failure, cooldownMs: one.ms, sentAt }, now)
            // What was sent before the target was seen well is no news.
            if (sentAt < recoveredAt) continue
            model.until = Math.max(model.until ?? 0, now + one.ms)
            model.probes = []
          } else if (lease !== undefined && one.kind === 'succeed') {
            if (subject.succeed(lease, now)) {
              model.until = undefined
              model.probes = []
              recoveredAt = now
              // What the other tries come to belongs to a cooldown that is over.
              underWay = underWay.map((other) => ({ ...other, lease: undefined }))
            }
          } else if (lease !== undefined && one.kind === 'release') {
            subject.release(lease)
            model.probes = model.probes.filter((probe) => probe.lease !== lease)
          }
        }
      }),
      { numRuns: 500 },
    )
  })
})
