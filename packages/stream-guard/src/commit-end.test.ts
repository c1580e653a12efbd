import Anthropic from '@anthropic-ai/sdk'
import { classifyOutcome, type Classification } from '@breakwater/classify'
import {
  BreakwaterError,
  createFetch,
  describe as describeStack,
  discard,
  send,
  tapOf,
  tapped,
  withDescription,
  type Middleware,
} from '@breakwater/core'
import { createFakeAnthropic, fakeFetch, type Reply } from '@breakwater/testkit'
import { params, seams } from '@breakwater/testing'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { streamGuard } from './stream-guard.ts'
import { isStreamInterruptedError, StreamInterruptedError } from './stream-interrupted-error.ts'
import { eventsOf, failureOf } from './testing/outcomes.ts'
import { eachAlone, outcomeOf } from './testing/raw.ts'
import { setUp } from './testing/set-up.ts'
import { answer, bytesOf, errorEvent, everything, sse } from './testing/transcripts.ts'

const streaming = { ...params, stream: true } as const
const end = { commit: 'end' } as const
const tool = { toolUse: { name: 'find', input: { query: 'weather' } } }
const error = (at: number | 'end', type = 'overloaded_error') =>
  ({ fault: { kind: 'error', at, type } }) as const

/** A retry as plain as can be. */
function plainRetry(retries: number): Middleware {
  return async function plainRetry(request, next, ctx) {
    for (let retry = 0; ; retry++) {
      const response = await send(request, next, ctx)
      if (response.ok || retry === retries) return response
      discard(response)
    }
  }
}

