import { getEventListeners } from 'node:events'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { isBreakwaterError } from '@breakwater/core'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { within } from './within.ts'

describe('within', () => {
  beforeEach(() => void vi.useFakeTimers())
  afterEach(() => {
    expect(vi.getTimerCount()).toBe(0)
    vi.useRealTimers()
  })

  const shared = (signal: AbortSignal | undefined) => ({ signal, isShared: true })
  const hang = (signal: AbortSignal) =>
    new Promise<Response>((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)))
  const deaf = () => new Promise<Response>(() => {})
  const failureOf = (outcome: Promise<unknown>) => outcome.catch((error: unknown) => error)

  it.each([hang, deaf])('rejects after its time, whether it is heard or not', async (send) => {
    const { signal } = new AbortController()
    const failure = failureOf(within(() => 100, shared(signal), send).outcome)
    await vi.advanceTimersByTimeAsync(101)
    const error = await failure
    expect(isBreakwaterError(error)).toBe(true)
    expect(error).toMatchObject({ category: 'timeout', code: 'target_left' })
    expect(String(error)).not.toMatch(/timed? ?out/i)
    expect(getEventListeners(signal, 'abort')).toEqual([])
  })

  it.each([hang, deaf])('rejects with the reason of the source at once', async (send) => {
    const source = new AbortController()
    const failure = failureOf(within(() => 100, shared(source.signal), send).outcome)
    await vi.advanceTimersByTimeAsync(50)
    source.abort('gone')
    await vi.advanceTimersByTimeAsync(1)
    expect(await failure).toBe('gone')
    expect(getEventListeners(source.signal, 'abort')).toEqual([])
  })

  it('discards what comes too late', async () => {
    const cancel = vi.fn()
    let answer: (response: Response) => void = () => {}
    const failure = failureOf(
      within(
        () => 100,
        shared(undefined),
        () => new Promise((resolve) => (answer = resolve)),
      ).outcome,
    )
    await vi.advanceTimersByTimeAsync(101)
    await failure
    answer(new Response(new ReadableStream({ cancel })))
    await vi.advanceTimersByTimeAsync(0)
    expect(cancel).toHaveBeenCalledOnce()
  })

  it('lets the abort of the source through to the body, until it is untied', async () => {
    const source = new AbortController()
    let given: AbortSignal | undefined
    const { outcome, unlink } = within(
      () => 100,
      shared(source.signal),
      (signal) => {
        given = signal
        return Promise.resolve(new Response('body'))
      },
    )
    await outcome
    await vi.advanceTimersByTimeAsync(1000)
    expect(given?.aborted).toBe(false)
    source.abort('gone')
    expect(given).toMatchObject({ aborted: true, reason: 'gone' })
    unlink()
  })

  it('ties nothing any more once it is untied', async () => {
    const source = new AbortController()
    let given: AbortSignal | undefined
    const { outcome, unlink } = within(
      () => 100,
      shared(source.signal),
      (signal) => {
        given = signal
        return Promise.resolve(new Response('body'))
      },
    )
    await outcome
    unlink()
    source.abort('gone')
    expect([given?.aborted, getEventListeners(source.signal, 'abort')]).toEqual([false, []])
  })

  it('sends nothing under a signal that is aborted', async () => {
    const send = vi.fn(deaf)
    expect(await failureOf(within(() => 100, shared(AbortSignal.abort('gone')), send).outcome)).toBe('gone')
    expect(send).not.toHaveBeenCalled()
  })

  it('leaves no listener for a response without a body', async () => {
    const { signal } = new AbortController()
    await within(
      () => 100,
      shared(signal),
      () => Promise.resolve(new Response(null, { status: 204 })),
    ).outcome
    expect(getEventListeners(signal, 'abort')).toEqual([])
  })
})

describe('an answer that nobody reads', () => {
  it('takes its listener with it, though the signal stays', async () => {
    const { signal } = new AbortController()
    const body = (): ReadableStream => new ReadableStream({ pull: (controller) => controller.enqueue(1) })
    for (const status of [200, 500]) {
      const answer = (): Promise<Response> => Promise.resolve(new Response(body(), { status }))
      void within(() => 1e6, { signal, isShared: true }, answer)
    }
    setFlagsFromString('--expose_gc')
    const collect = runInNewContext('gc') as () => void
    await vi.waitFor(() => {
      collect()
      expect(getEventListeners(signal, 'abort')).toEqual([])
    })
  })
})
