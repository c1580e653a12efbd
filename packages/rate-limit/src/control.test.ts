import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { closeGate, createGate, gateWaitMs, openGate, pass, unpass } from './gate.ts'
import { count, createMeter, ratePerMs } from './meter.ts'
import { cutPace, expectedPaceMs, paceWaitMs, proceed, quicken, startPace } from './pace.ts'
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

  it('tells the wait by its growth', () => {
    fc.assert(
      fc.property(
        fc.double({ min: 0.001, max: 1, noNaN: true }),
        fc.nat(500),
        fc.boolean(),
        (perMs, ahead, isStart) => {
          const pace = isStart ? startPace(perMs * 1000, 0) : cutPace(undefined, perMs, Infinity, 0)
          pace.level = 0
          if (isStart) quicken(pace, 0)
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
  const cut = (inFlight: number): Window => cutWindow(undefined, inFlight, 0)!

  it('is cut to 70 %, and remembers where it was too much', () => {
    const window = cut(20)
    expect(window).toMatchObject({ size: 14, ceiling: 20 })
    expect(cutWindow(window, 30, 0)).toMatchObject({ ceiling: 14 })
  })

  it('is none, and stays as it is, where so few are under way that they say nothing', () => {
    expect(cutWindow(undefined, 3, 0)).toBeUndefined()
    expect(cutWindow(undefined, 4, 0)).toMatchObject({ ceiling: 4 })
    const window = cut(20)
    expect(cutWindow(window, 1, 0)).toBe(window)
    expect(window).toMatchObject({ size: 14, ceiling: 20 })
  })

  it('is given up for half a minute where three cuts have not helped', () => {
    let window = cut(20)
    for (const size of [9.8, 6.86]) {
      for (let index = 0; index < 3; index++) admitMore(window, 0)
      window = cutWindow(window, 20, 1000)!
      expect(window.size).toBeCloseTo(size, 9)
    }
    window = cutWindow(window, 20, 1000)!
    expect(window.size).toBe(Infinity)
    expect(cutWindow(window, 20, 30_999)).toBe(window)
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
      window = cutWindow(window, 20, 1000)!
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
    for (const refuse of [lowerCeiling, (one: Window, now: number) => cutWindow(one, 1, now)]) {
      const again = cut(20)
      refuse(again, 1500)
      expect(widen(again, 0, 3400)).toBe(true)
      expect(again.size).toBeLessThan(15)
    }
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