describe.each(seams)("streamGuard with commit: 'end', by %s", (seam, clientOf) => {
  beforeEach(() => void vi.useFakeTimers())
  afterEach(() => {
    expect(vi.getTimerCount()).toBe(0)
    vi.useRealTimers()
  })

  it('hands a whole stream on as it is, when it is whole', async () => {
    const script: Reply[] = [{ ...tool, gapMs: 10_000 }]
    const { guard, fetch, told } = setUp(script, { ...end, maxPreambleMs: 1, maxPreambleBytes: 1 })
    const plain = fakeFetch({ script: [tool] })
    const response = clientOf({ middleware: guard, fetch }).messages.create(streaming).asResponse()
    await vi.advanceTimersByTimeAsync(20_000)
    expect(told).toEqual([])
    await vi.runAllTimersAsync()
    const heldMs = 10_000 * (fetch.requests[0]!.eventsSent!.length - 1)
    expect(told).toMatchObject([{ type: 'stream_committed', reason: 'end', heldMs, model: params.model }])
    const expected = await clientOf({ middleware: [], fetch: plain }).messages.create(streaming).asResponse()
    const text = await (await response).text()
    expect(text.replaceAll(/(?:msg|req|toolu)_\w+/g, '')).toBe(
      (await expected.text()).replaceAll(/(?:msg|req|toolu)_\w+/g, ''),
    )
    expect(heldMs).toBeGreaterThan(60_000)
  })

  it('is what finalMessage() waits for, and for await too', async () => {
    const { guard, fetch } = setUp([tool, tool], end)
    const client = clientOf({ middleware: guard, fetch })
    const message = await client.messages.stream(params).finalMessage()
    expect(message.content).toMatchObject([{ type: 'tool_use', input: { query: 'weather' } }])
    const { events, error: none } = await eventsOf(client.messages.create(streaming))
    expect(none).toBeUndefined()
    expect(events.at(-1)?.type).toBe('message_stop')
  })

  it('leaves what is no stream alone', async () => {
    const { guard, fetch, told } = setUp([{}, 529], end)
    const client = clientOf({ middleware: guard, fetch })
    expect((await client.messages.create(params)).type).toBe('message')
    await expect(client.messages.create(streaming)).rejects.toBeInstanceOf(Anthropic.OverloadedError)
    expect(told).toEqual([])
  })

  describe('makes a failing response of all that goes wrong before the end', () => {
    it.each<[string, Reply, object, string]>([
      ['an overload', error(5), { status: 529, type: 'overloaded_error' }, 'error_event'],
      ['a rate limit', error(6, 'rate_limit_error'), { status: 429 }, 'error_event'],
      ['an error in the place of the last event', error('end', 'api_error'), { status: 500 }, 'error_event'],
      ['an error of the caller', error(5, 'invalid_request_error'), { status: 400 }, 'error_event'],
      ['the end', { fault: { kind: 'end', at: 5 } }, { status: 502 }, 'truncated'],
      ['the end before the last event', { fault: { kind: 'end', at: 'end' } }, { status: 502 }, 'truncated'],
      ['a broken connection', { fault: { kind: 'cut', at: 5 } }, { status: 502 }, 'cut'],
      ['a reset', { fault: { kind: 'reset', at: 5 } }, { status: 502 }, 'cut'],
      ['an event of broken JSON', { fault: { kind: 'garbage', at: 5 } }, { status: 502 }, 'malformed'],
      ['the input of a tool', { ...tool, fault: 'truncatedToolJson' }, { status: 502 }, 'tool_input'],
    ])('%s', async (_, reply, expected, reason) => {
      const { guard, fetch, told } = setUp([reply], end)
      const verdicts: (Classification | undefined)[] = []
      const ends: string[] = []
      const observe: Middleware = async (request, next, ctx) => {
        const response = await send(request, next, ctx)
        verdicts.push(await classifyOutcome(response, request, ctx))
        return response
      }
      const listen: Middleware = async (request, next) => {
        const response = tapped(await next(request))
        tapOf(response)?.add({ onEnd: ({ kind }) => ends.push(kind) })
        return response
      }
      const client = clientOf({ middleware: [observe, guard, listen], fetch })
      const failure = await failureOf(client.messages.create(streaming))
      expect(failure).toMatchObject({ ...expected, requestID: fetch.requests[0]?.reply?.requestId })
      expect(String(failure)).not.toMatch(/timed? ?out/i)
      if (reason !== 'error_event')
        expect(verdicts).toMatchObject([{ category: 'server_error', retry: 'once', replay: 'ambiguous' }])
      expect(told).toMatchObject([
        { type: 'stream_interrupted', reason, committed: false, deliveredEvents: 0, deliveredCharacters: 0 },
      ])
      const how = { error_event: 'error_event', truncated: 'truncated' }[reason] ?? 'failed'
      expect(ends).toEqual([how])
      expect(fetch.requests[0]?.closedAt).toBeDefined()
    })

    it('which a retry outside heals: an error before any of the events', async () => {
      let requests = 0
      for (let at = 0; at < 10; at++) {
        const { guard, fetch } = setUp([error(at), { text: 'healed' }], end)
        const client = clientOf({ middleware: [plainRetry(1), guard], fetch })
        expect(await client.messages.stream(params).finalText()).toBe('healed')
        requests += fetch.requests.length
      }
      expect(requests).toBe(20)
    })

    it('but for a stop reason, where that is enough', async () => {
      const script: Reply[] = [{ fault: { kind: 'end', at: 'end' } }, { fault: { kind: 'end', at: 5 } }]
      const { guard, fetch, told } = setUp(script, { ...end, acceptStopReason: true })
      const client = clientOf({ middleware: guard, fetch })
      const { events, error: none } = await eventsOf(client.messages.create(streaming))
      expect([none, events.at(-1)?.type]).toEqual([undefined, 'message_delta'])
      expect(await failureOf(client.messages.create(streaming))).toMatchObject({ status: 502 })
      expect(told).toMatchObject([{ reason: 'end' }, { reason: 'truncated' }])
    })
  })

  it('lets a stream go that is larger than it may hold', async () => {
    const { guard, fetch, told } = setUp([{ ...error(8), gapMs: 10 }], { ...end, maxHeldBytes: 600 })
    const stream = eventsOf(clientOf({ middleware: guard, fetch }).messages.create(streaming))
    await vi.runAllTimersAsync()
    const { events, error: failure } = await stream
    // The SDK keeps a ping to itself.
    expect(events).toHaveLength(7)
    expect(failure).toMatchObject({ name: 'StreamInterruptedError', deliveredEvents: 7 })
    expect(told).toMatchObject([
      { type: 'stream_committed', reason: 'max_bytes' },
      { type: 'stream_interrupted', committed: true },
    ])
    const heldMs = (told[0] as { heldMs: number }).heldMs
    expect(fetch.requests[0]!.eventsSent!.length).toBeGreaterThan(heldMs / 10)
    expect(heldMs).toBeLessThan(80)
  })

  it('lets go of the first chunk with a limit of 0', async () => {
    const { guard, fetch, told } = setUp([error(5)], { ...end, maxHeldBytes: 0 })
    const { events, error: failure } = await eventsOf(
      clientOf({ middleware: guard, fetch }).messages.create(streaming),
    )
    expect(events).toHaveLength(4)
    expect(isStreamInterruptedError(failure)).toBe(true)
    expect(told[0]).toMatchObject({ reason: 'max_bytes' })
  })

  it('obeys an abort while it holds: at once, and nothing more is sent', async () => {
    const { guard, fetch, told } = setUp([{ fault: { kind: 'stall', at: 6 } }, {}], end)
    const controller = new AbortController()
    const client = clientOf({ middleware: [plainRetry(1), guard], fetch })
    const settled = vi.fn()
    const failure = failureOf(client.messages.create(streaming, { signal: controller.signal })).finally(
      settled,
    )
    await vi.advanceTimersByTimeAsync(5_000)
    expect(settled).not.toHaveBeenCalled()
    controller.abort()
    await vi.advanceTimersByTimeAsync(5)
    expect(settled).toHaveBeenCalled()
    expect(await failure).toBeInstanceOf(Anthropic.APIUserAbortError)
    expect(fetch.requests).toHaveLength(1)
    expect(fetch.requests[0]).toMatchObject({ aborted: true })
    expect(told).toEqual([])
  })

  it('lets a limit inside end what it holds, and that is no fault of the stream', async () => {
    const { guard, fetch, told } = setUp([{ fault: { kind: 'stall', at: 6 } }], end)
    const over = new BreakwaterError('too slow', { code: 'idle', category: 'timeout' })
    const limit: Middleware = async (request, next) => {
      const response = tapped(await next(request))
      const tap = tapOf(response)
      let timer: ReturnType<typeof setTimeout> | undefined
      tap?.add({
        onWait: () => void (timer = setTimeout(() => tap.fail(over), 10_000)),
        onChunk: () => clearTimeout(timer),
        onEnd: () => clearTimeout(timer),
      })
      return response
    }
    const outcomes: unknown[] = []
    const observe: Middleware = (request, next) => {
      const outcome = next(request)
      outcome.catch((reason: unknown) => outcomes.push(reason))
      return outcome
    }
    const failure = failureOf(
      clientOf({ middleware: [observe, guard, limit], fetch }).messages.create(streaming),
    )
    await vi.advanceTimersByTimeAsync(10_000)
    await failure
    expect(outcomes).toEqual([over])
    expect(told).toEqual([])
    expect(fetch.requests[0]).toMatchObject({ aborted: true })
  })

  it("runs under the SDK's own time-out only under createFetch", async () => {
    const { guard, fetch } = setUp([{ gapMs: 1_000 }], end)
    const client = clientOf({ middleware: guard, fetch })
    const reading = eventsOf(client.messages.create(streaming, { timeout: 5_000 }))
    await vi.runAllTimersAsync()
    const { events, error: failure } = await reading
    if (seam === 'middleware') expect([events.at(-1)?.type, failure]).toEqual(['message_stop', undefined])
    else expect(failure).toBeInstanceOf(Anthropic.APIConnectionTimeoutError)
    expect(fetch.requests[0]?.aborted ?? false).toBe(seam !== 'middleware')
  })

  it('serves who listens outside with all events, though they are over', async () => {
    const { guard, fetch } = setUp([tool], end)
    const seen: [string, string | undefined][] = []
    const ends: string[] = []
    const listen: Middleware = async (request, next) => {
      const response = tapped(await next(request))
      tapOf(response)?.add({
        onEvent: (event) => seen.push([event.type, event.data()]),
        onEnd: ({ kind }) => ends.push(kind),
      })
      return response
    }
    const { events } = await eventsOf(
      clientOf({ middleware: [listen, guard], fetch }).messages.create(streaming),
    )
    const data = seen.filter(([type]) => type !== 'ping').map(([, text]) => JSON.parse(text!) as unknown)
    expect(data).toEqual(events)
    expect(ends).toEqual(['complete'])
  })

  it('holds many streams at once, each by itself', async () => {
    const replies = Array.from({ length: 30 }, (_, index) => ({
      ...[{ fault: { kind: 'error', at: 7 } } as const, tool, { fault: { kind: 'cut', at: 5 } } as const][
        index % 3
      ],
      gapMs: 1 + (index % 7),
    }))
    const { guard, fetch } = setUp(replies, end)
    const client = clientOf({ middleware: guard, fetch })
    const all = Promise.all(replies.map(() => eventsOf(client.messages.create(streaming))))
    await vi.runAllTimersAsync()
    const statuses = (await all).map(({ error: failure }) => (failure as { status?: number })?.status)
    expect(statuses).toEqual(replies.map((_, index) => [529, undefined, 502][index % 3]))
  })
})

