import { afterEach, describe, expect, it, vi } from 'vitest'
import { createFetch, isCredentialExchange, isFetchSeam } from './create-fetch.ts'
import { BreakwaterError } from './errors.ts'
import type { FetchInput } from './fetch-request.ts'
import type { Logger, Middleware, MiddlewareRequest } from './middleware.ts'
import { testContext } from './testing/context.ts'

const url = 'http://test.invalid/v1/messages'

/** A `fetch` that writes down its arguments and answers `ok`. */
function recorder(answer: () => Response = () => new Response('ok')) {
  const calls: Parameters<typeof fetch>[] = []
  const fetch = (...args: Parameters<typeof globalThis.fetch>): Promise<Response> => {
    calls.push(args)
    return Promise.resolve(answer())
  }
  return { calls, fetch }
}

const passThrough: Middleware = (request, next) => next(request)
const readsHeaders: Middleware = (request, next) => {
  request.headers.get('x-stainless-retry-count')
  return next({ ...request })
}
const tags: Middleware = (request, next) => {
  const headers = new Headers(request.headers)
  headers.set('x-tag', '1')
  return next({ ...request, headers })
}

const controller = new AbortController()
const form = new FormData()
form.set('file', 'content')
const stream = new ReadableStream()
const shapes: [string, FetchInput, RequestInit | undefined][] = [
  ['a string alone', url, undefined],
  ['a string and plain headers', url, { method: 'POST', headers: { 'X-Api-Key': 'k' }, body: '{}' }],
  [
    'a string and tuples',
    url,
    {
      headers: [
        ['X-A', '1'],
        ['x-a', '2'],
      ],
      signal: controller.signal,
    },
  ],
  ['a string and Headers', url, { headers: new Headers({ a: '1' }), method: 'POST', body: 'x' }],
  ['a string and no headers', url, { method: 'DELETE' }],
  ['a URL', new URL(url), { method: 'POST', body: new Uint8Array([1, 2]) }],
  ['a form', url, { method: 'POST', body: form }],
  ['a stream', url, Object.assign({ method: 'POST', body: stream }, { duplex: 'half' })],
  ['fields that only this fetch knows', url, Object.assign({ method: 'GET' }, { dispatcher: { own: true } })],
  ['a Request alone', new Request(url, { method: 'POST', body: 'x', headers: { a: '1' } }), undefined],
  ['a Request and init', new Request(url, { headers: { a: '1' } }), { headers: { b: '2' }, method: 'PUT' }],
]

