import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { closeGate, createGate, gateWaitMs, openGate, pass, unpass } from './gate.ts'
import { createHealth, isDown, noteAnswer, noteFault, prove, usualPerMs } from './health.ts'
import { count, createMeter, ratePerMs } from './meter.ts'
import {
  cutPace,
  expectedPaceMs,
  giveTurn,
  hasRecovered,
  paceWaitMs,
  proceed,
  quicken,
  recoveryPace,
  startPace,
} from './pace.ts'
import { admitMore, cutWindow, lowerCeiling, widen, type Window } from './window.ts'

describe('the gate', () => {
  it('is closed until then, and lets one through, then two, then four', () => {
    const gate = createGate()
    expect(gateWaitMs(gate, 0)).toBe(0)
    expect(closeGate(gate, 2000, 0)).toBe(true)
    expect(gateWaitMs(gate, 500)).toBe(1500)
    const passes: number[] = []
    for (let now = 0; now <= 3000; now += 10) {
      while (gateWaitMs(gate, now) === 0 && passes.length < 20) {
        expect(pass(gate)).toBe(passes.length === 0)
        passes.push(now)
      }
    }
    expect(passes.slice(0, 8)).toEqual([2000, 2250, 2250, 2500, 2500, 2500, 2500, 2750])
  })

  it('opens with the first good answer to who has passed since', () => {
    const gate = createGate()
    closeGate(gate, 1000, 0)
    expect(gateWaitMs(gate, 1000)).toBe(0)
    pass(gate)
    expect(gateWaitMs(gate, 1100)).toBeGreaterThan(0)
    expect(openGate(gate, 900)).toBe(false)
    expect(openGate(gate, 1000)).toBe(true)
    expect(gateWaitMs(gate, 1100)).toBe(0)
    expect(openGate(gate, 1100)).toBe(false)
  })

  it('lets another through for one that has sent nothing', () => {
    const gate = createGate()
    closeGate(gate, 1000, 0)
    expect(gateWaitMs(gate, 1000)).toBe(0)
    pass(gate)
    unpass(gate, 900)
    expect(gateWaitMs(gate, 1100)).toBeGreaterThan(0)
    unpass(gate, 1000)
    unpass(gate, 1000)
    expect(gateWaitMs(gate, 1100)).toBe(0)
    pass(gate)
    expect(gateWaitMs(gate, 1100)).toBeGreaterThan(0)
  })

  it('closes again, for longer, never for less, and for an hour at most', () => {
    const gate = createGate()
    closeGate(gate, 5000, 0)
    expect(closeGate(gate, 1000, 0)).toBe(false)
    expect(gateWaitMs(gate, 0)).toBe(5000)
    expect(closeGate(gate, 1e12, 1000)).toBe(false)
    expect(gateWaitMs(gate, 1000)).toBe(3_600_000)
    expect(gateWaitMs(gate, 3_601_000)).toBe(0)
    pass(gate)
    expect(closeGate(gate, 1000, 3_601_000)).toBe(true)
    expect(gateWaitMs(gate, 3_601_000)).toBe(1000)
  })
})

