import { beforeAll, describe, expect, test, vi } from 'vitest'
import type { Contender } from './contender.ts'
import { contenders } from './contenders.ts'
import { goalsOf, goalsTable } from './goals.ts'
import type { Measures } from './measure.ts'
import { play } from './play.ts'
import type { StormResult, StormRun } from './results.ts'
import type { Scene } from './scene.ts'
import { scenes } from './scenes.ts'
import { tables } from './tables.ts'

// Real time, on a machine that has other things to do.
vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 })

const contender = (name: string): Contender => contenders.find((one) => one.name === name)!
const scene = (name: string): Scene => scenes.find((one) => one.name === name)!

/** A scene with a tenth of the crowd, and less time. */
function small(name: string, changes: Partial<Scene>): Scene {
  return { ...scene(name), ...changes }
}

const fleet = small('fleet', {
  load: { kind: 'clients', clients: 60, thinkMs: [0, 0], callsEach: 2 },
})
/** What the limit itself needs for its 120 calls, with a burst of 20. */
const leastMs = 5000
const crowd: Scene['load'] = { kind: 'clients', clients: 10, thinkMs: [400, 1600], untilMs: 40_000 }
const out = { fromMs: 10_000, toMs: 25_000 }

describe('the same seed', () => {
  test.each(['SDK, 8 retries', 'cockatiel', 'bottleneck', 'breakwater'])(
    'gives the same numbers to %s',
    async (name) => {
      const first = await play(fleet, contender(name), 7)
      expect(await play(fleet, contender(name), 7)).toEqual(first)
      expect(await play(fleet, contender(name), 8)).not.toEqual(first)
    },
  )
})

describe('a fleet over its limit', () => {
  test('is answered whole with the recipe, at about one request each', async () => {
    for (const name of ['rateLimit', 'breakwater']) {
      const { answered, upstreamPerAnswered, totalMs } = await play(fleet, contender(name))
      expect(answered).toBe(120)
      expect(upstreamPerAnswered).toBeLessThanOrEqual(1.1)
      expect(totalMs).toBeLessThan(leastMs * 1.5)
    }
  })

  test('fails with retries alone, which ask several times for each answer', async () => {
    const measured = await play(fleet, contender('SDK'))
    expect(measured.answeredShare).toBeLessThan(0.9)
    expect(measured.upstreamPerAnswered).toBeGreaterThan(2)
    expect(measured.errors['429 rate_limit_error']).toBe(120 - measured.answered)
  })

  test('gets no more from the API than its limit', async () => {
    for (const name of ['SDK, 8 retries', 'p-limit', 'breakwater']) {
      const { timeline } = await play(fleet, contender(name))
      const total = timeline.answered.reduce((sum, count) => sum + count, 0)
      // A bucket of 20, and 20 a second.
      expect(total).toBeLessThanOrEqual(20 + 20 * timeline.answered.length)
    }
  })

  test('in processes that know nothing of each other still is', async () => {
    const { answered, upstreamPerAnswered } = await play({ ...fleet, processes: 5 }, contender('breakwater'))
    expect(answered).toBe(120)
    expect(upstreamPerAnswered).toBeLessThan(2)
  })

  test('limits within one process do not help several', async () => {
    const together = await play(fleet, contender('bottleneck'))
    const apart = await play({ ...fleet, processes: 5 }, contender('bottleneck'))
    expect(together.upstream).toBe(together.answered)
    expect(apart.upstream).toBeGreaterThan(1.5 * apart.answered)
  })
})

