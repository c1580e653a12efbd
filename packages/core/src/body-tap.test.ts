import { createFakeAnthropic, fakeFetch } from '@breakwater/testkit'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import fc from 'fast-check'
import { describe, expect, it, vi } from 'vitest'
import { tapOf, tapped, type BodyTap } from './body-tap.ts'
import { copyResponse } from './body.ts'
import type { MiddlewareContext } from './middleware.ts'
import { attemptOf, send } from './send.ts'
import type { BodyEnd } from './stream-state.ts'

setFlagsFromString('--expose_gc')
const collect = runInNewContext('gc') as () => void

const encoder = new TextEncoder()
const streamHeaders = { 'content-type': 'text/event-stream; charset=utf-8' }
const event = (type: string, data: object = { type }): string =>
  `event: ${type}\ndata: ${JSON.stringify(data)}\n\n`
const start = event('message_start')
const delta = event('content_block_delta')
const finished = event('message_delta', { type: 'message_delta', delta: { stop_reason: 'end_turn' } })
const stop = event('message_stop')
const error = event('error', { type: 'error', error: { type: 'overloaded_error' } })

/** A body that gives one chunk per read, and says what became of it. */
function source(chunks: readonly (string | Error)[]): {
  body: ReadableStream<Uint8Array>
  reads: () => number
  cancelled: () => unknown
} {
  let reads = 0
  let cancelled: unknown
  const left = [...chunks]
  const body = new ReadableStream<Uint8Array>(
    {
      pull(controller) {
        reads++
        const chunk = left.shift()
        if (chunk === undefined) controller.close()
        else if (chunk instanceof Error) throw chunk
        else controller.enqueue(encoder.encode(chunk))
      },
      cancel(reason) {
        cancelled = reason ?? 'cancelled'
      },
    },
    { highWaterMark: 0 },
  )
  return { body, reads: () => reads, cancelled: () => cancelled }
}

function listen(body: ReadableStream<Uint8Array> | string, headers: HeadersInit = streamHeaders) {
  const response = tapped(new Response(body, { headers }))
  const tap = tapOf(response)
  if (tap === undefined) throw new Error('There is no tap.')
  const types: string[] = []
  const ends: BodyEnd[] = []
  tap.add({ onEvent: ({ type }) => types.push(type), onEnd: (end) => ends.push(end) })
  return { response, tap, types, ends }
}

async function readAll(response: Response): Promise<{ text: string; error?: unknown }> {
  const decoder = new TextDecoder()
  let text = ''
  try {
    for await (const chunk of response.body ?? []) text += decoder.decode(chunk, { stream: true })
    return { text }
  } catch (error) {
    return { text, error }
  }
}

describe('tapped', () => {
  it('makes one tap of a body, whoever asks, and keeps it with the body', () => {
    const response = tapped(new Response('a'))
    expect(tapped(response)).toBe(response)
    const again = new Response(response.body, { headers: { a: 'b' } })
    expect(tapped(again)).toBe(again)
    expect(tapOf(again)).toBe(tapOf(response))
    expect(tapOf(new Response('a'))).toBeUndefined()
  })

  it('leaves a response without a body, or with a locked one, as it is', () => {
    const empty = new Response(null, { status: 204 })
    expect(tapped(empty)).toBe(empty)
    expect(tapOf(empty)).toBeUndefined()
    const locked = new Response('a')
    locked.body?.getReader()
    expect(tapped(locked)).toBe(locked)
  })

  it('keeps status, headers and bytes, and reads nothing before somebody reads', async () => {
    const { body, reads } = source(['a', 'b'])
    const response = tapped(
      new Response(body, { status: 201, statusText: 'Made', headers: { 'request-id': 'req_1' } }),
    )
    await Promise.resolve()
    expect(reads()).toBe(0)
    expect([response.status, response.statusText, response.headers.get('request-id')]).toEqual([
      201,
      'Made',
      'req_1',
    ])
    const reader = response.body?.getReader()
    expect(await reader?.read()).toEqual({ done: false, value: encoder.encode('a') })
    expect(reads()).toBe(1)
    expect(await reader?.read()).toEqual({ done: false, value: encoder.encode('b') })
    expect(await reader?.read()).toEqual({ done: true, value: undefined })
  })

  it('stands for the attempt that the response came from', async () => {
    const ctx: MiddlewareContext = { logger: console, parse: () => Promise.reject(new Error('unused')) }
    const request = { url: 'https://fake.test', headers: new Headers() }
    const failing = await send(request, () => Promise.resolve(new Response('a', { status: 500 })), ctx)
    expect(attemptOf(failing)).toBeDefined()
    expect(attemptOf(tapped(failing))).toBe(attemptOf(failing))
  })

  it('hands the cancel on', async () => {
    const { body, cancelled } = source(['a'])
    await tapped(new Response(body)).body?.cancel('enough')
    expect(cancelled()).toBe('enough')
  })
})

