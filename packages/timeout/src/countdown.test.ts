import { maxTimerMs } from '@breakwater/core'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { countdown } from './countdown.ts'
import { jumpClock } from './testing/clock.ts'

describe('countdown', () => {
  beforeEach(() => void vi.useFakeTimers())
  afterEach(() => void vi.useRealTimers())

  it('expires once, in time', () => {
    const expire = vi.fn()
    countdown(expire).start(5_000)
    vi.advanceTimersByTime(4_999)
    expect(expire).not.toHaveBeenCalled()
    vi.advanceTimersByTime(1)
    expect(expire).toHaveBeenCalledOnce()
    expect(vi.getTimerCount()).toBe(0)
  })

  it('says what is left when it is stopped, and can start again', () => {
    const expire = vi.fn()
    const timer = countdown(expire)
    timer.start(5_000)
    vi.advanceTimersByTime(2_000)
    expect(timer.stop()).toBe(3_000)
    expect(vi.getTimerCount()).toBe(0)
    timer.start(3_000)
    vi.advanceTimersByTime(3_000)
    expect(expire).toHaveBeenCalledOnce()
  })

  it('is over when it is cleared', () => {
    const expire = vi.fn()
    const timer = countdown(expire)
    timer.start(5_000)
    timer.clear()
    expect(vi.getTimerCount()).toBe(0)
    vi.advanceTimersByTime(5_000)
    expect(expire).not.toHaveBeenCalled()
    timer.clear()
  })

  it.each([900, 1_000])('takes a delay that is %i ms late for what it is', (lateMs) => {
    const expire = vi.fn()
    countdown(expire).start(5_000)
    jumpClock(lateMs)
    vi.advanceTimersByTime(5_000)
    expect(expire).toHaveBeenCalledOnce()
  })

  it.each([
    [5_000, 5_000],
    [60_000, 10_000],
  ])('runs once more when a timer of %i ms was held up, for %i ms', (ms, spareMs) => {
    const expire = vi.fn()
    const timer = countdown(expire)
    timer.start(ms)
    jumpClock(3_600_000)
    vi.advanceTimersByTime(ms)
    expect(expire).not.toHaveBeenCalled()
    expect(timer.stop()).toBe(spareMs)
    timer.start(ms)
    jumpClock(3_600_000)
    vi.advanceTimersByTime(ms + spareMs - 1)
    expect(expire).not.toHaveBeenCalled()
    vi.advanceTimersByTime(1)
    expect(expire).toHaveBeenCalledOnce()
  })

  it('expires all the same where every timer is late', () => {
    const expire = vi.fn()
    countdown(expire).start(5_000)
    jumpClock(2_000)
    vi.advanceTimersByTime(5_000)
    jumpClock(2_000)
    vi.advanceTimersByTime(5_000)
    expect(expire).toHaveBeenCalledOnce()
    expect(vi.getTimerCount()).toBe(0)
  })

  it('holds more than a timer can', () => {
    const expire = vi.fn()
    countdown(expire).start(2 * maxTimerMs)
    vi.advanceTimersByTime(2 * maxTimerMs - 1)
    expect(expire).not.toHaveBeenCalled()
    vi.advanceTimersByTime(1)
    expect(expire).toHaveBeenCalledOnce()
  })
})