describe('an outage', () => {
  const outage = small('outage', {
    load: crowd,
    fault: out,
    dynamics: { rateLimit: { requestsPerMinute: 4000 }, outages: [{ ...out, reply: 500 }] },
  })

  test('is not multiplied by the recipe, and is by retries', async () => {
    const ours = await play(outage, contender('breakwater'))
    expect(ours.faultRequestsPerCall).toBeLessThanOrEqual(1.2)
    const theirs = await play(outage, contender('SDK, 8 retries'))
    expect(theirs.faultRequestsPerCall).toBeGreaterThan(3)
    expect(ours.faultRequests).toBeLessThan(theirs.faultRequests / 2)
  })

  test('of the first model is none where another one answers', async () => {
    const down = small('primary-down', {
      load: crowd,
      fault: out,
      dynamics: {
        rateLimit: { requestsPerMinute: 4000 },
        outages: [{ ...out, reply: 529, model: 'claude-sonnet-5-5' }],
      },
    })
    const { calls, answered, byModel, p99Ms } = await play(down, contender('breakwater'))
    expect(answered).toBe(calls)
    expect(byModel['claude-haiku-5-5']).toBeGreaterThan(50)
    expect(p99Ms).toBeLessThan(5000)
  })
})

describe('what cannot be helped', () => {
  test.each(['rotation', 'spend-limit'])('%s: costs the recipe one request a call at most', async (name) => {
    const shorter: Partial<Scene> = name === 'rotation' ? {} : { fault: { fromMs: 120_000, toMs: 140_000 } }
    const load: Scene['load'] = { kind: 'clients', clients: 4, thinkMs: [400, 1600], untilMs: 140_000 }
    const { faultRequestsPerCall, errors } = await play(
      small(name, { ...shorter, load }),
      contender('breakwater'),
    )
    expect(faultRequestsPerCall).toBeLessThanOrEqual(1)
    expect(Object.values(errors).reduce((sum, count) => sum + count, 0)).toBeGreaterThan(20)
  })

  test('the new key of a rotation reaches all clients', async () => {
    const load: Scene['load'] = { kind: 'clients', clients: 4, thinkMs: [400, 1600], untilMs: 80_000 }
    const { recoveredMs, timeline } = await play(small('rotation', { load }), contender('SDK'))
    expect(recoveredMs).toBeLessThan(3000)
    expect(timeline.answered.slice(32, 60).every((count) => count === 0)).toBe(true)
  })
})

describe('streams', () => {
  test('that are overloaded in band: the recipe answers more of them, and throws away little more for each', async () => {
    const load = { ...crowd, untilMs: 80_000 }
    const [ours, theirs] = [
      await play(small('instream', { load }), contender('breakwater')),
      await play(small('instream', { load }), contender('SDK')),
    ]
    expect(theirs.errors).toEqual({ APIError: theirs.calls - theirs.answered })
    expect(ours.answeredShare).toBeGreaterThan(0.95)
    expect(ours.answeredShare).toBeGreaterThan(theirs.answeredShare)
    // Each retry may break as well, after what it has shown is paid for.
    const wasted = ({ wastedTokens, answered }: Measures): number => wastedTokens / answered
    expect(wasted(ours)).toBeLessThan(1.1 * wasted(theirs))
    expect(ours.errors['StreamInterruptedError']).toBeGreaterThan(0)
    expect(ours.errors['APIError']).toBeUndefined()
  })

  test('that stall: the recipe tries again, others wait until the caller leaves', async () => {
    const load = { ...crowd, untilMs: 80_000 }
    const [ours, theirs] = [
      await play(small('slow-drip', { load }), contender('breakwater')),
      await play(small('slow-drip', { load }), contender('SDK')),
    ]
    expect(theirs.errors['caller left']).toBeGreaterThan(0)
    expect(ours.errors['caller left']).toBeUndefined()
    expect(ours.answered).toBeGreaterThan(theirs.answered)
  })
})