describe('the pace', () => {
  it('begins with a second’s worth and stays, until an answer is good; then it doubles each second', () => {
    const pace = startPace(10, 0)
    pace.level -= 10
    expect(paceWaitMs(pace)).toBe(100)
    proceed(pace, 5000)
    expect(pace.perMs).toBe(0.01)
    quicken(pace, 5000)
    quicken(pace, 5500)
    proceed(pace, 8000)
    expect(pace.perMs).toBeCloseTo(0.08, 9)
    expect(proceed(pace, 11_600)).toBe(true)
    expect(proceed(pace, 11_700)).toBe(false)
  })

  it('is cut to 70 % of what was sent, and grows by 3 % a second, later faster', () => {
    const pace = cutPace(undefined, 0.02, Infinity, 0)
    expect(pace.perMs).toBeCloseTo(0.014, 9)
    expect(pace.level).toBe(0)
    expect(paceWaitMs(pace)).toBeGreaterThan(70)
    proceed(pace, 1000)
    expect(pace.perMs / 0.014).toBeCloseTo(1.031, 3)
    proceed(pace, 10_000)
    expect(pace.perMs / 0.014).toBeCloseTo(Math.exp(0.375), 3)
    expect(proceed(pace, 30_000)).toBe(true)
    expect(proceed(pace, 40_000)).toBe(false)
  })

  it('is what a known limit allows at most, and ends there', () => {
    const pace = cutPace(undefined, 5, 0.02, 0)
    expect(pace.perMs).toBeCloseTo(0.014, 9)
    expect(proceed(pace, 9000)).toBe(true)
    expect(proceed(pace, 10_000)).toBe(false)
  })

  it('does not break down where a gate has kept all back', () => {
    let pace = cutPace(undefined, 0.02, Infinity, 0)
    pace = cutPace(pace, 0.0001, Infinity, 1000)
    expect(pace.perMs).toBeCloseTo(0.0049, 9)
    for (let now = 2000; now < 60_000; now += 1000) pace = cutPace(pace, 0.0001, Infinity, now)
    expect(pace.perMs).toBe(0.001)
    expect(pace.refused).toBe(0.02)
  })

  it('of a recovery begins with 1.75 times what was usual, never below that of a start, and stays until an answer is good', () => {
    expect(recoveryPace(0.02, 10, 0).perMs).toBeCloseTo(0.035, 9)
    expect(recoveryPace(0.001, 10, 0).perMs).toBe(0.01)
    const pace = recoveryPace(0.02, 10, 0)
    expect(paceWaitMs(pace)).toBeCloseTo(1000 / 35, 9)
    expect(proceed(pace, 3_600_000)).toBe(true)
    expect(pace.perMs).toBeCloseTo(0.035, 9)
    // A tenth of a second's worth at once.
    expect(pace.level).toBeCloseTo(3.5, 9)
    quicken(pace, 3_600_000)
    const after = (seconds: number): number => {
      proceed(pace, 3_600_000 + seconds * 1000)
      return pace.perMs / 0.02
    }
    expect(after(60)).toBeLessThan(2)
    expect(after(60)).toBeGreaterThan(1.9)
    expect(after(120)).toBeGreaterThan(2.5)
    expect(after(180)).toBeGreaterThan(4)
    expect(proceed(pace, 3_600_000 + 260_000)).toBe(false)
  })

  it('of a recovery is over when it was in nobody’s way for five seconds', () => {
    const pace = recoveryPace(0.02, 10, 0)
    expect(hasRecovered(pace, 60_000)).toBe(false)
    quicken(pace, 60_000)
    pace.blockedAt = 62_000
    expect(hasRecovered(pace, 67_000)).toBe(false)
    expect(hasRecovered(pace, 67_001)).toBe(true)
  })

  it('takes a turn back, up to what it holds', () => {
    const pace = startPace(2, 0)
    giveTurn(pace)
    expect(pace.level).toBe(2)
    pace.level = 0.5
    giveTurn(pace)
    expect(pace.level).toBe(1.5)
    giveTurn(pace)
    expect(pace.level).toBe(2)
  })

  it('tells the wait by its growth', () => {
    fc.assert(
      fc.property(
        fc.double({ min: 0.001, max: 1, noNaN: true }),
        fc.nat(500),
        fc.constantFrom('start', 'refused', 'recovery'),
        (perMs, ahead, kind) => {
          const pace =
            kind === 'start'
              ? startPace(perMs * 1000, 0)
              : kind === 'refused'
                ? cutPace(undefined, perMs, Infinity, 0)
                : recoveryPace(perMs, 0, 0)
          pace.level = 0
          quicken(pace, 0)
          const guess = expectedPaceMs(pace, ahead)
          let now = 0
          pace.capacity = Infinity
          while (pace.level < ahead + 1 && now < 30_000) proceed(pace, (now += 5))
          if (now < 10_000) expect(Math.abs(guess - now)).toBeLessThan(Math.max(20, now * 0.1))
        },
      ),
    )
  })
})

