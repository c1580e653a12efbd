import http from 'node:http'
import type { AddressInfo } from 'node:net'
import Anthropic from '@anthropic-ai/sdk'
import Oldest from 'anthropic-sdk-oldest'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { classifyError } from './classify-error.ts'
import { classifyResponse } from './classify-response.ts'

type Fetch = (init?: RequestInit) => Response | Promise<Response>

const fake = ['sk', 'ant', 'test', 'aBcD1234'].join('-')
const params = { model: 'claude-test', max_tokens: 8, messages: [{ role: 'user' as const, content: 'hi' }] }
const quiet = { apiKey: fake, maxRetries: 0, logLevel: 'off' as const }

/** Both ends of the range of SDKs. */
const sdks = [
  ['the newest SDK', (fetch: Fetch) => new Anthropic({ ...quiet, fetch: async (_url, init) => fetch(init) })],
  [
    'SDK 0.103',
    (fetch: Fetch) =>
      new Oldest({ ...quiet, fetch: async (_url, init) => fetch(init) }) as unknown as Anthropic,
  ],
] as const

const thrownBy = async (promise: PromiseLike<unknown>): Promise<unknown> =>
  promise.then(
    () => expect.unreachable('nothing was thrown'),
    (error: unknown) => error,
  )
const thrownInside = (run: () => unknown): unknown => {
  try {
    return run()
  } catch (error) {
    return error
  }
}
const errorBody = (type: string, message: string, code?: string) => ({
  type: 'error',
  error: { type, message, ...(code && { details: { error_code: code } }) },
  request_id: 'req_body',
})
const sse = (...events: readonly (readonly [string, unknown])[]) =>
  new Response(events.map(([name, data]) => `event: ${name}\ndata: ${JSON.stringify(data)}\n\n`).join(''), {
    headers: { 'content-type': 'text/event-stream', 'request-id': 'req_h' },
  })
const messageStart = [
  'message_start',
  { type: 'message_start', message: { id: 'm', type: 'message', role: 'assistant', content: [], usage: {} } },
] as const

let origin = ''
const server = http.createServer((request, response) => {
  if (request.url?.includes('reset')) {
    request.socket.destroy()
  } else if (request.url?.includes('garbage')) {
    request.socket.end('this is not HTTP\r\n\r\n')
  } else if (request.url?.includes('hang')) {
    // No answer at all.
  } else {
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    response.write('event: ping\ndata: {}\n\n', () => setTimeout(() => request.socket.destroy(), 5))
  }
})
beforeAll(async () => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
})
afterAll(() => {
  server.closeAllConnections()
  server.close()
})
const closedPort = async (): Promise<string> => {
  const other = http.createServer()
  await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve))
  const { port } = other.address() as AddressInfo
  await new Promise((resolve) => other.close(resolve))
  return `http://127.0.0.1:${port}`
}