describe('the end of a body', () => {
  it.each<[string, (string | Error)[], object]>([
    ['a whole stream', [start, delta, finished, stop], { kind: 'complete' }],
    ['a stream cut after its end', [start, delta + finished + stop, new Error('cut')], { kind: 'complete' }],
    ['an end before message_stop', [start, delta], { kind: 'truncated', hasStopReason: false }],
    ['an end after the stop reason', [start, delta, finished], { kind: 'truncated', hasStopReason: true }],
    ['an end within message_stop', [start, delta, stop.slice(0, -1)], { kind: 'truncated' }],
    ['nothing', [], { kind: 'empty' }],
    ['pings alone', [event('ping'), ': comment\n\n'], { kind: 'empty' }],
    ['a stream of other events', [event('session_status')], { kind: 'complete' }],
    [
      'an error event',
      [start, delta, error],
      { kind: 'error_event', data: '{"type":"error","error":{"type":"overloaded_error"}}' },
    ],
    ['an error event, then a cut', [start, error, new Error('cut')], { kind: 'error_event' }],
    ['an error event after the end', [start, stop, error], { kind: 'complete' }],
    ['a cut', [start, new Error('cut')], { kind: 'failed', error: { message: 'cut' } }],
  ])('%s', async (_, chunks, end) => {
    const { response, ends } = listen(source(chunks).body)
    await readAll(response)
    expect(ends).toMatchObject([end])
  })

  it('is told when the reader stops early, and of what it had seen by then', async () => {
    for (const [chunks, kind] of [
      [[start, delta], 'cancelled'],
      [[start, error, delta], 'error_event'],
      [[start, stop, 'more'], 'complete'],
    ] as const) {
      const { response, ends } = listen(source(chunks).body)
      const reader = response.body?.getReader()
      await reader?.read()
      await reader?.read()
      expect(ends).toEqual([])
      await reader?.cancel()
      expect(ends).toMatchObject([{ kind }])
    }
  })

  it('is complete for a body that is no event stream', async () => {
    const { response, ends, types } = listen(source([start]).body, { 'content-type': 'application/json' })
    expect(await readAll(response)).toEqual({ text: start })
    expect(types).toEqual([])
    expect(ends).toEqual([{ kind: 'complete' }])
  })
})

describe('peek', () => {
  it('holds what it reads for the reader, and tells late listeners of it', async () => {
    const { response, tap, types } = listen(source([start, delta + delta, stop]).body)
    expect(await tap.peek()).toBe(true)
    expect(await tap.peek()).toBe(true)
    expect(tap.heldBytes).toBe((start + delta + delta).length)
    const late: [string, string | undefined][] = []
    tap.add({ onEvent: (event) => late.push([event.type, event.data()]) })
    expect(late).toHaveLength(3)
    expect(late[0]).toEqual(['message_start', '{"type":"message_start"}'])
    expect(await readAll(response)).toEqual({ text: start + delta + delta + stop })
    expect(types).toEqual(['message_start', 'content_block_delta', 'content_block_delta', 'message_stop'])
    expect(late.map(([type]) => type)).toEqual(types)
    expect(tap.heldBytes).toBe(0)
  })

  it('tells nobody of what has been read by then', async () => {
    const { response, tap } = listen(source([start, delta, stop]).body)
    await tap.peek()
    await response.body?.getReader().read()
    const late: string[] = []
    tap.add({ onEvent: ({ type }) => late.push(type) })
    expect(late).toEqual([])
  })

  it('holds what comes next also for a reader that has begun', async () => {
    const { response, tap } = listen(source(['ab', 'cd', 'ef']).body)
    const reader = response.body?.getReader()
    await reader?.read()
    await tap.peek()
    await tap.peek()
    tap.fail(new Error('broken'), 5)
    expect(await reader?.read()).toEqual({ done: false, value: encoder.encode('cd') })
    expect(await reader?.read()).toEqual({ done: false, value: encoder.encode('e') })
    await expect(reader?.read()).rejects.toThrow('broken')
  })

  it('knows where it stands when the reader has gone on by itself', async () => {
    const { response, tap } = listen(source(['ab', 'cd', 'ef', 'gh']).body)
    const reader = response.body?.getReader()
    await tap.peek()
    await reader?.read()
    await reader?.read()
    await tap.peek()
    expect(tap.heldBytes).toBe(2)
    tap.fail(new Error('broken'), 5)
    expect(await reader?.read()).toEqual({ done: false, value: encoder.encode('e') })
    await expect(reader?.read()).rejects.toThrow('broken')
  })

  it('says when there is no more', async () => {
    const { response, tap, ends } = listen(source([start]).body)
    expect([await tap.peek(), await tap.peek(), await tap.peek()]).toEqual([true, false, false])
    expect(ends).toMatchObject([{ kind: 'truncated' }])
    await response.body?.cancel()
    expect(ends).toHaveLength(1)
  })

  it('rejects as reading would, and the reader gets what was held before the error', async () => {
    const { response, tap, ends } = listen(source([start, new Error('cut')]).body)
    await tap.peek()
    await expect(tap.peek()).rejects.toThrow('cut')
    await expect(tap.peek()).rejects.toThrow('cut')
    expect(ends).toMatchObject([{ kind: 'failed' }])
    const late: BodyEnd[] = []
    tap.add({ onEnd: (end) => late.push(end) })
    expect(late).toEqual(ends)
    expect(await readAll(response)).toMatchObject({ text: start, error: { message: 'cut' } })
  })
})