describe('the window', () => {
  /** After a refusal with so many under way. */
  const cut = (inFlight: number): Window => cutWindow(undefined, inFlight, true, 0)!

  it('is cut to 70 %, and remembers where it was too much', () => {
    const window = cut(20)
    expect(window).toMatchObject({ size: 14, ceiling: 20 })
    expect(cutWindow(window, 30, true, 0)).toMatchObject({ ceiling: 14 })
  })

  it('is none, and stays as it is, where so few are under way that they say nothing', () => {
    expect(cutWindow(undefined, 3, true, 0)).toBeUndefined()
    expect(cutWindow(undefined, 4, true, 0)).toMatchObject({ ceiling: 4 })
    const window = cut(20)
    expect(cutWindow(window, 1, true, 0)).toBe(window)
    expect(window).toMatchObject({ size: 14, ceiling: 20 })
  })

  it('is none where as many were answered before; where there is one it is cut', () => {
    expect(cutWindow(undefined, 20, false, 0)).toBeUndefined()
    expect(cutWindow(cut(20), 20, false, 0)?.size).toBeCloseTo(9.8, 9)
  })

  it('is given up for half a minute where three cuts have not helped', () => {
    let window = cut(20)
    for (const size of [9.8, 6.86]) {
      for (let index = 0; index < 3; index++) admitMore(window, 0)
      window = cutWindow(window, 20, true, 1000)!
      expect(window.size).toBeCloseTo(size, 9)
    }
    // However few are under way by then.
    window = cutWindow(window, 2, true, 1000)!
    expect(window.size).toBe(Infinity)
    expect(cutWindow(window, 20, true, 30_999)).toBe(window)
    lowerCeiling(window, 2000)
    admitMore(window, 20)
    expect(window.size).toBe(Infinity)
    expect(widen(window, 0, 30_999)).toBe(true)
    expect(widen(window, 0, 31_000)).toBe(false)
  })

  it('is not given up where most answers are good', () => {
    let window = cut(20)
    for (let round = 0; round < 10; round++) {
      for (let index = 0; index < 50; index++) admitMore(window, 0)
      window = cutWindow(window, 20, true, 1000)!
    }
    expect(window.size).toBeLessThan(2)
  })

  it('lowers the ceiling for each other refusal of the same round trip', () => {
    const window = cut(20)
    for (let index = 0; index < 5; index++) lowerCeiling(window, 0)
    expect(window.ceiling).toBe(15)
    expect(window.size).toBeCloseTo(10.5, 9)
    for (let index = 0; index < 50; index++) lowerCeiling(window, 0)
    expect(window).toMatchObject({ ceiling: 1, size: 1 })
  })

  it('grows by one a round trip, slowly near the ceiling, fast beyond it, and only where it is used', () => {
    const roundTrip = (window: Window): number => {
      const before = window.size
      for (let index = Math.floor(before); index > 0; index--) admitMore(window, before)
      return window.size - before
    }
    const window = cut(20)
    expect(roundTrip(window)).toBeCloseTo(1, 1)
    window.size = 18.5
    expect(roundTrip(window)).toBeCloseTo(0.1, 1)
    window.size = 21
    expect(roundTrip(window)).toBeCloseTo(10.5, 1)
    const { size } = window
    admitMore(window, 3)
    expect(window.size).toBe(size)
  })

  it('grows by 1 % a second while the API refuses some, and ends at ten times the ceiling and a thousand', () => {
    const window = cut(200)
    expect(widen(window, 0, 1000)).toBe(true)
    expect(window.size).toBeCloseTo(140 * Math.exp(0.01), 9)
    for (let now = 2000; now <= 260_000; now += 1000) {
      Object.assign(window, { refusedAt: now })
      expect(widen(window, 0, now)).toBe(true)
    }
    Object.assign(window, { refusedAt: 270_000 })
    expect(widen(window, 0, 270_000)).toBe(false)
    const small = Object.assign(cut(4), { size: 999 })
    expect(widen(small, 0, 0)).toBe(true)
    expect(widen(small, 0, 1000)).toBe(false)
  })

  it('doubles each round trip when none was refused for two, and is over at twice what was cut', () => {
    const window = cut(20)
    expect(widen(window, 0, 2000)).toBe(true)
    expect(window.size).toBeCloseTo(14 * Math.exp(0.02), 9)
    expect(widen(window, 0, 3000)).toBe(true)
    expect(window.size).toBeCloseTo(28 * Math.exp(0.02), 9)
    expect(widen(window, 0, 3500)).toBe(false)
    // Where an answer takes 20 s, two seconds say nothing.
    const slow = cut(20)
    expect(widen(slow, 20_000, 40_000)).toBe(true)
    expect(slow.size).toBeCloseTo(14 * Math.exp(0.4), 9)
    expect(widen(slow, 20_000, 50_000)).toBe(true)
    expect(slow.size).toBeCloseTo(14 * Math.exp(0.4) * Math.SQRT2, 9)
    // Each refusal counts, also one of the same round trip, and one that says nothing of how many would be too many.
    for (const refuse of [lowerCeiling, (one: Window, now: number) => cutWindow(one, 1, true, now)]) {
      const again = cut(20)
      refuse(again, 1500)
      expect(widen(again, 0, 3400)).toBe(true)
      expect(again.size).toBeLessThan(15)
    }
  })
})

