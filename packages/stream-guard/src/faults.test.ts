import { BreakwaterError, callOf, createFetch, markLocal, type Middleware } from '@breakwater/core'
import { params } from '@breakwater/testing'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { isStreamInterruptedError, StreamInterruptedError } from './stream-interrupted-error.ts'
import { streamGuard } from './stream-guard.ts'
import { failureOf } from './testing/outcomes.ts'
import { eachAlone, guardedFetch, outcomeOf, responseOf } from './testing/raw.ts'
import { answer, errorEvent, messageStart, ping } from './testing/transcripts.ts'

const events = answer('one ', 'two')
const request = {
  url: 'https://api.anthropic.com/v1/messages',
  method: 'POST',
  headers: new Headers(),
  body: JSON.stringify({ ...params, stream: true }),
}

describe('a failing response', () => {
  it('looks like one of the API where the stream itself is broken', async () => {
    const headers = { 'content-encoding': 'identity', 'content-length': '9', 'x-upstream': 'a' }
    const { status, text, headers: got } = await outcomeOf({ chunks: eachAlone(messageStart), headers })
    expect(status).toBe(502)
    expect(JSON.parse(text)).toEqual({
      type: 'error',
      error: { type: 'api_error', message: expect.stringMatching(/^The stream ended before/) as string },
      request_id: 'req_1',
    })
    expect(Object.fromEntries(got)).toEqual({
      'content-type': 'application/json',
      'request-id': 'req_1',
      'x-upstream': 'a',
    })
  })

  it.each([
    [eachAlone(), 'was empty'],
    [eachAlone(messageStart, 'event: a\ndata: {\n\n'), 'was malformed'],
  ])('says what was wrong with it', async (chunks, words) => {
    const { error } = JSON.parse((await outcomeOf({ chunks })).text) as { error: { message: string } }
    expect(error.message).toContain(words)
  })

  it('has the id of the request from the headers, whatever the event says', async () => {
    const { status, headers } = await outcomeOf({ chunks: eachAlone(errorEvent()) })
    expect([status, headers.get('request-id')]).toEqual([529, 'req_1'])
  })

  it('has none where nobody says one', async () => {
    const response = responseOf({ chunks: eachAlone({ type: 'error', error: { type: 'api_error' } }) })
    response.headers.delete('request-id')
    const failing = await guardedFetch(() => response)
    expect([failing.status, failing.headers.has('request-id')]).toEqual([500, false])
  })
})

describe('a stream that no upstream request has brought', () => {
  it.each<[string, number, object]>([
    ['before its content', 1, { committed: false, category: 'server_error' }],
    ['after it', 4, { committed: true, category: 'stream_interrupted' }],
  ])('is guarded as any other: %s', async (_, count, event) => {
    const told: unknown[] = []
    let attempts: unknown
    const answers: Middleware = (sent, _next, ctx) => {
      attempts = callOf(sent, ctx).attempts
      return Promise.resolve(markLocal(responseOf({ chunks: eachAlone(...events.slice(0, count)) })))
    }
    const onInterrupt = (interruption: object): void => void told.push(interruption)
    const guarded = createFetch([streamGuard({ onInterrupt }), answers])
    const response = await guarded(request.url, { method: 'POST', body: request.body })
    const reading = failureOf(response.text())
    if (count > 1) expect(await reading).toBeInstanceOf(StreamInterruptedError)
    else expect(response.status).toBe(502)
    expect(told).toMatchObject([{ ...event, model: params.model, requestId: 'req_1' }])
    expect(attempts).toEqual([])
  })
})

describe('a stream', () => {
  const ctx = { logger: console, parse: () => Promise.reject(new Error('not here')) }
  beforeEach(() => {
    vi.useFakeTimers()
    vi.advanceTimersByTime(1_000_000)
  })
  afterEach(() => void vi.useRealTimers())

  it('is left alone where somebody inside reads it already', async () => {
    const response = responseOf({ chunks: eachAlone(...events) })
    response.body?.getReader()
    const told = vi.fn()
    const guard = streamGuard({ onCommit: told, onInterrupt: told })
    expect(await guard(request, () => Promise.resolve(response), ctx)).toBe(response)
    expect(told).not.toHaveBeenCalled()
  })

  it('says for how long it was held, and not how old the process is', async () => {
    const chunks = eachAlone(messageStart, ping, ...events.slice(1))
    const upstream = responseOf({ chunks })
    const source = upstream.body!.getReader()
    const slow = new ReadableStream<Uint8Array>(
      {
        async pull(controller) {
          await new Promise((resolve) => setTimeout(resolve, 100))
          const { done, value } = await source.read()
          if (done) controller.close()
          else controller.enqueue(value)
        },
      },
      { highWaterMark: 0 },
    )
    const onCommit = vi.fn()
    const guarding = guardedFetch(() => new Response(slow, { headers: upstream.headers }), { onCommit })
    await vi.advanceTimersByTimeAsync(10_000)
    await guarding
    // The fourth chunk has the first content.
    expect(onCommit).toHaveBeenCalledExactlyOnceWith(
      expect.objectContaining({ type: 'stream_committed', reason: 'content', heldMs: 400 }),
    )
  })
})

describe('isStreamInterruptedError', () => {
  it('takes no other error of ours for one, though it has a part of something', () => {
    const details = { code: 'circuit_open', category: 'circuit_open' }
    const other = Object.assign(new BreakwaterError('open', details), { partial: {} })
    expect(isStreamInterruptedError(other)).toBe(false)
    const own = new StreamInterruptedError({ reason: 'cut', deliveredEvents: 1, deliveredCharacters: 0 })
    expect(isStreamInterruptedError(own)).toBe(true)
    expect(own.message).toContain('after 1 event:')
  })
})