describe('the report', () => {
  const names = ['SDK', 'bottleneck', 'breakwater']
  let report: StormRun
  beforeAll(async () => {
    const results: StormResult[] = []
    for (const name of names) {
      const measured: Measures = await play(fleet, contender(name))
      results.push({ scene: 'fleet', contender: name, ...measured, realMs: 1 })
    }
    report = {
      version: 1,
      seed: 1,
      node: 'v0',
      scenes: [{ name: 'fleet', about: 'A fleet.', fault: null, requestsPerSecond: 20 }],
      contenders: names.map((name) => ({ name, note: `${name} as it is`, isOurs: name === 'breakwater' })),
      results,
    }
  })

  test('has a row for each contender', () => {
    const lines = tables(report).split('\n')
    expect(lines.slice(0, 2)).toEqual(['fleet', 'A fleet.'])
    const [head, rule, ...rows] = lines.slice(3, 8)
    expect(head?.trim().split(/ {2,}/)).toContain('upstream/answered')
    expect(head).not.toContain('95 % again')
    expect(rule).toMatch(/^─+/)
    expect(rows.map((row) => row.split(' ')[0])).toEqual(names)
    expect(rows[2]).toContain(' 120 ')
    expect(rows[2]).toContain('100.0 %')
  })

  test('keeps what JSON can say', () => {
    expect(JSON.parse(JSON.stringify(report))).toEqual(report)
  })

  test('says which goals are met', () => {
    const goals = goalsOf(report)
    expect(goals.map(({ isMet }) => isMet)).toContain(true)
    expect(goals[0]).toMatchObject({ isMet: true, measured: 'everywhere' })
    // Nobody is in front of bottleneck here, where it knows the limit.
    expect(goals.find(({ goal }) => goal.startsWith('in front'))).toMatchObject({ isMet: false })
    expect(goalsTable(goals)).toContain('missed')
  })

  test('says where we are behind', () => {
    const worse = {
      ...report,
      results: report.results.map((result) =>
        result.contender === 'breakwater' ? { ...result, answered: 60, answeredShare: 0.5 } : result,
      ),
    }
    const [behind, fewer, lower] = goalsOf(worse)
    expect(behind).toMatchObject({
      isMet: false,
      measured: expect.stringContaining('fleet: 60 (50.0 %), bottleneck 120 (100.0 %)'),
    })
    expect([fewer?.isMet, lower?.isMet]).toEqual([true, true])
    const mixed = {
      ...report,
      results: report.results.map((result) =>
        result.contender === 'SDK' ? { ...result, answered: 200, answeredShare: 0.2 } : result,
      ),
    }
    expect(goalsOf(mixed)[1]).toMatchObject({
      isMet: false,
      measured: 'fleet: 120 (100.0 %), SDK 200 (20.0 %)',
    })
  })

  test('holds the numbers of an outage against their limits', () => {
    const [result] = report.results
    const own = (name: string, parts: Partial<StormResult>): StormResult => ({
      ...result!,
      scene: name,
      contender: 'breakwater',
      ...parts,
    })
    const met = (results: StormResult[]): (boolean | undefined)[] => {
      const goals = goalsOf({ ...report, results })
      return ['1.2 requests', '2 times', 'one request'].map(
        (part) => goals.find(({ goal }) => goal.includes(part))?.isMet,
      )
    }
    expect(met([own('outage', { faultRequestsPerCall: 1.2, peakRatio: 2 })])).toEqual([true, true, undefined])
    expect(met([own('outage/x', { faultRequestsPerCall: 1.3, peakRatio: 2.1 })])).toEqual([
      false,
      false,
      undefined,
    ])
    expect(
      met([own('rotation', { faultRequestsPerCall: 1 }), own('spend-limit', { faultRequestsPerCall: 2 })]),
    ).toEqual([undefined, undefined, false])
  })
})

test('every scene has a name and a sentence of its own', () => {
  expect(new Set(scenes.map(({ name }) => name)).size).toBe(scenes.length)
  for (const { about } of scenes) expect(about).toMatch(/^\S.{20,}\.$/)
  const families = new Set(scenes.map(({ name }) => name.split('/')[0]))
  expect([...families].sort()).toEqual([
    'brownout30',
    'brownout90',
    'fleet',
    'instream',
    'outage',
    'primary-down',
    'rotation',
    'slow-drip',
    'spend-limit',
  ])
})
