import { getEventListeners } from 'node:events'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { maxTimerMs, sleep } from './sleep.ts'

describe('sleep', () => {
  beforeEach(() => void vi.useFakeTimers())
  afterEach(() => void vi.useRealTimers())

  it('ends after its time, and not before', async () => {
    const ended = vi.fn()
    void sleep(100).then(ended)
    await vi.advanceTimersByTimeAsync(99)
    expect(ended).not.toHaveBeenCalled()
    await vi.advanceTimersByTimeAsync(1)
    expect(ended).toHaveBeenCalledOnce()
  })

  it('rejects at once with the signal’s reason, and leaves no timer and no listener', async () => {
    const controller = new AbortController()
    const remove = vi.spyOn(controller.signal, 'removeEventListener')
    const reason = { any: 'value' }
    const outcome = sleep(60_000, controller.signal)
    const startedAt = Date.now()
    controller.abort(reason)
    await expect(outcome).rejects.toBe(reason)
    expect(Date.now()).toBe(startedAt)
    expect(vi.getTimerCount()).toBe(0)
    const quiet = new AbortController()
    const removeQuiet = vi.spyOn(quiet.signal, 'removeEventListener')
    const waits = sleep(10, quiet.signal)
    await vi.advanceTimersByTimeAsync(10)
    await waits
    expect(removeQuiet).toHaveBeenCalledOnce()
    expect(remove).not.toHaveBeenCalled()
  })

  it('does not begin when the signal has aborted', async () => {
    await expect(sleep(10, AbortSignal.abort('gone'))).rejects.toBe('gone')
    expect(vi.getTimerCount()).toBe(0)
  })

  it('never fires at once because its time is too long for a timer', async () => {
    const ended = vi.fn()
    void sleep(1e300).then(ended)
    await vi.advanceTimersByTimeAsync(maxTimerMs - 1)
    expect(ended).not.toHaveBeenCalled()
    await vi.advanceTimersByTimeAsync(1)
    expect(ended).toHaveBeenCalledOnce()
  })
})

describe('what a sleep leaves', () => {
  it('is nothing on the signal, whether it ends by itself or by the abort', async () => {
    vi.useFakeTimers()
    const controller = new AbortController()
    const slept = sleep(10, controller.signal)
    expect(getEventListeners(controller.signal, 'abort')).toHaveLength(1)
    await vi.advanceTimersByTimeAsync(10)
    await slept
    expect(getEventListeners(controller.signal, 'abort')).toEqual([])
    const aborted = sleep(10, controller.signal)
    controller.abort('gone')
    await expect(aborted).rejects.toBe('gone')
    expect(getEventListeners(controller.signal, 'abort')).toEqual([])
    vi.useRealTimers()
  })

  it('is within what a timer can hold: 2^31 - 1', () => {
    expect(maxTimerMs).toBe(2_147_483_647)
  })
})
