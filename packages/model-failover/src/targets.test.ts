import type Anthropic from '@anthropic-ai/sdk'
import { callOf, createFetch, send, sleep, type Middleware } from '@breakwater/core'
import { seams } from '@breakwater/testing'
import { fakeFetch, type Reply } from '@breakwater/testkit'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { modelFailover } from './model-failover.ts'
import type { RespondInput } from './targets.ts'
import { asked, byModel, primary, second, setUp, settle, third } from './testing/set-up.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => {
  expect(vi.getTimerCount()).toBe(0)
  vi.useRealTimers()
})

const down: Reply = 529
const isPrimary = (url: string): boolean => url.startsWith('https://api.anthropic.com/')

describe.each(seams)('a target of modelFailover, by %s', (_seam, clientOf) => {
  it('of the form { model, patch } gets the original body, patched', async () => {
    const { client, fetch } = setUp(clientOf, [down, down], {
      to: [
        { model: second, patch: { thinking: null, system: 'Be short.', max_tokens: 5 } },
        { model: third, patch: { metadata: { user_id: 'u' }, stop_sequences: undefined } },
      ],
    })
    const thinking = { type: 'enabled', budget_tokens: 1024 } as const
    const original = { ...asked, thinking, stop_sequences: ['end'] }
    await client.messages.create(original)
    const { thinking: _, ...without } = original
    expect(fetch.requests.map(({ body }) => body)).toEqual([
      original,
      { ...without, model: second, system: 'Be short.', max_tokens: 5 },
      { ...original, model: third, metadata: { user_id: 'u' } },
    ])
    expect(fetch.requests[0]?.text).toBe(JSON.stringify(original))
  })

  it('changes neither the request nor the options that others see', async () => {
    const seen: string[] = []
    const look: Middleware = async (request, next, ctx) => {
      const before = JSON.stringify([request.url, [...request.headers], request.body, ctx.options])
      Object.freeze(request)
      const response = await next(request)
      seen.push(before, JSON.stringify([request.url, [...request.headers], request.body, ctx.options]))
      return response
    }
    const { send } = setUp(clientOf, [down], {
      outside: [look],
      to: [{ model: second, patch: { system: 'x' }, headers: { 'x-a': 'b' }, baseURL: 'https://e.com' }],
    })
    await send()
    expect(seen[0]).toBe(seen[1])
  })

  it('with a baseURL is asked there, without the credentials of the primary', async () => {
    const { client, fetch, events } = setUp(clientOf, [down], {
      to: [
        { baseURL: 'https://eu.example.com/v1', headers: { 'x-api-key': 'theirs', 'anthropic-beta': null } },
      ],
    })
    const options = { headers: { 'anthropic-beta': 'some-beta', 'x-team': 'search' } }
    const { response } = await client.messages.create(asked, options).withResponse()
    const [first, moved] = fetch.requests
    expect(moved?.url).toBe('https://eu.example.com/v1/messages')
    expect(moved?.text).toBe(first?.text)
    expect(first?.headers['authorization']).toContain('not-a-key')
    expect(JSON.stringify(moved?.headers)).not.toContain('not-a-key')
    expect(moved?.headers).toMatchObject({ 'x-api-key': 'theirs', 'x-team': 'search' })
    expect(moved?.headers).not.toHaveProperty('anthropic-beta')
    expect(response.headers.get('breakwater-served-by')).toBe('eu.example.com')
    expect(events.at(-1)).toMatchObject({ from: primary, to: 'eu.example.com' })
  })

  it('cools down by where it is asked, and not with the model', async () => {
    const { send, fetch } = setUp(clientOf, ({ url }) => (isPrimary(url) ? down : 200), {
      to: [{ baseURL: 'https://eu.example.com' }, { headers: { authorization: 'Bearer other' } }],
    })
    await send()
    await send()
    expect(fetch.requests.map(({ url }) => isPrimary(url))).toEqual([true, false, false])
  })

  it('with headers alone is another key of the same model', async () => {
    const script = ({ headers }: { headers: Readonly<Record<string, string>> }) =>
      headers['authorization'] === 'Bearer other' ? 200 : 429
    const { send, fetch } = setUp(clientOf, script, {
      to: [{ headers: { authorization: 'Bearer other' }, name: 'other key' }],
    })
    expect(await send()).toMatchObject({ model: primary })
    await send()
    expect(fetch.requests.map(({ reply }) => reply?.status)).toEqual([429, 200, 200])
  })

  it('with a fetch is asked by it, past what stands inside, and stands in the ledger', async () => {
    const inside = vi.fn<Middleware>((request, next) => next(request))
    const theirs = fakeFetch({ script: [{ text: 'from afar' }] })
    const { send, fetch, call } = setUp(clientOf, () => down, {
      to: [{ fetch: theirs, model: third, name: 'afar' }],
      inside: [inside],
    })
    expect(await send()).toMatchObject({ content: [{ text: 'from afar' }] })
    expect([fetch.requests.length, theirs.requests.length, inside.mock.calls.length]).toEqual([1, 1, 1])
    expect(theirs.requests[0]).toMatchObject({ model: third, method: 'POST', url: fetch.requests[0]?.url })
    expect(call().attempts).toMatchObject([
      { status: 529 },
      { status: 200, model: third, reason: 'failover' },
    ])
    expect(inside.mock.calls[0]?.[0]).not.toHaveProperty('url', undefined)
  })

  it('with a fetch that fails gives the call to the next', async () => {
    const theirs = fakeFetch({ script: [{ network: 'refused' }] })
    const { send, call } = setUp(clientOf, [down], { to: [{ fetch: theirs }, third] })
    expect(await send()).toMatchObject({ model: third })
    expect(call().attempts.map(({ category }) => category)).toEqual(['overloaded', 'connection', undefined])
  })

  describe('that responds', () => {
    it('with a text answers with a message, and sends nothing', async () => {
      const respond = vi.fn((_input: RespondInput) => 'Try again later.')
      const { client, fetch, call, events } = setUp(clientOf, () => ({ status: 529, retryAfter: 3 }), {
        to: [{ respond }],
      })
      const { data, response } = await client.messages.create(asked).withResponse()
      expect(data).toMatchObject({
        type: 'message',
        role: 'assistant',
        model: 'respond',
        content: [{ type: 'text', text: 'Try again later.' }],
        stop_reason: 'end_turn',
        usage: { input_tokens: 0, output_tokens: 0 },
      })
      expect(response.headers.get('breakwater-served-by')).toBe('respond')
      expect(fetch.requests).toHaveLength(1)
      expect(call().attempts).toHaveLength(1)
      const [input] = respond.mock.calls[0]!
      expect(input.failure).toMatchObject({ category: 'overloaded', retryAfterMs: 3000 })
      expect(String(input.request.body)).toContain(primary)
      expect(events.at(-1)).toMatchObject({ from: primary, to: 'respond' })
      // While the primary cools down, it hears what that began with.
      await client.messages.create(asked)
      expect(respond.mock.calls[1]?.[0].failure).toMatchObject({ category: 'overloaded' })
      expect(fetch.requests).toHaveLength(1)
      expect(call().attempts).toEqual([])
    })

    it.each(['Später wieder. 🙂\n\ndata: {"type":"error"}', ''])(
      'with a text answers with a whole stream: %j',
      async (text) => {
        const { client } = setUp(clientOf, () => down, { to: [{ respond: () => text, name: 'cache' }] })
        const stream = client.messages.stream(asked)
        const types: string[] = []
        stream.on('streamEvent', ({ type }) => types.push(type))
        const message = await stream.finalMessage()
        expect(message).toMatchObject({
          model: 'cache',
          content: [{ type: 'text', text }],
          stop_reason: 'end_turn',
        })
        expect(types).toEqual([
          'message_start',
          'content_block_start',
          'content_block_delta',
          'content_block_stop',
          'message_delta',
          'message_stop',
        ])
      },
    )

    it.each(['sorry', 'a response'])('writes no line to the ledger: %s', async (answer) => {
      const respond = () => (answer === 'sorry' ? answer : Response.json({ type: 'message', content: [] }))
      // Whoever sends outside would take an answer for an upstream attempt.
      const outer: Middleware = (request, next, ctx) => send(request, next, ctx)
      const stack = setUp(clientOf, () => down, { to: [{ respond }], outside: [outer] })
      await stack.send()
      expect(stack.call().attempts).toHaveLength(1)
      await stack.send()
      expect(stack.call().attempts).toEqual([])
    })

    it('with a response gives that', async () => {
      const respond = async () => {
        await sleep(100)
        return Response.json({ type: 'message', content: [], from: 'the cache' }, { headers: { 'x-a': 'b' } })
      }
      const { client } = setUp(clientOf, () => down, { to: [{ respond }] })
      const { data, response } = (await settle(client.messages.create(asked).withResponse())) as {
        data: unknown
        response: Response
      }
      expect(data).toMatchObject({ from: 'the cache' })
      expect(Object.fromEntries(response.headers)).toMatchObject({
        'x-a': 'b',
        'breakwater-served-by': 'respond',
      })
    })

    it.each<[string, () => string]>([
      [
        'throws',
        () => {
          throw new Error('a bug')
        },
      ],
      ['gives nothing', () => undefined as unknown as string],
    ])('and %s is logged, and the call goes on', async (_name, respond) => {
      const { send, lines, models } = setUp(clientOf, [down], { to: [{ respond }, second] })
      expect(await send()).toMatchObject({ model: second })
      expect(models()).toEqual([primary, second])
      expect(lines).toMatchObject([['error', expect.stringContaining('respond'), expect.any(Error)]])
    })

    it('and fails last leaves the failure before it for an answer', async () => {
      const respond = () => Promise.reject(new Error('a bug'))
      const { send, fetch, events } = setUp(clientOf, () => ({ status: 529, message: 'the true reason' }), {
        to: [second, { respond }],
      })
      const error = (await send()) as InstanceType<typeof Anthropic.APIError>
      expect(error).toMatchObject({
        status: 529,
        message: expect.stringContaining('the true reason') as string,
      })
      expect(error.requestID).toBe(fetch.requests[1]?.reply?.requestId)
      expect(events.at(-1)).toMatchObject({
        type: 'failover_exhausted',
        targets: [{}, {}, { target: 'respond' }],
      })
    })

    it('with a failure is like any other that fails, but never cools down', async () => {
      const respond = vi.fn(() => new Response('{}', { status: 503 }))
      const { send, models, subject } = setUp(clientOf, byModel({ [primary]: down, [second]: down }), {
        to: [{ respond }, second],
      })
      expect(await send()).toMatchObject({ status: 529 })
      expect(models()).toEqual([primary, second])
      expect(subject.snapshot().map(({ target }) => target)).toEqual([primary, second])
    })

    it('ends at once with the call, whatever it does', async () => {
      const cancel = vi.fn()
      let signal: AbortSignal | undefined
      let answer: (response: Response) => void = () => {}
      const respond = (input: RespondInput): Promise<Response> => {
        signal = input.signal
        return new Promise((resolve) => (answer = resolve))
      }
      const { client, fetch } = setUp(clientOf, () => down, { to: [{ respond }] })
      const controller = new AbortController()
      const error = client.messages
        .create(asked, { signal: controller.signal })
        .catch((thrown: unknown) => thrown)
      await vi.advanceTimersByTimeAsync(5)
      controller.abort()
      expect(await error).toMatchObject({ message: expect.stringContaining('abort') as string })
      expect(signal?.aborted).toBe(true)
      answer(new Response(new ReadableStream({ cancel })))
      await vi.advanceTimersByTimeAsync(0)
      expect([cancel.mock.calls.length, fetch.requests.length]).toEqual([1, 1])
    })

    it('is for messages only', async () => {
      const respond = vi.fn(() => 'sorry')
      const { client, lines } = setUp(clientOf, () => down, { to: [{ respond }] })
      const counting = client.messages.countTokens({ model: primary, messages: asked.messages })
      expect(await settle(counting)).toMatchObject({ status: 529 })
      expect(respond).not.toHaveBeenCalled()
      expect(lines).toMatchObject([['debug', expect.stringContaining('respond')]])
    })
  })

  describe('with a window', () => {
    const windows = { [primary]: 200_000, [second]: 100, [third]: 1_000_000 }
    const long = { ...asked, messages: [{ role: 'user' as const, content: 'x'.repeat(1000) }] }

    it('that is too small is skipped, and that is said', async () => {
      const { client, models, lines, events } = setUp(clientOf, byModel({ [primary]: down, [third]: 503 }), {
        windows,
      })
      expect(await settle(client.messages.create(long))).toMatchObject({ status: 503 })
      expect(models()).toEqual([primary, third])
      expect(lines).toMatchObject([['debug', expect.stringMatching(`${second}.*100`)]])
      expect(events.at(-1)).toMatchObject({
        type: 'failover_exhausted',
        targets: [
          { target: primary, category: 'overloaded' },
          { target: third, category: 'server_error' },
          { target: second, category: 'context_window' },
        ],
      })
    })

    it('that is large enough, or not known, is not skipped', async () => {
      const { send, models } = setUp(clientOf, byModel({ [primary]: down }), { windows })
      await send()
      expect(models()).toEqual([primary, second])
      const unknown = setUp(clientOf, byModel({ [primary]: down }), { windows: { [third]: 7 } })
      await unknown.client.messages.create(long)
      expect(unknown.models()).toEqual([primary, second])
    })

    it('is compared with the estimate of the user', async () => {
      const estimateTokens = vi.fn((body: object) => ('messages' in body ? 101 : 0))
      const { send, models } = setUp(clientOf, byModel({ [primary]: down }), { windows, estimateTokens })
      await send()
      expect(models()).toEqual([primary, third])
      expect(estimateTokens).toHaveBeenCalledOnce()
    })

    it.each<[string, Readonly<Record<string, number>>, string[]]>([
      ['is larger', windows, [primary, third]],
      ['is not known', { [primary]: 200_000 }, [primary]],
      ['is as large', { [primary]: 200_000, [second]: 200_000, [third]: 200_000 }, [primary]],
      ['cannot be compared', { [second]: 200_000, [third]: 1_000_000 }, [primary]],
    ])('gets a prompt that was too long for the primary where it %s', async (_name, known, expected) => {
      const tooLong = { status: 400, message: 'prompt is too long: 210000 tokens > 200000 maximum' }
      const { send, models, subject, events } = setUp(clientOf, byModel({ [primary]: tooLong }), {
        windows: known,
      })
      await send()
      expect(models()).toEqual(expected)
      expect(subject.snapshot()).toEqual([])
      expect(events.map(({ type }) => type)).toEqual(expected.length > 1 ? ['failover'] : [])
    })

    it('gets no prompt that has proved too long for as large a one', async () => {
      const tooLong = { status: 400, message: 'prompt is too long: 210000 tokens > 200000 maximum' }
      const fourth = 'claude-opus-4-8'
      const { send, models } = setUp(clientOf, byModel({ [primary]: tooLong, [third]: down }), {
        windows: { ...windows, [fourth]: 200_000 },
        to: [third, fourth],
      })
      expect(await send()).toMatchObject({ status: 529 })
      expect(models()).toEqual([primary, third])
    })
  })

  it('asks for the primary’s model again only where something else differs', async () => {
    const { send, models } = setUp(clientOf, () => down, {
      to: [primary, { model: primary, patch: { speed: null } }],
    })
    await send()
    expect(models()).toEqual([primary, primary])
  })
})