describe('createFetch', () => {
  afterEach(() => vi.unstubAllGlobals())

  describe.each([
    ['an empty chain', []],
    ['a pass-through', [passThrough]],
    ['five pass-throughs', Array.from({ length: 5 }, () => passThrough)],
    ['middleware that reads and copies', [readsHeaders, readsHeaders]],
  ])('with %s', (_, middleware) => {
    it.each(shapes)('hands on %s as the very same arguments', async (_, input, init) => {
      const { calls, fetch } = recorder()
      await createFetch(middleware, { fetch })(input, init)
      expect(calls).toHaveLength(1)
      expect(calls[0]?.[0]).toBe(input)
      expect(calls[0]?.[1]).toBe(init)
    })

    it('returns the very response', async () => {
      const answer = new Response('ok')
      const { fetch } = recorder(() => answer)
      expect(await createFetch(middleware, { fetch })(url)).toBe(answer)
    })

    it('rejects with the very error', async () => {
      const error = new TypeError('fetch failed')
      const wrapped = createFetch(middleware, { fetch: () => Promise.reject(error) })
      await expect(wrapped(url)).rejects.toBe(error)
    })
  })

  it('shows the middleware one shape, whatever it was given', async () => {
    const seen: MiddlewareRequest[] = []
    const look: Middleware = (request, next) => {
      seen.push({ ...request })
      return next(request)
    }
    const { fetch } = recorder()
    const wrapped = createFetch(look, { fetch })
    for (const [, input, init] of shapes) await wrapped(input, init)
    expect(seen.map((request) => request.url)).toEqual(shapes.map(() => url))
    expect(seen.every((request) => request.headers instanceof Headers)).toBe(true)
    expect(seen[1]).toMatchObject({ method: 'POST', body: '{}' })
    expect(seen[1]?.headers.get('x-api-key')).toBe('k')
    expect(seen[2]?.headers.get('x-a')).toBe('1, 2')
    expect(seen[2]?.signal).toBe(controller.signal)
    expect(seen[6]?.body).toBe(form)
    expect(seen[9]).toMatchObject({ method: 'POST' })
    expect(seen[9]?.body).toBeInstanceOf(ReadableStream)
    expect(seen[10]).toMatchObject({ method: 'PUT' })
    expect([...(seen[10]?.headers ?? [])]).toEqual([['b', '2']])
  })

  it.each(shapes)('hands on changed headers in the shape of %s', async (_, given, init) => {
    const input =
      given instanceof Request ? new Request(url, { method: 'POST', body: 'x', headers: { a: '1' } }) : given
    const { calls, fetch } = recorder()
    await createFetch(tags, { fetch })(input, init)
    const [sentInput, sentInit] = calls[0] ?? []
    expect(sentInput).toBe(input)
    const was = init?.headers
    const is = sentInit?.headers
    expect(Array.isArray(is)).toBe(Array.isArray(was))
    expect(is instanceof Headers).toBe(was === undefined || was instanceof Headers)
    const sent = new Headers(is)
    expect(sent.get('x-tag')).toBe('1')
    const expected = new Headers(was ?? (input instanceof Request ? input.headers : undefined))
    for (const [name, value] of expected) expect(sent.get(name)).toBe(value)
    expect({ ...sentInit, headers: undefined }).toMatchObject({ ...init, headers: undefined })
  })

  it('sends a Request whose headers were changed with its body', async () => {
    const bodies: string[] = []
    const fetch: typeof globalThis.fetch = async (input, init) => {
      bodies.push(await new Request(input, init).text())
      return new Response('ok')
    }
    await createFetch(tags, { fetch })(new Request(url, { method: 'POST', body: 'payload' }))
    expect(bodies).toEqual(['payload'])
  })

  it.each([
    ['a string', url, 'string'],
    ['a URL', new URL(url), 'URL'],
    ['a Request', new Request(url, { method: 'POST', body: 'payload' }), 'Request'],
  ])('moves %s to another URL in its shape', async (_, input, shape) => {
    const { calls, fetch } = recorder()
    await createFetch((request, next) => next({ ...request, url: 'http://other.invalid/x' }), { fetch })(
      input,
    )
    const sent = calls[0]?.[0]
    expect(typeof sent === 'string' ? 'string' : sent?.constructor.name).toBe(shape)
    expect(sent instanceof Request ? sent.url : String(sent)).toBe('http://other.invalid/x')
    if (sent instanceof Request) expect(await sent.text()).toBe('payload')
  })

  it.each([
    ['an object', { a: '1' }],
    ['tuples', [['a', '1']] satisfies HeadersInit],
  ])('sees what a middleware changes in place, and leaves the caller’s %s alone', async (_, headers) => {
    const init: RequestInit = { method: 'POST', body: 'x', headers }
    const before = structuredClone(init)
    const { calls, fetch } = recorder()
    const writes: Middleware = (request, next) => {
      request.headers.append('a', '2')
      request.body = 'y'
      delete request.method
      return next(request)
    }
    await createFetch(writes, { fetch })(url, init)
    expect(new Headers(calls[0]?.[1]?.headers).get('a')).toBe('1, 2')
    expect(calls[0]?.[1]?.body).toBe('y')
    expect(calls[0]?.[1]).not.toHaveProperty('method')
    expect(init).toEqual(before)
  })

  it('hands on a Headers object itself, as the SDK does', async () => {
    const headers = new Headers({ a: '1' })
    const seen: unknown[] = []
    const look: Middleware = (request, next) => {
      seen.push(request.headers)
      return next(request)
    }
    await createFetch(look, { fetch: recorder().fetch })(url, { headers })
    expect(seen[0]).toBe(headers)
  })

  it('calls fetch without a receiver', async () => {
    const receivers: unknown[] = []
    const wrapped = createFetch(passThrough, {
      fetch: function fetch(this: unknown) {
        receivers.push(this)
        return Promise.resolve(new Response())
      },
    })
    await wrapped(url)
    expect(receivers).toEqual([undefined])
  })

  it('looks the global fetch up at each call', async () => {
    const wrapped = createFetch(passThrough)
    vi.stubGlobal('fetch', () => Promise.resolve(new Response('first')))
    expect(await (await wrapped(url)).text()).toBe('first')
    vi.stubGlobal('fetch', () => Promise.resolve(new Response('second')))
    expect(await (await wrapped(url)).text()).toBe('second')
  })

  it('logs to the logger it was given, and else nowhere', async () => {
    const lines: unknown[] = []
    const write = (...line: unknown[]): void => void lines.push(line)
    const logger: Logger = { error: write, warn: write, info: write, debug: write }
    const logs: Middleware = (request, next, ctx) => {
      ctx.logger.info('hello')
      return next(request)
    }
    const { fetch } = recorder()
    await createFetch(logs, { fetch })(url)
    expect(lines).toEqual([])
    await createFetch(logs, { fetch, logger })(url)
    expect(lines).toEqual([['hello']])
  })

  it('makes a synthetic response of our own errors', async () => {
    const error = new BreakwaterError('Circuit open for model m.', {
      code: 'circuit_open',
      category: 'circuit_open',
      retryAfterMs: 1_500,
    })
    const response = await createFetch(() => Promise.reject(error))(url)
    expect(response.status).toBe(503)
    expect(response.headers.get('x-should-retry')).toBe('false')
    expect(response.headers.get('retry-after')).toBe('2')
    expect(response.headers.get('retry-after-ms')).toBe('1500')
    expect(await response.json()).toEqual({
      type: 'error',
      error: {
        type: 'api_error',
        message: 'Circuit open for model m.',
        details: { error_code: 'circuit_open' },
      },
      request_id: null,
    })
  })

  it('throws our own time-outs', async () => {
    const error = new BreakwaterError('Timed out.', { code: 'timeout', category: 'timeout' })
    await expect(createFetch(() => Promise.reject(error))(url)).rejects.toBe(error)
  })

  it('says so when a middleware has read the body it returns, or returns nothing', async () => {
    const { fetch } = recorder()
    const reads: Middleware = async (request, next) => {
      const response = await next(request)
      await response.text()
      return response
    }
    await expect(createFetch(reads, { fetch })(url)).rejects.toThrow(/has read the body/)
    const nothing = (() => Promise.resolve()) as unknown as Middleware
    await expect(createFetch(nothing, { fetch })(url)).rejects.toThrow(/returned no response/)
  })

  it('parses for the middleware once, and leaves the body readable', async () => {
    let reads = 0
    const parsed: unknown[] = []
    const parses: Middleware = async (request, next, ctx) => {
      const response = await next(request)
      const clone = response.clone.bind(response)
      response.clone = () => {
        reads++
        return clone()
      }
      parsed.push(await ctx.parse(response), await ctx.parse(response))
      return response
    }
    const json = () => Response.json({ a: 1 })
    const response = await createFetch(parses, { fetch: recorder(json).fetch })(url)
    expect(await response.json()).toEqual({ a: 1 })
    await createFetch(parses, { fetch: recorder(() => new Response('text')).fetch })(url)
    await createFetch(parses, { fetch: recorder(() => new Response(null, { status: 204 })).fetch })(url)
    expect(parsed).toEqual([{ a: 1 }, { a: 1 }, 'text', 'text', null, null])
    expect(reads).toBe(2)
  })

  it('refuses to parse an event stream, which it would hold back', async () => {
    const parses: Middleware = async (request, next, ctx) => {
      const response = await next(request)
      await ctx.parse(response)
      return response
    }
    const events = () => new Response('', { headers: { 'content-type': 'text/event-stream' } })
    await expect(createFetch(parses, { fetch: recorder(events).fetch })(url)).rejects.toThrow(/event stream/)
  })

  it.each([
    [{ fetch: 1 }, 'Expected `fetch` to be a function, got 1.'],
    [
      { logger: {} },
      'Expected `logger` to be a logger with `error`, `warn`, `info` and `debug`, got an object.',
    ],
    [
      { logger: null },
      'Expected `logger` to be a logger with `error`, `warn`, `info` and `debug`, got null.',
    ],
  ])('refuses %o', (options: object, message) => {
    expect(() => createFetch(passThrough, options)).toThrow(new TypeError(message))
  })

  it('refuses what is no middleware', () => {
    const none = undefined as unknown as Middleware
    expect(() => createFetch(none)).toThrow(
      'Expected `middleware` to be a middleware function, got undefined.',
    )
    expect(() => createFetch([none])).toThrow(
      'Expected `middleware[0]` to be a middleware function, got undefined.',
    )
  })
})

