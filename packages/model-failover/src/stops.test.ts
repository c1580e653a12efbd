import { getEventListeners } from 'node:events'
import {
  attemptOf,
  callOf,
  createFetch,
  maxTimerMs,
  send,
  setDeadline,
  type MiddlewareContext,
} from '@breakwater/core'
import { fakeFetch } from '@breakwater/testkit'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { messageResponse } from './message.ts'
import { modelFailover } from './model-failover.ts'
import type { ModelFailoverOptions } from './options.ts'
import { lowerDeadline } from './reserve.ts'
import { asked, primary, second } from './testing/set-up.ts'
import { within } from './within.ts'

const url = 'https://api.anthropic.com/v1/messages'
const headers = { 'x-api-key': 'test', 'anthropic-version': '2023-06-01', 'content-type': 'application/json' }
const post = (body: unknown = asked): RequestInit => ({ method: 'POST', headers, body: JSON.stringify(body) })

beforeEach(() => {
  vi.useFakeTimers()
  vi.advanceTimersByTime(1_000_000)
})
afterEach(() => {
  expect(vi.getTimerCount()).toBe(0)
  vi.useRealTimers()
})

describe('within', () => {
  const ctx: MiddlewareContext = { logger: console, parse: () => Promise.reject(new Error('not here')) }
  const request = { url, headers: new Headers() }
  const alone = { signal: undefined, isShared: false }
  const rejectsWith = (error: unknown) => (signal: AbortSignal) =>
    send(
      request,
      () =>
        new Promise<Response>((_, reject) => {
          signal.addEventListener('abort', () => reject(error as Error))
        }),
      ctx,
    )

  it.each(['closed', undefined, null, 7])(
    'leaves a target also where that rejects with %o',
    async (thrown) => {
      const failure = within(() => 100, alone, rejectsWith(thrown)).outcome.catch((reason: unknown) => reason)
      await vi.advanceTimersByTimeAsync(100)
      expect(await failure).toMatchObject({ code: 'target_left' })
    },
  )

  it('stands for the attempt that it has ended, whatever that was rejected with', async () => {
    const closed = new Error('socket closed')
    const failure = within(() => 100, alone, rejectsWith(closed)).outcome.catch((reason: unknown) => reason)
    await vi.advanceTimersByTimeAsync(100)
    expect(await failure).toMatchObject({ code: 'target_left' })
    expect(attemptOf(await failure)).toMatchObject({ durationMs: 100, status: undefined })
  })

  it('has no timer without a limit', async () => {
    const { outcome } = within(
      () => Infinity,
      alone,
      async () => new Response('ok'),
    )
    expect(vi.getTimerCount()).toBe(0)
    await outcome
  })

  it('hands on the very response, unless a signal that outlives the call ends its body', async () => {
    const { signal } = new AbortController()
    const through = (status: number, isShared: boolean) => {
      const response = new Response('text', { status })
      return within(
        () => 100,
        { signal, isShared },
        async () => response,
      ).outcome.then((got) => got === response)
    }
    expect(await through(200, false)).toBe(true)
    expect(await through(200, true)).toBe(false)
    // A failure carries a verdict, which a copy would lose.
    expect([await through(400, true), await through(529, true)]).toEqual([true, true])
  })
})

describe('a target of the same model', () => {
  it.each<[string, ModelFailoverOptions['to'][number], string, string | null]>([
    ['headers', { headers: { 'x-team': 'b' } }, url, 'b'],
    ['another base', { baseURL: 'https://gateway.test' }, 'https://gateway.test/v1/messages', null],
  ])(
    'is another capacity where it has %s: it is asked while the primary cools down',
    async (_, target, expectedUrl, team) => {
      const fetch = vi.fn(fakeFetch({ script: [529, {}, {}] }))
      const moved = createFetch(modelFailover({ to: [target] }), { fetch })
      for (let call = 0; call < 2; call++) expect((await moved(url, post())).status).toBe(200)
      expect(fetch).toHaveBeenCalledTimes(3)
      const [input, init] = fetch.mock.calls[2]!
      expect(input).toBe(expectedUrl)
      expect(new Headers(init?.headers).get('x-team')).toBe(team)
    },
  )

  it('is another capacity where it has a `fetch` of its own, or answers itself', async () => {
    const own = vi.fn(fakeFetch())
    const down = fakeFetch({ script: [529, 529, 529] })
    const moved = createFetch(modelFailover({ to: [{ fetch: own }] }), { fetch: down })
    for (let call = 0; call < 3; call++) expect((await moved(url, post())).status).toBe(200)
    expect([down.requests.length, own.mock.calls.length]).toEqual([1, 3])
    const respond = vi.fn(() => 'at once')
    const answered = createFetch(modelFailover({ to: [{ respond }] }), {
      fetch: fakeFetch({ script: [529] }),
    })
    for (let call = 0; call < 3; call++) expect((await answered(url, post())).status).toBe(200)
    expect(respond).toHaveBeenCalledTimes(3)
  })
})

describe('a target with nothing but a patch', () => {
  it('is sent the patched body, of the same model', async () => {
    const fetch = fakeFetch({ script: [529, {}] })
    const to = [{ patch: { max_tokens: 5, metadata: null } }]
    const moved = createFetch(modelFailover({ to }), { fetch })
    await moved(url, post({ ...asked, metadata: { user_id: 'u' } }))
    const [first, patched] = fetch.requests.map(({ text }) => JSON.parse(text) as unknown)
    expect(first).toEqual({ ...asked, metadata: { user_id: 'u' } })
    expect(patched).toEqual({ ...asked, max_tokens: 5 })
  })
})