describe('reading while somebody peeks', () => {
  it('gives what is being read ahead first', async () => {
    const { response, tap } = listen(source(['a', 'b', 'c']).body)
    const peeks = [tap.peek(), tap.peek()]
    expect(await readAll(response)).toEqual({ text: 'abc' })
    expect(await Promise.all(peeks)).toEqual([true, true])
  })

  it('fails as the peek does', async () => {
    const { response, tap } = listen(source([new Error('cut')]).body)
    const peek = tap.peek().catch((error: unknown) => error)
    expect(await readAll(response)).toMatchObject({ text: '', error: { message: 'cut' } })
    expect(await peek).toMatchObject({ message: 'cut' })
  })

  it('may be given up', async () => {
    const { response, tap, ends } = listen(new ReadableStream<Uint8Array>())
    const peek = tap.peek()
    await response.body?.cancel()
    expect(await peek).toBe(false)
    expect(ends).toEqual([{ kind: 'cancelled' }])
  })
})

describe('fail', () => {
  const failure = new Error('broken')

  it('ends the body for a reader that waits, and cancels upstream at once', async () => {
    let cancelled: unknown
    const body = new ReadableStream<Uint8Array>(
      { cancel: (reason) => void (cancelled = reason) },
      { highWaterMark: 0 },
    )
    const { response, tap, ends } = listen(body)
    const reading = readAll(response)
    tap.fail(failure)
    tap.fail(new Error('later'))
    expect(cancelled).toBe(failure)
    expect(await reading).toEqual({ text: '', error: failure })
    expect(ends).toEqual([{ kind: 'failed', error: failure }])
  })

  it('ends a peek', async () => {
    const { tap } = listen(new ReadableStream<Uint8Array>())
    const peek = tap.peek()
    tap.fail(failure)
    await expect(peek).rejects.toBe(failure)
  })

  it('cuts at the byte where an event begins, however the chunks are cut', async () => {
    const whole = start + delta + error + delta + stop
    const at = (start + delta).length
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.integer({ min: 1, max: whole.length - 1 }), { maxLength: 8 }),
        fc.nat(4),
        async (points, peeks) => {
          const ends = [...new Set(points)].sort((a, b) => a - b)
          const chunks = [...ends, whole.length].map((end, index) => whole.slice(ends[index - 1] ?? 0, end))
          const upstream = source(chunks)
          const { response, tap, types } = listen(upstream.body)
          tap.add({ onEvent: ({ type, start }) => type === 'error' && tap.fail(failure, start) })
          for (let index = 0; index < peeks; index++) await tap.peek().catch(() => {})
          // What the reader has of the event by then cannot be taken back; no decoder makes an event of it.
          const found = ends.filter((end) => end < at + error.length)
          const delivered = found.length < peeks ? 0 : (found.at(-1) ?? 0)
          expect(await readAll(response)).toEqual({
            text: whole.slice(0, Math.max(at, delivered)),
            error: failure,
          })
          expect(types).toEqual(['message_start', 'content_block_delta', 'error'])
          expect(upstream.cancelled() ?? failure).toBe(failure)
        },
      ),
    )
  })

  it('can still turn the end into an error, for one who judges by it', async () => {
    for (const peeks of [0, 2]) {
      const { response, tap, ends } = listen(source([start]).body)
      tap.add({ onEnd: ({ kind }) => kind === 'truncated' && tap.fail(failure, start.length) })
      const peeked = []
      for (let index = 0; index < peeks; index++)
        peeked.push(await tap.peek().catch((error: unknown) => error))
      expect(peeked).toEqual([true, failure].slice(0, peeks))
      expect(await readAll(response)).toEqual({ text: start, error: failure })
      expect(ends).toMatchObject([{ kind: 'truncated' }])
    }
  })

  it('can put another error in the place of the one of the network', async () => {
    const { response, tap, ends } = listen(source([start, new Error('cut')]).body)
    tap.add({ onEnd: ({ kind }) => kind === 'failed' && tap.fail(failure, start.length) })
    expect(await readAll(response)).toEqual({ text: start, error: failure })
    expect(ends).toMatchObject([{ kind: 'failed', error: { message: 'cut' } }])
  })

  it('does nothing after the end', async () => {
    const { response, tap, ends } = listen(source(['a']).body)
    await readAll(response)
    tap.fail(failure)
    expect(ends).toHaveLength(1)
  })

  it('drops what is held when no place is given', async () => {
    const { response, tap } = listen(source([start, delta]).body)
    await tap.peek()
    tap.fail(failure)
    expect(await readAll(response)).toEqual({ text: '', error: failure })
  })
})