describe('what is held', () => {
  it(
    'comes as the bytes that came, or not at all, wherever it is cut and breaks',
    { timeout: 30_000 },
    async () => {
      const faults = fc.constantFrom('none', 'error', 'end', 'cut', 'garbage')
      await fc.assert(
        fc.asyncProperty(
          fc.constantFrom(everything, answer('a', 'b'), answer(...Array.from({ length: 90 }, () => 'word '))),
          faults,
          fc.nat(200),
          fc.array(fc.oneof(fc.integer({ min: 1, max: 40 }), fc.integer({ min: 100, max: 3000 })), {
            minLength: 1,
            maxLength: 6,
          }),
          fc.boolean(),
          async (events, fault, at, sizes, isSmall) => {
            const place = at % events.length
            const parts = events.map((event) => sse(event))
            if (fault === 'error') parts.splice(place, 0, sse(errorEvent()))
            if (fault === 'garbage') parts[place] = 'event: content_block_delta\ndata: {"type"\n\n'
            if (fault === 'end' || fault === 'cut') parts.splice(place)
            const bytes = bytesOf(parts)
            const chunks: Uint8Array<ArrayBuffer>[] = []
            for (let from = 0, index = 0; from < bytes.length; index++) {
              const size = sizes[index % sizes.length]!
              chunks.push(bytes.slice(from, from + size))
              from += size
            }
            const failure = fault === 'cut' ? new TypeError('terminated') : undefined
            const outcome = await outcomeOf(
              { chunks, failure },
              { ...end, ...(isSmall && { maxHeldBytes: 700 }) },
            )
            if (fault === 'none') {
              expect(outcome.error).toBeUndefined()
              expect(outcome.bytes).toEqual(bytes)
            } else if (outcome.status === 200) {
              // More came than may be held.
              expect(isSmall).toBe(true)
              expect(outcome.error).toBeInstanceOf(StreamInterruptedError)
              expect(outcome.bytes).toEqual(bytes.slice(0, outcome.bytes.length))
            } else {
              expect(outcome.error).toBeUndefined()
              expect(outcome.status).toBe(fault === 'error' ? 529 : 502)
            }
          },
        ),
        { numRuns: 200 },
      )
    },
  )

  it('is let go with message_stop, though an error may follow', async () => {
    const events = [...answer('a'), errorEvent()]
    const alone = await outcomeOf({ chunks: eachAlone(...events) }, end)
    const together = await outcomeOf({ chunks: [bytesOf(events)] }, end)
    for (const { status, bytes, error: failure } of [alone, together]) {
      expect(status).toBe(200)
      expect(bytes).toEqual(bytesOf(answer('a')))
      expect(failure).toMatchObject({ reason: 'error_event' })
    }
  })

  it('closes its connection when it turns out to be broken, over HTTP', async () => {
    const fake = await createFakeAnthropic({
      script: [
        { fault: { kind: 'raw', at: 5, data: 'event: a\ndata: {\n\n' }, gapMs: 2 },
        { text: 'healed', gapMs: 1 },
      ],
    })
    const client = new Anthropic({
      apiKey: 'not-a-key',
      baseURL: fake.url,
      maxRetries: 0,
      fetch: createFetch([plainRetry(1), streamGuard(end)]),
    })
    expect(await client.messages.stream(params).finalText()).toBe('healed')
    await vi.waitFor(() => expect(fake.requests[0]).toMatchObject({ aborted: true }))
    expect(fake.requests).toHaveLength(2)
    await fake.close()
  })
})

