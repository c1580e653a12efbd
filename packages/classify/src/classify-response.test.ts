import { afterEach, describe, expect, it, vi } from 'vitest'
import { bodyMaxBytes } from './body.ts'
import { classifyError } from './classify-error.ts'
import { classifyResponse } from './classify-response.ts'

afterEach(() => {
  vi.useRealTimers()
})

const overloaded = JSON.stringify({
  type: 'error',
  error: { type: 'overloaded_error', message: 'Overloaded' },
  request_id: 'req_1',
})

describe('classifyResponse', () => {
  it.each([200, 204, 304, 399])('is undefined for %i, and leaves it alone', async (status) => {
    const response = new Response(null, { status })
    const clone = vi.spyOn(response, 'clone')
    expect(await classifyResponse(response)).toBeUndefined()
    expect(clone).not.toHaveBeenCalled()
  })

  it('reads the body of a failure, and leaves every byte of it', async () => {
    const response = new Response(overloaded, { status: 500, headers: { 'retry-after': '3' } })
    expect(await classifyResponse(response)).toMatchObject({
      category: 'overloaded',
      status: 500,
      message: 'Overloaded',
      requestId: 'req_1',
      retryAfterMs: 3000,
    })
    expect(response.bodyUsed).toBe(false)
    expect(await response.text()).toBe(overloaded)
  })

  it.each([
    ['without a body', new Response(null, { status: 529 })],
    ['with an empty body', new Response('', { status: 529 })],
    ['with an HTML body', new Response('<html><title>Overloaded</title>', { status: 529 })],
  ])('judges a response %s by its status', async (_name, response) => {
    expect(await classifyResponse(response)).toMatchObject({ category: 'overloaded', status: 529 })
  })

  it('judges by status and headers when the body is used, locked or cannot be cloned', async () => {
    const used = new Response(overloaded, { status: 429, headers: { 'retry-after': '1' } })
    await used.text()
    const locked = new Response(overloaded, { status: 429, headers: { 'retry-after': '1' } })
    locked.body?.getReader()
    const foreign = new Response(overloaded, { status: 429, headers: { 'retry-after': '1' } })
    vi.spyOn(foreign, 'clone').mockImplementation(() => {
      throw new TypeError('no clones here')
    })
    for (const response of [used, locked, foreign]) {
      expect(await classifyResponse(response)).toMatchObject({ category: 'rate_limit', retryAfterMs: 1000 })
    }
  })

  it('reads at most 64 KiB and a chunk of an endless body', async () => {
    let pulled = 0
    const body = new ReadableStream<Uint8Array>({
      pull: (controller) => {
        pulled += 1024
        controller.enqueue(new Uint8Array(1024).fill(97))
      },
    })
    const response = new Response(body, { status: 500 })
    expect(await classifyResponse(response)).toMatchObject({ category: 'server_error' })
    await new Promise((resolve) => setTimeout(resolve, 20))
    // One chunk over, and one that the stream itself holds ready.
    expect(pulled).toBeLessThanOrEqual(bodyMaxBytes + 2 * 1024)
    await response.body?.cancel()
  })

  it('waits at most 1 s for a stalled body, then judges by what arrived', async () => {
    vi.useFakeTimers()
    const cancelled = vi.fn<(reason: unknown) => void>()
    const body = new ReadableStream<Uint8Array>({
      start: (controller) => controller.enqueue(new TextEncoder().encode('gateway said')),
      cancel: cancelled,
    })
    const response = new Response(body, { status: 503 })
    const classifying = classifyResponse(response)
    await vi.advanceTimersByTimeAsync(1000)
    expect(await classifying).toMatchObject({ category: 'server_error', message: 'gateway said' })
    expect(vi.getTimerCount()).toBe(0)
    // The clone is let go: cancelling the original settles and reaches the source.
    await response.body?.cancel('done')
    expect(cancelled).toHaveBeenCalledOnce()
  })

  it('leaves a body of which the start was read whole for the caller', async () => {
    const long = 'x'.repeat(200_000)
    const response = new Response(long, { status: 500 })
    await classifyResponse(response)
    expect(await response.text()).toBe(long)
  })

  it('judges by what arrived when the body fails, and passes the failure on', async () => {
    let pulls = 0
    const body = new ReadableStream<Uint8Array>({
      pull: (controller) => {
        if (pulls++ > 0) controller.error(new Error('cut'))
        else controller.enqueue(new TextEncoder().encode('partial'))
      },
    })
    const response = new Response(body, { status: 500 })
    expect(await classifyResponse(response)).toMatchObject({ category: 'server_error', message: 'partial' })
    await expect(response.text()).rejects.toThrow('cut')
  })

  it('clones once, however many ask, at once or later, and in another copy of the package', async () => {
    const response = new Response(overloaded, { status: 529 })
    const clone = vi.spyOn(response, 'clone')
    const [first, second] = await Promise.all([classifyResponse(response), classifyResponse(response)])
    vi.resetModules()
    const other = await import('./classify-response.ts')
    expect(other.classifyResponse).not.toBe(classifyResponse)
    expect(await other.classifyResponse(response)).toBe(first)
    expect(second).toBe(first)
    expect(classifyError(response)).toBe(first)
    expect(clone).toHaveBeenCalledOnce()
  })
})