describe('listeners', () => {
  it('hear that somebody waits, then the events, then the chunk', async () => {
    const { response, tap } = listen(source([start]).body)
    const heard: string[] = []
    tap.add({
      onWait: () => heard.push('wait'),
      onEvent: ({ type }) => heard.push(type),
      onChunk: (chunk) => heard.push(String(chunk.length)),
      onEnd: ({ kind }) => heard.push(kind),
    })
    await readAll(response)
    expect(heard).toEqual(['wait', 'message_start', String(start.length), 'wait', 'truncated'])
  })

  it('hear of what is being read ahead once, and who comes late when the reader waits for it too', async () => {
    let give = (_chunk: Uint8Array): void => {}
    const body = new ReadableStream<Uint8Array>(
      {
        pull: (controller) =>
          new Promise((resolve) => {
            give = (chunk) => resolve(controller.enqueue(chunk))
          }),
      },
      { highWaterMark: 0 },
    )
    const { response, tap } = listen(body)
    const heard: string[] = []
    tap.add({ onWait: () => heard.push('early') })
    const peeked = tap.peek()
    tap.add({ onWait: () => heard.push('late') })
    expect(heard).toEqual(['early'])
    const reader = response.body?.getReader()
    const reading = reader?.read()
    await vi.waitFor(() => expect(heard).toEqual(['early', 'late']))
    give(encoder.encode(start))
    expect([await peeked, (await reading)?.value?.length]).toEqual([true, start.length])
    expect(heard).toEqual(['early', 'late'])
    void reader?.read()
    await vi.waitFor(() => expect(heard).toEqual(['early', 'late', 'early', 'late']))
  })

  it('hear of each reading ahead once, also who came during the last one', async () => {
    const gives: ((chunk: string) => void)[] = []
    const body = new ReadableStream<Uint8Array>(
      {
        pull: (controller) =>
          new Promise((resolve) => {
            gives.push((chunk) => resolve(controller.enqueue(encoder.encode(chunk))))
          }),
      },
      { highWaterMark: 0 },
    )
    const { response, tap } = listen(body)
    const heard: string[] = []
    const first = tap.peek()
    tap.add({ onWait: () => heard.push('late') })
    await vi.waitFor(() => expect(gives).toHaveLength(1))
    gives[0]!(start)
    await first
    expect(heard).toEqual([])
    const second = tap.peek()
    const reader = response.body?.getReader()
    const reading = reader?.read()
    await vi.waitFor(() => expect(gives).toHaveLength(2))
    gives[1]!(delta)
    await second
    expect((await reading)?.value).toEqual(encoder.encode(start))
    expect(heard).toEqual(['late'])
  })

  it('that come after a failure hear of what stands before it', async () => {
    const { tap, ends } = listen(source([start + delta + error + delta]).body)
    tap.add({ onEvent: (event) => event.type === 'error' && tap.fail(new Error('broken'), event.start) })
    await tap.peek().catch(() => {})
    const late: string[] = []
    tap.add({ onEvent: ({ type }) => late.push(type), onEnd: ({ kind }) => late.push(kind) })
    expect(late).toEqual(['message_start', 'content_block_delta', 'error_event'])
    expect(ends).toMatchObject([{ kind: 'error_event' }])
  })

  it('that come when a part was read hear of the events that begin in the rest', async () => {
    const { response, tap } = listen(
      source([start, delta.slice(0, 9), `${delta.slice(9)}: c\n\n${stop}`]).body,
    )
    for (let peek = 0; peek < 3; peek++) await tap.peek()
    const reader = response.body?.getReader()
    await reader?.read()
    await reader?.read()
    const late: string[] = []
    tap.add({ onEvent: ({ type }) => late.push(type) })
    expect(late).toEqual(['message_stop'])
  })

  it('may fail the body while it waits: nothing more is read', async () => {
    const upstream = source(['a', 'b'])
    const { response, tap } = listen(upstream.body)
    tap.add({ onWait: () => tap.fail(new Error('too late')) })
    expect(await readAll(response)).toMatchObject({ text: '', error: { message: 'too late' } })
    expect(upstream.reads()).toBe(0)
  })
})