describe('a respond under a signal that is aborted', () => {
  it('is not asked', async () => {
    const respond = vi.fn(() => 'sorry')
    const upstream = fakeFetch({ script: () => 529 })
    const fetch = createFetch(modelFailover({ to: [{ respond }] }), { fetch: upstream })
    const init = { method: 'POST', body: JSON.stringify(asked) }
    await fetch('https://api.anthropic.com/v1/messages', init)
    const reason = new Error('before')
    const again = fetch('https://api.anthropic.com/v1/messages', {
      ...init,
      signal: AbortSignal.abort(reason),
    })
    await expect(again).rejects.toBe(reason)
    expect([respond.mock.calls.length, upstream.requests.length]).toEqual([1, 1])
  })
})

describe('the body of a plain fetch', () => {
  const url = 'https://api.anthropic.com/v1/messages'
  const json = JSON.stringify(asked)

  it('is read from bytes', async () => {
    const upstream = fakeFetch({ script: [down] })
    const fetch = createFetch(modelFailover({ to: [second] }), { fetch: upstream })
    const headers = { 'content-length': String(json.length) }
    await fetch(url, { method: 'POST', body: new TextEncoder().encode(json), headers })
    expect(upstream.requests.map(({ model }) => model)).toEqual([primary, second])
    expect(upstream.requests[1]?.headers['content-length']).not.toBe(String(json.length))
  })

  it('cools down with its model, whatever the query', async () => {
    const upstream = fakeFetch({ script: byModel({ [primary]: 529 }) })
    const fetch = createFetch(modelFailover({ to: [second] }), { fetch: upstream })
    for (const query of ['', '?beta=true', '?beta=false'])
      await fetch(url + query, { method: 'POST', body: json })
    expect(upstream.requests.map(({ model }) => model)).toEqual([primary, second, second, second])
    expect(upstream.requests.at(-1)?.url).toBe(`${url}?beta=false`)
  })

  it('that is no JSON as a whole goes only where it need not change', async () => {
    const upstream = fakeFetch({ script: () => 529 })
    const fetch = createFetch(modelFailover({ to: [second, { baseURL: 'https://eu.example.com' }] }), {
      fetch: upstream,
    })
    const body = `{"model":"${primary}","messages":[}`
    await fetch(url, { method: 'POST', body })
    expect(upstream.requests.map(({ url }) => new URL(url).host)).toEqual([
      'api.anthropic.com',
      'eu.example.com',
    ])
  })

  it.each<[string, () => BodyInit]>([
    ['a stream', () => new Blob([json]).stream()],
    ['a form', () => new FormData()],
    ['nothing with a model', () => '{"max_tokens":1}'],
  ])('passes when it is %s', async (_name, make) => {
    const upstream = fakeFetch({ script: () => 529 })
    const fetch = createFetch(modelFailover({ to: [second] }), { fetch: upstream })
    const init: RequestInit = { method: 'POST', body: make() }
    const response = await fetch(url, Object.assign(init, { duplex: 'half' }))
    expect([response.status, upstream.requests.length]).toEqual([529, 1])
  })

  it('is parsed once, however many targets there are', async () => {
    const parse = vi.spyOn(JSON, 'parse')
    const isBody = ([text]: unknown[]) => text === json
    const upstream = fakeFetch({ script: () => new Promise((resolve) => setTimeout(() => resolve(529), 1)) })
    const look: Middleware = async (request, next, ctx) => {
      await next(request)
      callOf(request, ctx)
      return next(request)
    }
    const chain = [look, modelFailover({ to: [second, third, 'claude-opus-4-8'], windows: { [second]: 1 } })]
    const fetch = createFetch(chain, { fetch: (input, init) => upstream(input, init) })
    const mine = parse.mock.calls.length
    await settle(fetch(url, { method: 'POST', body: json }))
    const byTestkit = upstream.requests.filter(({ text }) => text === json).length
    expect(parse.mock.calls.slice(mine).filter(isBody)).toHaveLength(byTestkit + 1)
    expect(upstream.requests.length).toBeGreaterThan(4)
  })
})
