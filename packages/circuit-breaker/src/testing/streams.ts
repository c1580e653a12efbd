import type Anthropic from '@anthropic-ai/sdk'
import { createFetch, type Middleware } from '@breakwater/core'
import { params, seams } from '@breakwater/testing'
import type { Reply } from '@breakwater/testkit'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { key, replies, setUp, shortOf, small, type SetUp } from './set-up.ts'

type Count = readonly [successes: number, failures: number]

/** What has been counted of the circuit of a test. */
function counted({ breaker }: SetUp, name = key): Count {
  const { window = [] } = breaker.snapshot().circuits.find((circuit) => circuit.key === name) ?? {}
  return window.reduce<Count>(([s, f], [successes, failures]) => [s + successes, f + failures], [0, 0])
}

const stream = ({ client }: SetUp, options?: Anthropic.RequestOptions): Promise<string> =>
  client.messages
    .stream(params, options)
    .finalText()
    .catch((error: unknown) => String(error))

/** What the breaker counts of streams; run against each opossum that it accepts. */
export function streams(opossum: string): void {
  describe.each(seams)(`streams on ${opossum}, by %s`, (_seam, clientOf) => {
    beforeEach(() => void vi.useFakeTimers())
    afterEach(() => {
      expect(vi.getTimerCount()).toBe(0)
      vi.useRealTimers()
    })

    it.each<[string, Reply, Count]>([
      ['complete', { text: 'hello' }, [1, 0]],
      ['complete, byte by byte', { text: 'hello', chunkBytes: 7 }, [1, 0]],
      ['ended before its stop reason', { fault: { kind: 'end', at: 4 } }, [0, 1]],
      [
        'ended with nothing missing but message_stop',
        { text: 'hello', fault: { kind: 'end', at: 'end' } },
        [1, 0],
      ],
      ['empty', { body: '', contentType: 'text/event-stream' }, [0, 1]],
      ['cut', { fault: 'cut' }, [0, 1]],
      ['reset', { fault: 'reset' }, [0, 1]],
      ['overloaded at its start', { fault: { kind: 'error', at: 'start' } }, [0, 1]],
      ['overloaded in the middle', { fault: 'error' }, [0, 1]],
      ['an error of the server', { fault: { kind: 'error', type: 'api_error' } }, [0, 1]],
      ['a rate limit', { fault: { kind: 'error', type: 'rate_limit_error' } }, [0, 0]],
      ['a refusal of the request', { fault: { kind: 'error', type: 'invalid_request_error' } }, [0, 0]],
    ])('%s', async (_name, reply, count) => {
      const test = setUp(clientOf, [reply])
      await stream(test)
      expect(counted(test)).toEqual(count)
    })

    it('an empty answer to another request than for a message is none of the provider’s faults', async () => {
      const test = setUp(clientOf, [{ body: '', contentType: 'text/event-stream' }])
      await test.client
        .get('/v1/models')
        .asResponse()
        .then((response) => response.text())
      expect(counted(test, 'https://api.anthropic.com')).toEqual([1, 0])
    })

    it('a stream that the SDK does not know of is one all the same', async () => {
      const test = setUp(clientOf, [{ fault: 'end' }])
      const body = { ...params, stream: true }
      const response = await test.client.post('/v1/messages', { body }).asResponse()
      expect(counted(test)).toEqual([0, 0])
      await response.text()
      expect(counted(test)).toEqual([0, 1])
    })

    it('counts at the end, and passes the bytes as they are', async () => {
      const test = setUp(clientOf, [{ text: 'hello', gapMs: 100 }])
      const reading = stream(test)
      await vi.advanceTimersByTimeAsync(250)
      expect(counted(test)).toEqual([0, 0])
      await vi.advanceTimersByTimeAsync(5000)
      expect(await reading).toBe('hello')
      expect(counted(test)).toEqual([1, 0])
    })

    it('streams that break open the circuit, and the error says for what', async () => {
      const test = setUp(clientOf, replies({ fault: 'end' }), small)
      await stream(test)
      await stream(test)
      expect(shortOf(await test.send())).toBe('open')
      expect(test.changes).toMatchObject([{ to: 'open', category: 'stream_interrupted', openMs: 1000 }])
    })

    it('an error in a stream stops every model where it concerns all', async () => {
      const test = setUp(clientOf, [{ fault: { kind: 'error', type: 'billing_error' } }], {
        orgCategories: ['billing'],
      })
      await stream(test)
      expect(shortOf(await test.send({ model: 'claude-opus-5-5' }))).toBe('open')
    })

    it('a reader that stops early is neutral', async () => {
      const test = setUp(clientOf, [{ text: 'x'.repeat(500), gapMs: 10 }])
      const reading = (async () => {
        for await (const event of await test.client.messages.create({ ...params, stream: true })) {
          if (event.type === 'content_block_delta') break
        }
      })()
      await vi.advanceTimersByTimeAsync(1000)
      await reading
      expect(counted(test)).toEqual([0, 0])
      expect(test.fetch.requests[0]?.aborted).toBe(true)
    })

    it('an abort in the middle is neutral', async () => {
      const test = setUp(clientOf, replies({ fault: 'stall' }), small)
      for (let call = 0; call < 5; call++) {
        const controller = new AbortController()
        const reading = stream(test, { signal: controller.signal })
        await vi.advanceTimersByTimeAsync(10)
        controller.abort()
        expect(await reading).toMatch(/abort/i)
      }
      expect(counted(test)).toEqual([0, 0])
      expect(test.state()).toBe('closed')
    })

    it('a probe keeps its place until its stream ends', async () => {
      const test = setUp(clientOf, [500, 500, { text: 'hello', gapMs: 100 }], { ...small, resetMs: 20_000 })
      await test.sendAll(2)
      await vi.advanceTimersByTimeAsync(20_000)
      const probing = stream(test)
      await vi.advanceTimersByTimeAsync(250)
      expect(await test.sendAll(1)).toEqual(['open'])
      await vi.advanceTimersByTimeAsync(5000)
      expect(await probing).toBe('hello')
      expect(await test.sendAll(1)).toEqual(['ok'])
    })

    it('a probe whose reader stops early, or never reads, gives its place back', async () => {
      const test = setUp(clientOf, [500, 500, { text: 'hello' }, { text: 'hello' }, 200], small)
      await test.sendAll(2)
      await vi.advanceTimersByTimeAsync(1000)
      const unread = await test.client.messages.create({ ...params, stream: true })
      expect(await test.sendAll(1)).toEqual(['open'])
      unread.controller.abort()
      await vi.advanceTimersByTimeAsync(5000)
      for await (const event of await test.client.messages.create({ ...params, stream: true })) {
        if (event.type === 'message_start') break
      }
      expect(test.state()).toBe('half_open')
      expect(await test.sendAll(1)).toEqual(['ok'])
    })

    it('a probe whose stream breaks opens again', async () => {
      const test = setUp(clientOf, [500, 500, { fault: 'end' }], small)
      await test.sendAll(2)
      await vi.advanceTimersByTimeAsync(1000)
      await stream(test)
      expect(test.state()).toBe('open')
    })

    it('a body that is no stream is counted at its headers, and handed on as it is', async () => {
      const test = setUp(clientOf, [{ fault: { kind: 'stall', at: 30 } }])
      const controller = new AbortController()
      const reading = test.send({}, { signal: controller.signal })
      await vi.advanceTimersByTimeAsync(10)
      expect(counted(test)).toEqual([1, 0])
      controller.abort()
      await reading
      expect(counted(test)).toEqual([1, 0])
    })

    it('two breakers listen to one stream, and each counts it once', async () => {
      const inner = setUp(clientOf, [])
      const test = setUp(clientOf, [{ fault: 'end' }], { inside: [inner.breaker] })
      await stream(test)
      expect([counted(test), counted(inner)]).toEqual([
        [0, 1],
        [0, 1],
      ])
    })
  })

  it('a stream without a body counts as a success at its headers', async () => {
    const look: Middleware = () =>
      Promise.resolve(new Response(null, { headers: { 'content-type': 'text/event-stream' } }))
    const test = setUp(seams[1]![1], [])
    const response = await createFetch([test.breaker, look])('https://api.anthropic.com/v1/messages')
    expect(response.status).toBe(200)
    expect(counted(test, 'https://api.anthropic.com')).toEqual([1, 0])
  })
}