describe('over HTTP', () => {
  it('closes the connection when the reader stops, and when the body is failed', async () => {
    const fake = await createFakeAnthropic({ script: [{ fault: 'stall' }, { fault: 'stall' }] })
    const call = async (): Promise<{ response: Response; tap: BodyTap | undefined }> => {
      const response = tapped(await postStream(fetch, fake.url))
      return { response, tap: tapOf(response) }
    }
    const first = await call()
    await first.tap?.peek()
    await first.response.body?.cancel()
    const second = await call()
    await second.tap?.peek()
    second.tap?.fail(new Error('broken'))
    await vi.waitFor(() => expect(fake.requests.map(({ aborted }) => aborted)).toEqual([true, true]))
    await fake.close()
  })

  it.each([
    ['nobody reads', async () => {}],
    ['somebody has read ahead in', async (tap: BodyTap | undefined) => void (await tap?.peek())],
  ])('closes the connection of a body that %s, once it is collected', async (_, use) => {
    const fake = await createFakeAnthropic({ script: [{ fault: 'stall' }] })
    await (async () => use(tapOf(tapped(await postStream(fetch, fake.url)))))()
    await vi.waitFor(
      () => {
        collect()
        expect(fake.requests[0]?.aborted).toBe(true)
      },
      { timeout: 5_000 },
    )
    await fake.close()
  })

  it.each([
    ['tapped', tapped],
    ['copied', (response: Response) => copyResponse(response, new Headers())],
  ])('keeps the connection of a body that is %s and not read yet', async (_, change) => {
    const fake = await createFakeAnthropic({ script: [{ text: 'Hello there', gapMs: 100 }] })
    const made = change(await postStream(fetch, fake.url))
    for (let turn = 0; turn < 10; turn++) {
      collect()
      await new Promise((resolve) => setTimeout(resolve, 10))
    }
    expect(await made.text()).toContain('message_stop')
    await fake.close()
  })

  it('lets a stream pass byte for byte', async () => {
    const options = { seed: 1, script: [{ text: 'Hello, 世界', chunkBytes: 7 }] }
    const plain = await (await postStream(fakeFetch(options), 'https://fake.test')).text()
    const response = tapped(await postStream(fakeFetch(options), 'https://fake.test'))
    expect(await response.text()).toBe(plain)
  })
})

function postStream(fetch: typeof globalThis.fetch, url: string): Promise<Response> {
  return fetch(`${url}/v1/messages`, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      authorization: 'Bearer key',
      'anthropic-version': '2026-10-21',
    },
    body: JSON.stringify({
      model: 'claude-haiku-5-5',
      max_tokens: 9,
      stream: true,
      messages: [{ role: 'user', content: 'Hi' }],
    }),
  })
}