describe('the health of the API', () => {
  it('is bad when most of the last requests have failed: from 22 in a row on, and for 22 good ones', () => {
    const health = createHealth(0)
    for (let index = 0; index < 21; index++) noteFault(health)
    expect(isDown(health)).toBe(false)
    noteFault(health)
    expect(isDown(health)).toBe(true)
    for (let index = 0; index < 200; index++) noteFault(health)
    let answers = 0
    for (; isDown(health); answers++) noteAnswer(health, 0)
    expect(answers).toBe(22)
  })

  it('is not bad where a third of the requests fails, and is where nine of ten do', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(99), { minLength: 400, maxLength: 400 }), fc.boolean(), (dice, isBad) => {
        const health = createHealth(0)
        const share = isBad ? 90 : 30
        for (const [index, die] of dice.entries()) {
          if (die < share) noteFault(health)
          else noteAnswer(health, index)
          if (!isBad) expect(health.failing).toBeLessThan(0.75)
        }
        if (isBad) expect(isDown(health)).toBe(true)
      }),
      { numRuns: 50 },
    )
  })

  it('knows what is usual, after four seconds, and does not forget it while most fail', () => {
    const health = createHealth(0)
    for (let now = 50; now <= 4000; now += 50) noteAnswer(health, now)
    expect(usualPerMs(health)).toBeUndefined()
    for (let now = 4050; now <= 30_000; now += 50) noteAnswer(health, now)
    expect(usualPerMs(health)).toBeCloseTo(0.02, 3)
    for (let index = 0; index < 100; index++) noteFault(health)
    const before = usualPerMs(health)
    for (let now = 31_000; now <= 40_000; now += 1000) {
      noteAnswer(health, now)
      noteFault(health)
    }
    expect(usualPerMs(health)).toBe(before)
    // Better times go on where they ended.
    for (let now = 600_000; isDown(health); now += 1) noteAnswer(health, now)
    noteAnswer(health, 600_100)
    expect(usualPerMs(health)).toBeGreaterThan(0.019)
    expect(usualPerMs(health)).toBeLessThan(0.022)
  })

  it('keeps the most that were under way at a good answer', () => {
    const health = createHealth(0)
    for (const inFlight of [3, 9, 4]) prove(health, inFlight)
    expect(health.proven).toBe(9)
  })
})

describe('the meter', () => {
  it('says what was sent in the last second', () => {
    const meter = createMeter(0)
    for (let now = 0; now < 5000; now += 50) count(meter, now)
    expect(ratePerMs(meter, 5000)).toBeCloseTo(0.02, 2)
    expect(ratePerMs(meter, 5500)).toBeCloseTo(0.01, 2)
    expect(ratePerMs(meter, 9000)).toBe(0)
    count(meter, 20_000)
    expect(ratePerMs(meter, 20_000)).toBe(0.001)
  })
})