describe.each(sdks)('classifyError on errors of %s', (_name, client) => {
  const failure = (fetch: Fetch) => thrownBy(client(fetch).messages.create(params))
  const streamed = async (fetch: Fetch) => {
    const stream = await client(fetch).messages.create({ ...params, stream: true })
    return thrownBy(
      (async () => {
        for await (const event of stream) void event
      })(),
    )
  }

  it.each([
    [400, 'invalid_request_error', undefined, 'invalid_request'],
    [400, 'invalid_request_error', 'organization_on_hold', 'billing'],
    [401, 'authentication_error', undefined, 'authentication'],
    [402, 'billing_error', 'linked_organization_billing_unavailable', 'billing'],
    [403, 'permission_error', undefined, 'permission'],
    [404, 'not_found_error', undefined, 'not_found'],
    [409, 'conflict_error', 'skill_read_blocked_undecryptable', 'conflict'],
    [413, 'request_too_large', undefined, 'request_too_large'],
    [422, 'invalid_request_error', undefined, 'unprocessable'],
    [429, 'rate_limit_error', undefined, 'rate_limit'],
    [429, 'rate_limit_error', 'enforced_spend_limit_reached', 'spend_limit'],
    [500, 'api_error', undefined, 'server_error'],
    [503, 'api_error', 'circuit_open', 'circuit_open'],
    [504, 'timeout_error', undefined, 'server_error'],
    [529, 'overloaded_error', undefined, 'overloaded'],
  ])('%i %s %s is %s, as it is of the response itself', async (status, type, code, category) => {
    const respond = () =>
      Response.json(errorBody(type, `bad key ${fake}`, code), {
        status,
        headers: { 'retry-after': '7', 'request-id': 'req_h' },
      })
    const found = classifyError(await failure(respond))
    expect(found).toMatchObject({ category, status, type, message: 'bad key [redacted]', requestId: 'req_h' })
    expect(found).toEqual(await classifyResponse(respond()))
  })

  it.each([
    ['HTML', '<html><title>Bad Gateway</title></html>', 'Bad Gateway'],
    ['text', 'upstream gone', 'upstream gone'],
    ['no', '', 'HTTP 502'],
    ['an unknown JSON', '{"input":"the prompt"}', 'HTTP 502'],
  ])('takes the message from %s body', async (_kind, body, message) => {
    const found = classifyError(await failure(() => new Response(body, { status: 502 })))
    expect(found).toMatchObject({ category: 'server_error', status: 502, replay: 'ambiguous', message })
  })

  it('an error event inside a stream is what its type says', async () => {
    const found = classifyError(
      await streamed(() => sse(messageStart, ['error', errorBody('overloaded_error', 'Overloaded')])),
    )
    expect(found).toMatchObject({
      category: 'overloaded',
      type: 'overloaded_error',
      replay: 'ambiguous',
      message: 'Overloaded',
      requestId: 'req_h',
    })
    expect(found).not.toHaveProperty('status')
  })

  it('an error event of an unknown type is unknown', async () => {
    const error = await streamed(() => sse(messageStart, ['error', errorBody('error_of_2030', 'New')]))
    expect(classifyError(error)).toMatchObject({ category: 'unknown' })
  })

  it.each([
    ['the whole', () => sse()],
    ['message_stop', () => sse(messageStart)],
    ['a sensible order', () => sse(messageStart, messageStart)],
  ])('a stream without %s was interrupted', async (_missing, respond) => {
    const error = await thrownBy(client(respond).messages.stream(params).finalMessage())
    expect(classifyError(error)).toMatchObject({ category: 'stream_interrupted', retry: 'never' })
  })

  it('a stream with malformed JSON was interrupted, and the message quotes none of it', async () => {
    // SDK 0.103 logs the chunk whatever its log level.
    vi.spyOn(console, 'error').mockReturnValue()
    const respond = () =>
      new Response('event: message_start\ndata: {"text": secret completion}\n\n', {
        headers: { 'content-type': 'text/event-stream' },
      })
    const error = await thrownBy(client(respond).messages.stream(params).finalMessage())
    const found = classifyError(error)
    expect(found.category).toBe('stream_interrupted')
    expect(found.message).not.toContain('secret')
  })

  it("the caller's abort is aborted, before and while it waits", async () => {
    const sdk = client((init) => fetch(`${origin}/hang`, init))
    for (const signal of [AbortSignal.abort(), AbortSignal.timeout(5)]) {
      const error = await thrownBy(sdk.messages.create(params, { signal }))
      expect(classifyError(error)).toMatchObject({ category: 'aborted', fault: 'caller', trips: 'neutral' })
    }
  })

  it("the SDK's own time-out is a timeout", async () => {
    const sdk = client(() => Promise.reject(new DOMException('This operation was aborted', 'AbortError')))
    const error = await thrownBy(sdk.messages.create(params, { timeout: 1000 }))
    expect(classifyError(error)).toMatchObject({ category: 'timeout', retry: 'once', replay: 'ambiguous' })
  })

  it('works when a minifier renamed the classes', async () => {
    const abort = await thrownBy(
      client(() => Response.json({})).messages.create(params, { signal: AbortSignal.abort() }),
    )
    const timeout = await failure(() => Promise.reject(new DOMException('late', 'AbortError')))
    const connection = await failure(() => Promise.reject(new Error('odd')))
    const renamed = [abort, timeout, connection].map((error) => {
      const copy = Object.assign(new Error((error as Error).message), error)
      return classifyError(copy).category
    })
    expect(renamed).toEqual(['aborted', 'timeout', 'connection'])
  })

  it.each([
    ['the closed port', closedPort, 'connection', 'backoff', 'safe', 'ECONNREFUSED'],
    ['the reset', async () => `${origin}/reset`, 'connection', 'once', 'ambiguous', 'UND_ERR_SOCKET'],
    // Node 24 no longer gives the parser's error its code.
    [
      'what is not HTTP',
      async () => `${origin}/garbage`,
      'connection',
      'once',
      'ambiguous',
      /^HPE_|^undefined$/,
    ],
    [
      'the unknown host',
      async () => 'http://nowhere.invalid',
      'connection',
      undefined,
      'safe',
      /^(ENOTFOUND|EAI_AGAIN)$/,
    ],
  ])('judges a connection error by %s behind it', async (_name, at, category, retry, replay, code) => {
    const baseURL = await at()
    const error = await thrownBy(
      client(() => fetch(`${baseURL}/v1/messages`, { method: 'POST', body: '{}' })).messages.create(params),
    )
    const found = classifyError(error)
    expect(found).toMatchObject({ category, replay, ...(retry && { retry }) })
    expect(String(found.code)).toMatch(code)
  })

  it('an answer that is cut after its headers was interrupted', async () => {
    const cut = () => fetch(`${origin}/cut`)
    expect(classifyError(await streamed(cut))).toMatchObject({ category: 'stream_interrupted' })
    const helper = await thrownBy(client(cut).messages.stream(params).finalMessage())
    expect(classifyError(helper)).toMatchObject({ category: 'stream_interrupted', replay: 'ambiguous' })
  })

  it('judges a connection error by our own error behind it', async () => {
    const own = Object.assign(new Error('circuit of claude is open'), {
      [Symbol.for('breakwater.error')]: true,
      code: 'circuit_open',
      retryAfterMs: 4000,
    })
    expect(classifyError(await failure(() => Promise.reject(own)))).toMatchObject({
      category: 'circuit_open',
      retryAfterMs: 4000,
    })
  })

  it('a connection error that nothing explains may be tried once more', async () => {
    expect(classifyError(await failure(() => Promise.reject(new Error('odd'))))).toMatchObject({
      category: 'connection',
      retry: 'once',
      replay: 'ambiguous',
    })
  })
})