describe('what is held', () => {
  it('is of what was read ahead alone: who comes late is told of nothing that the reader has asked for itself', async () => {
    const { response, tap } = listen(source([start, delta, stop]).body)
    const reader = response.body?.getReader()
    await reader?.read()
    await reader?.read()
    const late: string[] = []
    tap.add({ onEvent: ({ type }) => late.push(type) })
    expect(late).toEqual([])
    await reader?.read()
    expect(late).toEqual(['message_stop'])
  })

  it('is told of for as long as a part of it is held', async () => {
    const { response, tap } = listen(source([start, delta, stop]).body)
    await tap.peek()
    await tap.peek()
    const reader = response.body?.getReader()
    await reader?.read()
    expect(tap.heldBytes).toBe(delta.length)
    const late: string[] = []
    tap.add({ onEvent: ({ type }) => late.push(type) })
    expect(late).toContain('content_block_delta')
    await reader?.read()
    expect(tap.heldBytes).toBe(0)
  })

  it('is given without an empty chunk where it is cut between two chunks', async () => {
    const { response, tap } = listen(source(['ab', 'cd', 'ef']).body)
    await tap.peek()
    await tap.peek()
    tap.fail(new Error('broken'), 2)
    const reader = response.body?.getReader()
    expect(await reader?.read()).toEqual({ done: false, value: encoder.encode('ab') })
    await expect(reader?.read()).rejects.toThrow('broken')
  })

  it('is not given where the chunk that has just come is cut at its beginning', async () => {
    const { response, tap } = listen(source(['ab', 'cd']).body)
    const reader = response.body?.getReader()
    await reader?.read()
    tap.add({ onChunk: () => tap.fail(new Error('broken'), 2) })
    await expect(reader?.read()).rejects.toThrow('broken')
  })

  it('is nothing of a body that is no event stream and failed while it is read', async () => {
    const { response, tap, ends } = listen(source(['ab', 'cd']).body, { 'content-type': 'text/plain' })
    tap.add({ onChunk: () => tap.fail(new Error('broken'), 1) })
    const reader = response.body?.getReader()
    expect(await reader?.read()).toEqual({ done: false, value: encoder.encode('a') })
    await expect(reader?.read()).rejects.toThrow('broken')
    expect(ends).toMatchObject([{ kind: 'failed' }])
    // A listener that knows nothing of ends is none to ask.
    expect(() => tap.add({})).not.toThrow()
  })
})

describe('a stop reason', () => {
  it.each([
    ['{"type":"message_delta","delta":{"stop_reason" : "end_turn"}}', true],
    ['{"type":"message_delta","delta":{"stop_reason":\t"end_turn"}}', true],
    ['{"type":"message_delta","delta":{"stop_reason":null}}', false],
    ['{"type":"message_delta","delta":{"stop_sequence":"a"}}', false],
  ])('is found in %s: %s', async (data, hasStopReason) => {
    const { response, ends } = listen(source([start, `event: message_delta\ndata: ${data}\n\n`]).body)
    await readAll(response)
    expect(ends).toEqual([{ kind: 'truncated', hasStopReason }])
  })
})

describe('a body that is over', () => {
  /** A tap that is kept, and what it must not keep. */
  async function ended(
    end: (response: Response, tap: BodyTap) => Promise<unknown>,
    last: string | Error = 'cd',
  ): Promise<{
    kept: unknown
    gone: readonly WeakRef<object>[]
  }> {
    const { body } = source(['ab', last])
    const upstream = new Response(body)
    const response = tapped(upstream)
    const tap = tapOf(response)
    const listener = { onEnd() {} }
    tap?.add(listener)
    if (tap !== undefined) await end(response, tap)
    return { kept: tap, gone: [new WeakRef(upstream), new WeakRef(listener), new WeakRef(response)] }
  }

  it.each<[string, ...Parameters<typeof ended>]>([
    ['read', readAll],
    ['cut', readAll, new Error('reset')],
    ['left', (response) => response.body?.cancel() ?? Promise.resolve()],
    ['failed', async (_, tap) => tap.fail(new Error('broken'))],
    [
      'lost',
      async (response, tap) => {
        const reader = response.body?.getReader()
        tap.add({ onChunk: () => tap.fail(new Error('broken')) })
        await reader?.read().catch(() => {})
      },
    ],
  ])('keeps neither its response nor a listener: %s', async (_, end, last) => {
    const { kept, gone } = await ended(end, last)
    for (let turn = 0; turn < 5; turn++) {
      await new Promise((resolve) => setTimeout(resolve, 1))
      collect()
    }
    expect(kept).toBeDefined()
    expect(gone.map((ref) => ref.deref())).toEqual([undefined, undefined, undefined])
  })
})
