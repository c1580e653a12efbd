import { createFetch, tapOf, tapped, type Middleware } from '@breakwater/core'
import { fakeFetch } from '@breakwater/testkit'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { params } from '@breakwater/testing'
import { failureOf } from './testing/outcomes.ts'
import { off } from './testing/set-up.ts'
import { timeout, type TimeoutOptions } from './timeout.ts'

const all: TimeoutOptions = { attemptMs: 50_000, firstTokenMs: 50_000, idleMs: 50_000, totalMs: 90_000 }
const sse = { 'content-type': 'text/event-stream; charset=utf-8' }

/** The answer to one request whose body is `body`, under limits. */
function answerOf(
  body: BodyInit,
  limits: TimeoutOptions = all,
  headers: HeadersInit = sse,
): Promise<Response> {
  const fetch = (): Promise<Response> => Promise.resolve(new Response(body, { headers }))
  return createFetch(timeout({ ...off, ...limits }), { fetch })('http://fake.invalid')
}

describe('a body under limits', () => {
  beforeEach(() => void vi.useFakeTimers())
  afterEach(() => {
    expect(vi.getTimerCount()).toBe(0)
    vi.useRealTimers()
  })

  it('passes each chunk as it is', async () => {
    const property = fc.asyncProperty(fc.array(fc.uint8Array({ maxLength: 50 })), async (chunks) => {
      const rest = chunks.map((chunk) => Uint8Array.from(chunk))
      const body = new ReadableStream<Uint8Array>({
        pull(controller) {
          const chunk = rest.shift()
          if (chunk === undefined) controller.close()
          else controller.enqueue(chunk)
        },
      })
      const passed: Uint8Array[] = []
      const reader = (await answerOf(body)).body!.getReader()
      for (let read = await reader.read(); !read.done; read = await reader.read()) passed.push(read.value)
      expect(passed).toEqual(chunks.map((chunk) => Uint8Array.from(chunk)))
    })
    await fc.assert(property, { numRuns: 50 })
  })

  it('reads nothing ahead of its reader', async () => {
    const pull = vi.fn((controller: ReadableStreamDefaultController) => controller.enqueue(new Uint8Array(9)))
    const { body } = await answerOf(new ReadableStream({ pull }, { highWaterMark: 0 }))
    await vi.advanceTimersByTimeAsync(1_000)
    expect(pull).not.toHaveBeenCalled()
    const reader = body!.getReader()
    await reader.read()
    await reader.read()
    await vi.advanceTimersByTimeAsync(1_000)
    expect(pull).toHaveBeenCalledTimes(2)
    expect(vi.getTimerCount()).toBe(0)
  })

  it('hands a cancel on, with its reason', async () => {
    const cancel = vi.fn()
    const { body } = await answerOf(new ReadableStream({ cancel }))
    const reader = body!.getReader()
    const reading = reader.read()
    await vi.advanceTimersByTimeAsync(0)
    expect(vi.getTimerCount()).toBe(1)
    await reader.cancel('enough')
    expect(await reading).toMatchObject({ done: true })
    expect(cancel).toHaveBeenCalledExactlyOnceWith('enough')
  })

  it('ends with the error of the body', async () => {
    const broken = new TypeError('terminated')
    const body = new ReadableStream({
      pull(controller) {
        controller.error(broken)
      },
    })
    expect(await failureOf((await answerOf(body)).text())).toBe(broken)
  })

  it('cancels a body that does not know the signal', async () => {
    const cancel = vi.fn(() => Promise.reject(new Error('broken cancel')))
    const text = failureOf((await answerOf(new ReadableStream({ cancel }))).text())
    await vi.advanceTimersByTimeAsync(50_000)
    expect(await text).toMatchObject({ limit: 'firstToken' })
    expect(cancel).toHaveBeenCalledOnce()
  })

  it('tells whoever watches the body inside that it was a limit, no reader that went away', async () => {
    const seen: unknown[] = []
    const watch: Middleware = async (request, next) => {
      const reader = (await next(request)).body!.getReader()
      const body = new ReadableStream<Uint8Array>({
        async pull(controller) {
          const { value } = await reader.read().catch((error: unknown) => {
            seen.push(error)
            throw error
          })
          controller.enqueue(value!)
        },
        cancel: (reason) => reader.cancel(reason),
      })
      return new Response(body, { headers: sse })
    }
    const fetch = fakeFetch({ script: [{ fault: { kind: 'stall', at: 1 } }] })
    const limited = createFetch([timeout({ ...off, firstTokenMs: 5_000 }), watch], { fetch })
    const body = JSON.stringify({ ...params, stream: true })
    const response = await limited('http://fake.invalid/v1/messages', { method: 'POST', body })
    const error = failureOf(response.text())
    await vi.advanceTimersByTimeAsync(5_000)
    expect(seen).toEqual([await error])
  })

  it('takes every byte of a body that is no stream for content, and an empty chunk for none', async () => {
    let pulls = 0
    const body = new ReadableStream<Uint8Array>({
      async pull(controller) {
        pulls++
        await new Promise((resolve) => setTimeout(resolve, 900))
        controller.enqueue(new Uint8Array(pulls < 5 ? 1 : 0))
      },
    })
    const text = failureOf((await answerOf(body, { idleMs: 1_000 }, {})).text())
    await vi.advanceTimersByTimeAsync(4 * 900 + 1_000)
    expect(await text).toMatchObject({ limit: 'idle' })
    await vi.advanceTimersByTimeAsync(900)
  })

  it('knows of the content that somebody inside has read ahead', async () => {
    const ahead: Middleware = async (request, next) => {
      const response = tapped(await next(request))
      for (let index = 0; index < 3; index++) await tapOf(response)?.peek()
      return response
    }
    const fetch = fakeFetch({ script: [{ fault: { kind: 'stall', at: 3 } }] })
    const limited = createFetch([timeout({ ...off, firstTokenMs: 9_000, idleMs: 2_000 }), ahead], { fetch })
    const body = JSON.stringify({ ...params, stream: true })
    const response = await limited('http://fake.invalid/v1/messages', { method: 'POST', body })
    const error = failureOf(response.text())
    await vi.advanceTimersByTimeAsync(2_000)
    expect(await error).toMatchObject({ limit: 'idle', limitMs: 2_000 })
  })

  it('ends what somebody inside reads ahead', async () => {
    let peeked: unknown
    const ahead: Middleware = async (request, next) => {
      const response = tapped(await next(request))
      peeked = failureOf(Promise.resolve(tapOf(response)?.peek()))
      await peeked
      return response
    }
    const fetch = fakeFetch({ script: [{ fault: { kind: 'stall', at: 0 } }] })
    const limited = createFetch([ahead, timeout({ ...off, firstTokenMs: 9_000 })], { fetch })
    const body = JSON.stringify({ ...params, stream: true })
    const calling = limited('http://fake.invalid/v1/messages', { method: 'POST', body })
    await vi.advanceTimersByTimeAsync(9_000)
    expect(await peeked).toMatchObject({ limit: 'firstToken' })
    expect(await failureOf((await calling).text())).toBe(await peeked)
  })

  it('has no limit on silence before the first content unless there is one on that', async () => {
    const body = new ReadableStream<Uint8Array>({
      async pull(controller) {
        await new Promise((resolve) => setTimeout(resolve, 60_000))
        controller.enqueue(new TextEncoder().encode('data: {"type":"message_stop"}\n\n'))
        controller.close()
      },
    })
    const text = (await answerOf(body, { idleMs: 1_000 })).text()
    await vi.advanceTimersByTimeAsync(60_000)
    expect(await text).toContain('message_stop')
  })

  it.each([{ firstTokenMs: 50_000 }, { attemptMs: 50_000 }])(
    'is the very body where %o has nothing to say',
    async (limits) => {
      const response = Response.json({})
      const fetch = createFetch(timeout({ ...off, ...limits }), { fetch: () => Promise.resolve(response) })
      expect(await fetch('http://fake.invalid')).toBe(response)
    },
  )

  it('leaves alone what has no body, or one that somebody reads', async () => {
    const empty = new Response(null, { status: 204 })
    const fetch = createFetch(timeout(all), { fetch: () => Promise.resolve(empty) })
    expect(await fetch('http://fake.invalid')).toBe(empty)
    const read = new Response('text')
    read.body?.getReader()
    await expect(
      createFetch(timeout(all), { fetch: () => Promise.resolve(read) })('http://fake.invalid'),
    ).rejects.toThrow(/has read the body/)
  })
})
