import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { installClock, type VirtualClock } from './clock.ts'

describe('the clock of the lab', () => {
  let clock: VirtualClock
  beforeEach(() => {
    clock = installClock()
  })
  afterEach(() => clock.uninstall())

  it('fires timers in their order, each with what follows from it', async () => {
    const seen: string[] = []
    setTimeout(() => seen.push(`late at ${performance.now()}`), 20)
    setTimeout(
      (name: string) => void Promise.resolve().then(() => seen.push(`${name} at ${performance.now()}`)),
      10,
      'early',
    )
    setTimeout(() => seen.push('as early, but after it'), 10)
    clearTimeout(setTimeout(() => seen.push('never'), 5))
    const date = Date.now()
    expect(clock.timers()).toBe(3)
    while (await clock.next());
    expect(seen).toEqual(['early at 10', 'as early, but after it', 'late at 20'])
    expect([clock.now(), Date.now() - date, clock.timers()]).toEqual([20, 20, 0])
  })

  it('stops at a limit, repeats intervals, and knows no delay below a millisecond', async () => {
    let turns = 0
    const interval = setInterval(() => turns++, 400)
    setTimeout(() => turns++, 0)
    while (await clock.next(1000));
    expect([turns, clock.now()]).toEqual([3, 800])
    clearInterval(interval)
    clock.align()
    expect([clock.timers(), clock.now()]).toEqual([0, 1000])
    setTimeout(() => turns++, 2 ** 31)
    await clock.next()
    expect([turns, clock.now()]).toEqual([4, 1001])
  })

  it('gives real time back', () => {
    const fake = [setTimeout, clearTimeout, setInterval, clearInterval, Date.now, performance.now]
    clock.uninstall()
    const real = [setTimeout, clearTimeout, setInterval, clearInterval, Date.now, performance.now]
    expect(real.filter((function_, index) => function_ === fake[index])).toEqual([])
    expect(Object.hasOwn(performance, 'now')).toBe(false)
  })
})