describe('isCredentialExchange', () => {
  const sdk = testContext({ options: undefined })
  const token = { url: 'https://api.anthropic.com/v1/oauth/token', headers: new Headers() }
  const messages = { url, headers: new Headers() }

  it('is any request without options in the SDK’s seam', () => {
    expect(isCredentialExchange(token, sdk)).toBe(true)
    expect(isCredentialExchange(messages, sdk)).toBe(true)
    expect(
      isCredentialExchange(messages, { ...sdk, options: { method: 'post', path: '/v1/messages' } }),
    ).toBe(false)
  })

  it('is told by its path under createFetch', async () => {
    const seen: boolean[] = []
    const look: Middleware = (request, next, ctx) => {
      seen.push(isFetchSeam(ctx), isCredentialExchange(request, ctx))
      return next(request)
    }
    const wrapped = createFetch(look, { fetch: recorder().fetch })
    await wrapped(token.url)
    await wrapped(url)
    expect(seen).toEqual([true, true, true, false])
    expect(isFetchSeam(sdk)).toBe(false)
  })
})

describe('what a middleware changes under createFetch', () => {
  const changes = (change: (request: MiddlewareRequest) => Partial<MiddlewareRequest>): Middleware => {
    return (request, next) => next({ ...request, ...change(request) })
  }
  const sentBy = async (
    middleware: Middleware,
    input: FetchInput,
    init?: RequestInit,
  ): Promise<Parameters<typeof globalThis.fetch>> => {
    const { calls, fetch } = recorder()
    await createFetch(middleware, { fetch })(input, init)
    expect(calls).toHaveLength(1)
    return calls[0]!
  }
  const plain = { method: 'POST', headers: { a: '1', b: '2' }, body: 'x' }

  it('reaches upstream where it is nothing but the body', async () => {
    const [input, init] = await sentBy(
      changes(() => ({ body: 'y' })),
      url,
      plain,
    )
    expect(input).toBe(url)
    expect(init).toEqual({ ...plain, body: 'y' })
    // In the caller's own object: nothing has changed in it.
    expect(init?.headers).toBe(plain.headers)
  })

  it('reaches upstream where a field is new, or gone', async () => {
    const signal = AbortSignal.abort()
    expect(
      (
        await sentBy(
          changes(() => ({ signal })),
          url,
          plain,
        )
      )[1],
    ).toEqual({ ...plain, signal })
    const without: Middleware = (request, next) => {
      const { body: _body, ...others } = request
      return next(others)
    }
    expect((await sentBy(without, url, plain))[1]).toEqual({ method: 'POST', headers: plain.headers })
  })

  it.each<[string, HeadersInit, [string, string][]]>([
    ['taken away', { a: '1' }, [['a', '1']]],
    [
      'renamed',
      { a: '1', c: '2' },
      [
        ['a', '1'],
        ['c', '2'],
      ],
    ],
    [
      'given another value',
      { a: '1', b: '3' },
      [
        ['a', '1'],
        ['b', '3'],
      ],
    ],
    ['all gone', {}, []],
  ])('reaches upstream where a header is %s', async (_, headers, expected) => {
    const middleware = changes(() => ({ headers: new Headers(headers) }))
    for (const given of [plain.headers, Object.entries(plain.headers) as [string, string][]]) {
      const [, init] = await sentBy(middleware, url, { ...plain, headers: given })
      expect([...new Headers(init?.headers)]).toEqual(expected)
    }
  })

  it('is nothing more than what it is: no headers where none were, no second argument where one was', async () => {
    expect(await sentBy(passThrough, url)).toHaveLength(1)
    const [, init] = await sentBy(
      changes(() => ({ method: 'PUT' })),
      url,
      { method: 'POST' },
    )
    expect(init).toEqual({ method: 'PUT' })
    expect(init).not.toHaveProperty('headers')
  })

  it('is the body that is sent in the place of that of a Request', async () => {
    const given = new Request(url, { method: 'POST', body: 'payload' })
    const [input, init] = await sentBy(
      changes(() => ({ body: 'other' })),
      given,
    )
    expect(await new Request(input, init).text()).toBe('other')
  })

  it('sees no body, and nothing that belongs to one, of a Request without one', async () => {
    const seen: MiddlewareRequest[] = []
    const look: Middleware = (request, next) => {
      seen.push({ ...request })
      return next(request)
    }
    await sentBy(look, new Request(url))
    expect(seen[0]).not.toHaveProperty('body')
    expect(seen[0]).not.toHaveProperty('duplex')
  })

  it('is refused where it is the body of a response that somebody still reads', async () => {
    const reads: Middleware = async (request, next) => {
      const response = await next(request)
      response.body?.getReader()
      return response
    }
    await expect(createFetch(reads, { fetch: recorder().fetch })(url)).rejects.toThrow(/has read the body/)
  })
})