describe('classifyError on errors of fetch', () => {
  const failed = (message: string, cause?: unknown) => new TypeError(message, { cause })
  const coded = (code: string, more: object = {}) => Object.assign(new Error(code), { code, ...more })

  it.each([
    ['ECONNREFUSED', 'connection', 'backoff', 'safe'],
    ['EHOSTUNREACH', 'connection', 'backoff', 'safe'],
    ['ENETUNREACH', 'connection', 'backoff', 'safe'],
    ['EAI_AGAIN', 'connection', 'backoff', 'safe'],
    ['UND_ERR_CONNECT_TIMEOUT', 'connection', 'backoff', 'safe'],
    ['ENOTFOUND', 'connection', 'never', 'safe'],
    ['CERT_HAS_EXPIRED', 'connection', 'never', 'safe'],
    ['DEPTH_ZERO_SELF_SIGNED_CERT', 'connection', 'never', 'safe'],
    ['SELF_SIGNED_CERT_IN_CHAIN', 'connection', 'never', 'safe'],
    ['UNABLE_TO_VERIFY_LEAF_SIGNATURE', 'connection', 'never', 'safe'],
    ['ERR_TLS_CERT_ALTNAME_INVALID', 'connection', 'never', 'safe'],
    ['EPROTO', 'connection', 'never', 'safe'],
    ['ECONNRESET', 'connection', 'once', 'ambiguous'],
    ['ECONNABORTED', 'connection', 'once', 'ambiguous'],
    ['EPIPE', 'connection', 'once', 'ambiguous'],
    ['UND_ERR_SOCKET', 'connection', 'once', 'ambiguous'],
    ['HPE_INVALID_CONSTANT', 'connection', 'once', 'ambiguous'],
    ['UND_ERR_HEADERS_TIMEOUT', 'timeout', 'once', 'ambiguous'],
    ['UND_ERR_BODY_TIMEOUT', 'timeout', 'once', 'ambiguous'],
    ['ETIMEDOUT', 'timeout', 'once', 'ambiguous'],
    // Bun's errors carry these themselves.
    ['ConnectionRefused', 'connection', 'backoff', 'safe'],
    ['ConnectionClosed', 'connection', 'once', 'ambiguous'],
  ])('%s is %s, retried %s, %s to replay', (code, category, retry, replay) => {
    const expected = { category, retry, replay, code, trips: 'failure', failover: true }
    expect(classifyError(failed('fetch failed', coded(code)))).toMatchObject(expected)
    expect(classifyError(coded(code))).toMatchObject(expected)
  })

  it('ETIMEDOUT while connecting sent nothing', () => {
    const error = failed('fetch failed', coded('ETIMEDOUT', { syscall: 'connect' }))
    expect(classifyError(error)).toMatchObject({ category: 'connection', retry: 'backoff', replay: 'safe' })
  })

  it('an aggregate of happy eyeballs is its first coded part', () => {
    const parts = [new Error('no code'), coded('ETIMEDOUT', { syscall: 'connect' }), coded('ECONNRESET')]
    const aggregate = Object.assign(new AggregateError(parts, 'all failed'), { code: 'ETIMEDOUT' })
    expect(classifyError(failed('fetch failed', aggregate))).toMatchObject({
      category: 'connection',
      replay: 'safe',
    })
  })

  it.each([
    'fetch failed',
    'Failed to fetch',
    'NetworkError when attempting to fetch resource.',
    'Load failed',
    'Network request failed',
    'error sending request for url (https://api.anthropic.com/v1/messages): connection closed',
  ])('"%s" without a cause may have been sent', (message) => {
    expect(classifyError(failed(message))).toMatchObject({
      category: 'connection',
      retry: 'once',
      replay: 'ambiguous',
    })
  })

  it('takes what workerd throws for a connection, and not every error that quotes it', () => {
    const lost = Object.assign(new Error('Network connection lost.'), { retryable: true })
    const expected = { category: 'connection', retry: 'once', replay: 'ambiguous' }
    expect(classifyError(lost)).toMatchObject(expected)
    expect(classifyError(new Anthropic.APIConnectionError({ cause: lost }))).toMatchObject(expected)
    expect(classifyError(new Error('Network connection lost. Reload.')).category).toBe('unknown')
    expect(classifyError(new RangeError('Network connection lost.')).category).toBe('unknown')
  })

  it.each([
    ['terminated', coded('UND_ERR_SOCKET'), 'stream_interrupted'],
    ['terminated', coded('ECONNRESET'), 'stream_interrupted'],
    ['terminated', undefined, 'stream_interrupted'],
    ['network error', undefined, 'stream_interrupted'],
    ['error reading a body from connection', undefined, 'stream_interrupted'],
    ['terminated', coded('UND_ERR_BODY_TIMEOUT'), 'timeout'],
  ])('"%s" by %s is %s', (message, cause, category) => {
    expect(classifyError(failed(message, cause)).category).toBe(category)
  })

  it.each([
    () => (undefined as unknown as { x: string }).x,
    () => ({} as unknown as { x: () => void }).x(),
    () => new URL('/relative'),
    () => JSON.parse('{'),
  ])('takes a bug for unknown: %s', (bug) => {
    expect(classifyError(thrownInside(bug))).toMatchObject({
      category: 'unknown',
      retry: 'never',
      trips: 'neutral',
      hint: expect.not.stringContaining('not an error') as string,
    })
  })

  it('takes a relative URL for the bug that it is', async () => {
    expect(classifyError(await thrownBy(fetch('/relative'))).category).toBe('unknown')
  })

  it('knows a real abort, a real time-out and a real cut body', async () => {
    const controller = new AbortController()
    const aborting = thrownBy(fetch(`${origin}/hang`, { signal: controller.signal }))
    controller.abort()
    const late = await thrownBy(fetch(`${origin}/hang`, { signal: AbortSignal.timeout(5) }))
    const cut = await thrownBy(fetch(`${origin}/cut`).then((response) => response.text()))
    expect([await aborting, late, cut].map((error) => classifyError(error).category)).toEqual([
      'aborted',
      'timeout',
      'stream_interrupted',
    ])
  })
})