describe('a body that is no JSON object', () => {
  it.each(['[]', 'null', '7', '"text"', '{"model":'])('is sent to no other model: %s', async (body) => {
    const fetch = fakeFetch({ script: [529, 529] })
    const moved = createFetch(modelFailover({ to: [second] }), { fetch })
    const response = await moved(url, { method: 'POST', headers, body })
    expect(response.status).toBe(529)
    expect(fetch.requests).toHaveLength(1)
  })
})

describe('an answer of `respond`', () => {
  it.each<[string, unknown, string]>([
    [
      'a stream, wherever the body says so',
      { model: primary, stream: true, messages: [] },
      'text/event-stream',
    ],
    [
      'JSON where it does not',
      { model: primary, tools: [{ stream: true }], messages: [] },
      'application/json',
    ],
    ['JSON to a body that is cut', `{"model":"${primary}","stream":`, 'application/json'],
  ])('is %s', async (_, body, type) => {
    const to = [{ respond: () => 'instead' }]
    const moved = createFetch(modelFailover({ to }), { fetch: fakeFetch({ script: [{ status: 529 }] }) })
    const sent = typeof body === 'string' ? { ...post(), body } : post(body)
    const response = await moved(url, sent)
    expect([response.status, response.headers.get('content-type')?.split(';')[0]]).toEqual([200, type])
    expect(await response.text()).toContain('instead')
  })

  it('leaves nothing on the signal of the caller', async () => {
    const { signal } = new AbortController()
    const fetch = fakeFetch({ script: [529] })
    const moved = createFetch(modelFailover({ to: [{ respond: () => 'instead' }] }), { fetch })
    const response = await moved(url, { ...post(), signal })
    await response.text()
    expect(getEventListeners(signal, 'abort')).toEqual([])
  })

  it('is a message of its own, in the form that was asked for', async () => {
    const [one, other] = [messageResponse('hi', 'instead', false), messageResponse('hi', 'instead', false)]
    expect(one.headers.get('content-type')).toContain('application/json')
    const ids = await Promise.all(
      [one, other].map(async (response) => ((await response.json()) as { id: string }).id),
    )
    for (const id of ids) expect(id).toMatch(/^msg_breakwater_[0-9a-f]{32}$/)
    expect(ids[0]).not.toBe(ids[1])
    expect(messageResponse('hi', 'instead', true).headers.get('content-type')).toContain('text/event-stream')
  })
})

describe('lowerDeadline', () => {
  it('keeps a part of the time that is left, and gives it back', () => {
    const call = callOf(
      { url, headers: new Headers() },
      { logger: console, parse: () => Promise.reject(new Error('x')) },
    )
    expect(lowerDeadline(call, 1000)).toBeUndefined()
    const now = performance.now()
    setDeadline(call, now + 10_000)
    const restore = lowerDeadline(call, 1000)
    expect(call.deadline).toBe(now + 9_000)
    restore?.()
    expect(call.deadline).toBe(now + 10_000)
    // Of little time the half.
    const half = lowerDeadline(call, 60_000)
    expect(call.deadline).toBe(now + 5_000)
    half?.()
    vi.advanceTimersByTime(10_000)
    expect(lowerDeadline(call, 1000)).toBeUndefined()
    vi.advanceTimersByTime(1)
    expect(lowerDeadline(call, 1000)).toBeUndefined()
    expect(call.deadline).toBe(now + 10_000)
  })
})

describe('options', () => {
  it.each<[string, object]>([
    ['windows', { windows: null }],
    ['windows', { windows: 'claude' }],
    ['windows', { windows: [] }],
    ["windows['m']", { windows: { m: '5' } }],
    ["windows['m']", { windows: { m: 0 } }],
    ['cooldownMs', { cooldownMs: maxTimerMs + 1 }],
    ['to[0].baseURL', { to: [{ baseURL: 'httpx://a.test' }] }],
    ['to[0].baseURL', { to: [{ baseURL: 'xhttp://a.test' }] }],
    ['to[0].baseURL', { to: [{ baseURL: 'https://a.test?x=1' }] }],
    ['to[0].baseURL', { to: [{ baseURL: new URL('https://a.test') }] }],
    ['to[0].name', { to: [{ model: second, name: 'x'.repeat(257) }] }],
    ['to[0].name', { to: [{ model: second, name: 7 }] }],
    ['to[0].name', { to: [{ model: second, name: ' x' }] }],
    ['to[0].name', { to: [{ model: second, name: 'x ' }] }],
    ['to[0].patch.model', { to: [{ model: second, patch: { model: primary } }] }],
    ['to[0].patch.stream', { to: [{ model: second, patch: { stream: true } }] }],
  ])('refuses a bad %s: %o', (name, options) => {
    const all = { to: [second], ...options } as unknown as ModelFailoverOptions
    expect(() => modelFailover(all)).toThrow(`Expected \`${name}\``)
  })

  it('takes the longest time, and the longest and the shortest name', async () => {
    for (const name of ['x', 'x'.repeat(256)]) {
      const subject = modelFailover({ to: [{ model: second, name }], cooldownMs: maxTimerMs })
      const fetch = fakeFetch({ script: [529, {}] })
      const response = await createFetch(subject, { fetch })(url, post())
      expect(response.headers.get('breakwater-served-by')).toBe(name)
    }
  })

  it('takes a base URL with any number of slashes at its end', async () => {
    const fetch = vi.fn(fakeFetch({ script: [529, {}] }))
    const to = [{ baseURL: 'https://gateway.test/anthropic///' }]
    await createFetch(modelFailover({ to }), { fetch })(url, post())
    expect(fetch.mock.calls[1]?.[0]).toBe('https://gateway.test/anthropic/v1/messages')
  })
})