describe('describe', () => {
  const stand = (name: string): Middleware => withDescription((request, next) => next(request), { name })

  it('says that a stream which breaks anywhere is a failing response', () => {
    const { faults } = describeStack(streamGuard(end))
    expect(faults.stream_cut_early).toMatchObject({ outcome: 'error', category: 'server_error' })
    expect(faults.stream_cut).toMatchObject({ outcome: 'error', category: 'server_error' })
    const none = describeStack(streamGuard({ ...end, maxHeldBytes: 0 })).faults
    expect(none.stream_cut).toMatchObject({ outcome: 'error', category: 'stream_interrupted' })
    expect(describeStack(streamGuard({ ...end, maxPreambleMs: 0 })).faults.stream_cut).toMatchObject({
      category: 'server_error',
    })
  })

  it('warns of what it costs, and of limits that see nothing', () => {
    const held = expect.stringMatching(/holds a stream until it is whole/) as string
    expect(describeStack(streamGuard(end)).warnings).toEqual([held])
    expect(describeStack([stand('timeout'), streamGuard(end), stand('timeout')]).warnings).toEqual([held])
    expect(describeStack([stand('timeout'), streamGuard(end)]).warnings).toEqual([
      held,
      expect.stringMatching(/`timeout` outside `streamGuard`.*put it inside/),
    ])
    expect(describeStack([stand('timeout'), streamGuard()]).warnings).toEqual([])
  })
})