describe('classifyError', () => {
  const own = (properties: object) =>
    Object.assign(new Error('own'), { [Symbol.for('breakwater.error')]: true, ...properties })

  it.each([
    [
      { code: 'circuit_open', retryAfterMs: 5000 },
      { category: 'circuit_open', retryAfterMs: 5000 },
    ],
    [{ code: 'stream_interrupted' }, { category: 'stream_interrupted' }],
    [{ code: 'timeout' }, { category: 'timeout' }],
    [
      { code: 'queue_full' },
      {
        category: 'rate_limit',
        retry: 'never',
        failover: true,
        hint: expect.stringContaining('queue is full') as string,
      },
    ],
    [{ code: 'queue_wait' }, { category: 'rate_limit', retry: 'never', failover: true }],
    [
      { code: 'all_failed', category: 'overloaded' },
      { category: 'overloaded', code: 'all_failed' },
    ],
    [{ code: 'code_of_2030' }, { category: 'unknown' }],
    [{ code: 'timeout', category: 'not_a_category' }, { category: 'timeout' }],
    // Its own verdict beats the failure that it carries along.
    [
      { code: 'circuit_open', lastError: Object.assign(new Error('x'), { code: 'ECONNRESET' }) },
      { category: 'circuit_open' },
    ],
  ])('knows our own errors: %o', (properties, expected) => {
    const found = classifyError(own(properties))
    expect(found).toMatchObject(expected)
    expect(found).not.toHaveProperty('status')
  })

  it.each([NaN, -1, Infinity, '5'])('ignores retryAfterMs: %s of an error', (retryAfterMs) => {
    expect(classifyError(own({ code: 'circuit_open', retryAfterMs }))).not.toHaveProperty('retryAfterMs')
  })

  it("reads the AI SDK's APICallError and RetryError", () => {
    const call = Object.assign(new Error('Overloaded'), {
      name: 'AI_APICallError',
      statusCode: 529,
      responseHeaders: { 'Retry-After': '9', 'request-id': 'req_h' },
      responseBody: JSON.stringify(errorBody('overloaded_error', 'Overloaded')),
    })
    const expected = { category: 'overloaded', status: 529, retryAfterMs: 9000, requestId: 'req_h' }
    expect(classifyError(call)).toMatchObject(expected)
    const first = Object.assign(new Error('x'), { statusCode: 401 })
    const retry = Object.assign(new Error('Failed after 3 attempts'), {
      errors: [first, call],
      lastError: call,
    })
    expect(classifyError(retry)).toMatchObject(expected)
    const connecting = Object.assign(new Error('Cannot connect to API'), {
      name: 'AI_APICallError',
      statusCode: undefined,
      cause: Object.assign(new Error('connect'), { code: 'ECONNREFUSED' }),
    })
    expect(classifyError(connecting)).toMatchObject({ category: 'connection', replay: 'safe' })
  })

  it('reads the error event of a stream that is handed on as data', () => {
    expect(classifyError({ type: 'overloaded_error', message: 'Overloaded' })).toMatchObject({
      category: 'overloaded',
      message: 'Overloaded',
    })
    expect(classifyError(errorBody('api_error', 'Internal'))).toMatchObject({ category: 'server_error' })
  })

  it('looks behind the errors of an application', () => {
    const cause = Object.assign(new Error('x'), { status: 401 })
    expect(classifyError(new Error('chat failed', { cause: new Error('deeper', { cause }) })).category).toBe(
      'authentication',
    )
  })

  it.each([undefined, null, 'boom', 0, Symbol('x'), () => {}, {}, [], new Date()])(
    'says that %s is not an error',
    (value) => {
      const found = classifyError(value)
      expect(found).toMatchObject({ category: 'unknown', retry: 'never' })
      expect(found.hint).toContain('not an error')
      expect(found.message).not.toContain('boom')
    },
  )

  it('says that a message is not an error, and quotes none of it', () => {
    const found = classifyError({
      type: 'message',
      role: 'assistant',
      content: [{ text: 'secret' }],
      error: null,
    })
    expect(found.hint).toContain('not an error')
    expect(JSON.stringify(found)).not.toContain('secret')
  })

  it('judges a response by status and headers, and leaves the body to classifyResponse', async () => {
    const response = Response.json(errorBody('overloaded_error', 'x'), {
      status: 500,
      headers: { 'retry-after': '2' },
    })
    expect(classifyError(response)).toMatchObject({
      category: 'server_error',
      status: 500,
      retryAfterMs: 2000,
    })
    const classifying = classifyResponse(response)
    expect(classifyError(response).category).toBe('server_error')
    expect((await classifying)?.category).toBe('overloaded')
    expect(classifyError(response).category).toBe('overloaded')
    expect(classifyError(new Response('ok')).hint).toContain('not an error')
  })

  it("takes the signal's own reason for the caller's abort, and nothing else", () => {
    const controller = new AbortController()
    const reason = new Error('user left')
    expect(classifyError(reason, controller.signal).category).toBe('unknown')
    controller.abort(reason)
    expect(classifyError(reason, controller.signal).category).toBe('aborted')
    expect(classifyError(new Error('user left'), controller.signal).category).toBe('unknown')
    expect(classifyError('gone', AbortSignal.abort('gone')).category).toBe('aborted')
    expect(classifyError(AbortSignal.timeout(1e6), AbortSignal.abort('gone')).category).toBe('unknown')
  })

  it('gives the same object for the same error', () => {
    const error = new Error('x')
    expect(classifyError(error)).toBe(classifyError(error))
  })

  it('redacts the message', () => {
    expect(classifyError(new Error(`bad header: Bearer ${fake}`)).message).toBe(
      'bad header: Bearer [redacted]',
    )
  })

  it('judges by the status when the headers cannot be read', () => {
    const get = (): never => {
      throw new Error('trap')
    }
    expect(classifyError(Object.assign(new Error('x'), { status: 429, headers: { get } })).category).toBe(
      'rate_limit',
    )
  })

  it('survives hostile errors', () => {
    const explode = (): never => {
      throw new Error('trap')
    }
    const cyclic = new Error('cycle')
    cyclic.cause = cyclic
    const endless = Object.defineProperty(new Error('deep'), 'cause', {
      get: () =>
        Object.defineProperty(new Error('deep'), 'cause', Object.getOwnPropertyDescriptor(endless, 'cause')!),
    })
    const hostile = [
      cyclic,
      endless,
      Object.defineProperty(new Error('x'), 'status', { get: explode }),
      new Proxy({}, { get: explode, has: explode, getPrototypeOf: explode, ownKeys: explode }),
      Object.assign(new Error('x'), { errors: Array.from({ length: 1e5 }, () => new Error('y')) }),
      Object.assign(Object.create(null) as object, { message: {}, name: 7, code: [], cause: 'x' }),
    ]
    expect(hostile.map((error) => classifyError(error).category)).toEqual(hostile.map(() => 'unknown'))
  })
})
