import Anthropic from '@anthropic-ai/sdk'
import { callOf, onEvent, type BreakwaterEvent, type Call, type Middleware } from '@breakwater/core'
import { createFakeAnthropic, fakeFetch, type Reply, type Script } from '@breakwater/testkit'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { carryClassification } from './bounded.ts'
import { classify, type ClassifyOptions, type Failure } from './classify.ts'
import { classifyError } from './classify-error.ts'
import { classifyResponse } from './classify-response.ts'
import { errorCodes } from './codes.ts'
import { classifyOutcome } from './outcome.ts'
import { params, recordingLogger, seams } from '@breakwater/testing'

const statuses = [
  400, 401, 402, 403, 404, 408, 409, 412, 413, 418, 422, 425, 429, 431, 451, 499, 500, 501, 502, 503, 504,
  520, 524, 529,
]

describe.each(seams)('classify, by %s', (_, clientOf) => {
  let events: BreakwaterEvent[] = []
  let stop = (): void => {}
  beforeEach(() => {
    events = []
    stop = onEvent((event) => events.push(event))
  })
  afterEach(() => {
    stop()
    vi.useRealTimers()
  })

  /** A client over a scripted API, and all that its middleware says. */
  function setUp(script: Script, options: Omit<ClassifyOptions, 'onFailure'> = {}, maxRetries = 0) {
    const fetch = fakeFetch({ script })
    const failures: Failure[] = []
    const { lines, logger } = recordingLogger()
    const middleware = classify({ ...options, onFailure: (failure) => failures.push(failure) })
    return { fetch, failures, lines, client: clientOf({ middleware, fetch, logger, maxRetries }) }
  }

  it('says nothing of a success, and hands on the very response', async () => {
    const { client, failures, lines, fetch } = setUp([])
    await client.messages.create(params)
    const seen: Response[] = []
    const inner: Middleware = async (request, next) => {
      const response = await next(request)
      seen.push(response)
      return response
    }
    const outer: Middleware = async (request, next) => {
      const response = await next(request)
      seen.push(response)
      return response
    }
    await clientOf({ middleware: [outer, classify(), inner], fetch: fakeFetch() }).messages.create(params)
    expect(fetch.requests).toHaveLength(1)
    expect(seen[0]).toBe(seen[1])
    expect([failures, lines, events]).toEqual([[], [], []])
  })

  it('hands on the very stream', async () => {
    const { client, failures } = setUp([{ text: 'hello world' }])
    expect(await client.messages.stream(params).finalText()).toBe('hello world')
    expect(failures).toEqual([])
  })

  it.each(statuses)('agrees with a catch block on status %i', async (status) => {
    const { client, failures, fetch } = setUp([status])
    const error = await client.messages.create(params).catch((thrown: unknown) => thrown)
    expect(error).toMatchObject({ status })
    const { hint, category, retry, fault, retryAfterMs, requestId } = classifyError(error)
    expect(failures).toMatchObject([{ status, hint, category, retry, fault }])
    expect(failures[0]).toMatchObject({ requestId: fetch.requests[0]?.reply?.requestId })
    expect([requestId, retryAfterMs]).toEqual([failures[0]?.requestId, failures[0]?.retryAfterMs])
    expect(fetch.requests).toHaveLength(1)
  })

  it('agrees with a catch block on all error codes', async () => {
    const codes = Object.entries(errorCodes)
    const { client, failures } = setUp(codes.map(([code, { status }]) => ({ status, code })))
    const caught = []
    for (let index = 0; index < codes.length; index++) {
      const error = await client.messages.create(params).catch((thrown: unknown) => thrown)
      caught.push({ ...classifyError(error), model: params.model })
    }
    expect(caught).toHaveLength(codes.length)
    expect(failures).toEqual(caught)
  })

  it.each<[string, Reply, string]>([
    ['a reset', { network: 'reset' }, 'connection'],
    ['a refusal', { network: 'refused' }, 'connection'],
    ['a closed connection', { network: 'close' }, 'connection'],
  ])('agrees with a catch block on %s', async (_name, reply, category) => {
    const { client, failures } = setUp([reply])
    const error = await client.messages.create(params).catch((thrown: unknown) => thrown)
    const { retry, replay } = classifyError(error)
    expect(failures).toMatchObject([{ category, retry, replay }])
    expect(classifyError(error).category).toBe(category)
  })

  it('writes one line per failure, at the level of its severity, with the request id', async () => {
    const { client, lines, fetch } = setUp([401, 403, 529, { status: 429, retryAfter: 7 }, 499])
    for (let call = 0; call < 5; call++) await client.messages.create(params).catch(() => {})
    const ids = fetch.requests.map(({ reply }) => reply?.requestId)
    expect(lines.map(([level]) => level)).toEqual(['error', 'error', 'warn', 'warn', 'info'])
    expect(lines.map((line) => line.length)).toEqual([2, 2, 2, 2, 2])
    for (const [index, [, line]] of lines.entries()) expect(line).toContain(`request_id=${ids[index]}`)
    expect(lines[3]?.[1]).toMatch(
      /^\[breakwater\] rate_limit status=429 type=rate_limit_error model=claude-haiku-5-5 request_id=req_\w+ retry_after_ms=7000 fault=traffic retry=backoff \| \S/,
    )
  })

  it('keeps what the API and the caller said out of the log and the events', async () => {
    const secret = `sk-ant-${'test'.repeat(5)}`
    const message = `messages.0: the prompt said PRIVATE WORDS, with ${secret}`
    const { client, failures, lines } = setUp([
      { status: 400, message },
      { status: 500, html: '<title>PRIVATE WORDS</title>' },
      {
        status: 400,
        type: 'PRIVATE WORDS',
        code: 'PRIVATE\nWORDS',
        headers: { 'request-id': 'PRIVATE WORDS' },
      },
    ])
    for (let call = 0; call < 3; call++) await client.messages.create(params).catch(() => {})
    expect(JSON.stringify([lines, events])).not.toMatch(/PRIVATE|sk-ant/)
    expect(failures[0]?.message).toContain('PRIVATE WORDS')
    expect(failures[0]?.message).not.toContain(secret)
  })

  it('sees each attempt of the SDK as a failure of its own', async () => {
    vi.useFakeTimers()
    const { client, failures, lines, fetch } = setUp([529, 500], {}, 2)
    const answer = client.messages.create(params)
    await vi.runAllTimersAsync()
    await answer
    expect(fetch.requests).toHaveLength(3)
    expect(failures.map(({ category }) => category)).toEqual(['overloaded', 'server_error'])
    expect(lines).toHaveLength(2)
    expect(events).toMatchObject([
      {
        type: 'failure',
        category: 'overloaded',
        fault: 'provider',
        severity: 'warn',
        status: 529,
        model: params.model,
      },
      {
        type: 'failure',
        category: 'server_error',
        status: 500,
        requestId: fetch.requests[1]?.reply?.requestId,
      },
    ])
  })

  it('reports a failure once, wherever and however often it stands, to each onFailure', async () => {
    const told = [vi.fn<(failure: Failure) => void>(), vi.fn<(failure: Failure) => void>()]
    const { lines, logger } = recordingLogger()
    const restamps: Middleware = async (request, next) => {
      const response = await next(request)
      await Promise.resolve()
      return response
    }
    const first = classify({ onFailure: (failure) => told[0]?.(failure) })
    const second = classify({ onFailure: (failure) => told[1]?.(failure) })
    const client = clientOf({
      middleware: [first, second, restamps, first, second],
      fetch: fakeFetch({ script: [529, { network: 'reset' }] }),
      logger,
    })
    await client.messages.create(params).catch(() => {})
    await client.messages.create(params).catch(() => {})
    for (const listener of told) {
      expect(listener.mock.calls.map(([{ category }]) => category)).toEqual(['overloaded', 'connection'])
    }
    expect(lines).toHaveLength(2)
    expect(events).toHaveLength(2)
  })

  it('writes the category to the ledger', async () => {
    let call: Call | undefined
    const look: Middleware = (request, next, ctx) => {
      call = callOf(request, ctx)
      return next(request)
    }
    await clientOf({ middleware: [look, classify()], fetch: fakeFetch({ script: [402] }) })
      .messages.create(params)
      .catch(() => {})
    expect(call?.attempts).toMatchObject([{ category: 'billing', status: 402 }])
    expect(call?.events).toMatchObject([{ type: 'failure', category: 'billing' }])
  })

  it('goes on when a listener throws', async () => {
    const { lines, logger } = recordingLogger()
    const broken = classify({
      onFailure: () => {
        throw new Error('broken listener')
      },
    })
    const client = clientOf({ middleware: broken, fetch: fakeFetch({ script: [529] }), logger })
    await expect(client.messages.create(params)).rejects.toMatchObject({ status: 529 })
    expect(lines.map(([level]) => level)).toEqual(['warn', 'warn'])
  })

  it('gives the SDK the body as it came', async () => {
    const message = 'm'.repeat(60_000)
    const { client } = setUp([{ status: 400, message, details: { field: 'model' } }])
    const error = await client.messages.create(params).catch((thrown: unknown) => thrown)
    expect(error).toMatchObject({ error: { error: { message, details: { field: 'model' } } } })
  })

  it('ends an error body that has no end after 64 KiB, and the connection with it', async () => {
    const { client, failures, fetch } = setUp([{ status: 500, endless: true, type: 'api_error' }])
    const error = await client.messages.create(params).catch((thrown: unknown) => thrown)
    expect(error).toBeInstanceOf(Anthropic.InternalServerError)
    expect(String(error).length).toBeLessThanOrEqual(66_000)
    expect(failures).toMatchObject([
      { category: 'server_error', requestId: fetch.requests[0]?.reply?.requestId },
    ])
    await vi.waitFor(() => expect(fetch.requests[0]).toMatchObject({ aborted: true }))
    expect(fetch.requests[0]?.bytesSent).toBeLessThan(64 * 1024 * 3)
  })

  it('ends an error body that stalls after 1 s, with what had come', async () => {
    vi.useFakeTimers()
    const body = `{"type":"error","error":{"type":"api_error","message":"${'m'.repeat(200)}"}}`
    const { client, failures, fetch } = setUp([{ status: 500, body, fault: { kind: 'stall', at: 150 } }])
    const outcome = client.messages.create(params).catch((thrown: unknown) => thrown)
    await vi.advanceTimersByTimeAsync(999)
    expect(failures).toEqual([])
    await vi.advanceTimersByTimeAsync(1)
    expect(await outcome).toMatchObject({ status: 500, message: expect.stringContaining('mmmm') as string })
    expect(failures).toMatchObject([{ category: 'server_error' }])
    expect(fetch.requests[0]).toMatchObject({ bytesSent: 150, aborted: true })
    expect(vi.getTimerCount()).toBe(0)
  })

  it('is over at once when the caller aborts while it looks at the body of an error', async () => {
    vi.useFakeTimers()
    const { client, failures, fetch } = setUp([
      { status: 500, body: '{"type":', fault: { kind: 'stall', at: 4 } },
    ])
    const controller = new AbortController()
    const outcome = client.messages
      .create(params, { signal: controller.signal })
      .catch((thrown: unknown) => thrown)
    await vi.advanceTimersByTimeAsync(500)
    controller.abort()
    await vi.advanceTimersByTimeAsync(0)
    expect(await outcome).toBeInstanceOf(Anthropic.APIUserAbortError)
    expect(failures).toMatchObject([{ category: 'aborted' }])
    expect(fetch.requests[0]).toMatchObject({ aborted: true })
    expect(vi.getTimerCount()).toBe(0)
  })

  it('tells the caller’s abort from the SDK’s own time-out', async () => {
    vi.useFakeTimers()
    const { client, failures, lines } = setUp([{ network: 'hang' }, { network: 'hang' }])
    const controller = new AbortController()
    const aborted = client.messages
      .create(params, { signal: controller.signal })
      .catch((thrown: unknown) => thrown)
    await vi.advanceTimersByTimeAsync(10)
    controller.abort(new Error('the user left'))
    expect(await aborted).toBeInstanceOf(Anthropic.APIUserAbortError)
    const timedOut = client.messages.create(params, { timeout: 100 }).catch((thrown: unknown) => thrown)
    await vi.advanceTimersByTimeAsync(100)
    expect(await timedOut).toBeInstanceOf(Anthropic.APIConnectionTimeoutError)
    // In a fetch the SDK's timer and the caller look the same: both are final there.
    const second = clientOf === seams[0]?.[1] ? 'timeout' : 'aborted'
    expect(failures.map(({ category }) => category)).toEqual(['aborted', second])
    expect(lines[0]?.[0]).toBe('info')
  })

  describe('rules', () => {
    it('override a verdict for every middleware of the call; the first that answers decides', async () => {
      const seen: unknown[] = []
      const inside: Middleware = async (request, next, ctx) => {
        const response = await next(request)
        seen.push((await classifyOutcome(response, request, ctx))?.category)
        return response
      }
      const options: ClassifyOptions = {
        rules: [
          ({ status }) =>
            status === 418 ? { category: 'overloaded', hint: 'Tea is overloaded.' } : undefined,
          () => ({ severity: 'page' }),
        ],
      }
      const failures: Failure[] = []
      const middleware = [classify({ ...options, onFailure: (failure) => failures.push(failure) }), inside]
      const client = clientOf({ middleware, fetch: fakeFetch({ script: [418, 404] }) })
      await client.messages.create(params).catch(() => {})
      await client.messages.create(params).catch(() => {})
      expect(seen).toEqual(['overloaded', 'not_found'])
      expect(failures).toMatchObject([
        {
          category: 'overloaded',
          retry: 'patient',
          failover: true,
          trips: 'failure',
          status: 418,
          hint: 'Tea is overloaded.',
        },
        { category: 'not_found', severity: 'page', retry: 'never', status: 404 },
      ])
    })

    it('see the headers, the error and the model', async () => {
      const rule = vi.fn<NonNullable<ClassifyOptions['rules']>[number]>()
      const { client } = setUp([{ status: 500, headers: { 'x-gateway': 'down' } }, { network: 'reset' }], {
        rules: [rule],
      })
      await client.messages.create(params).catch(() => {})
      await client.messages.create(params).catch(() => {})
      const facts = rule.mock.calls.map(([, seen]) => seen)
      expect(facts[0]?.headers?.get('x-gateway')).toBe('down')
      expect(facts[0]?.model).toBe(params.model)
      expect(facts[1]?.error).toBeInstanceOf(TypeError)
    })

    it('hold for a later classifyResponse of the same response', async () => {
      let response: Response | undefined
      const keep: Middleware = async (request, next) => {
        response = await next(request)
        return response
      }
      const rules = [() => ({ category: 'billing' as const })]
      const client = clientOf({
        middleware: [keep, classify({ rules })],
        fetch: fakeFetch({ script: [418] }),
      })
      await client.messages.create(params).catch(() => {})
      expect(response && (await classifyResponse(response))).toMatchObject({
        category: 'billing',
        fault: 'config',
      })
    })

    it('are left out, with a warning, when they throw or name no category', async () => {
      const rules = [
        (): never => {
          throw new Error('broken rule')
        },
        () => ({ category: 'tea' as 'unknown' }),
        () => ({ severity: 'info' as const }),
      ]
      const { client, failures, lines } = setUp([500], { rules })
      await client.messages.create(params).catch(() => {})
      expect(failures).toMatchObject([{ category: 'server_error', severity: 'info' }])
      expect(lines.map(([level]) => level)).toEqual(['warn', 'warn', 'info'])
    })
  })
})

describe('classify', () => {
  it.each(seams)(
    'lets the SDK’s credential exchanges pass, also when they fail, by %s',
    async (_, clientOf) => {
      vi.stubEnv('ANTHROPIC_FEDERATION_RULE_ID', 'fdrl_test')
      vi.stubEnv('ANTHROPIC_ORGANIZATION_ID', 'org_test')
      vi.stubEnv('ANTHROPIC_IDENTITY_TOKEN', 'header.payload.signature')
      const paths: string[] = []
      let exchanges = 0
      const fetch: typeof globalThis.fetch = (input) => {
        const { pathname } = new URL(String(input))
        paths.push(pathname)
        if (!pathname.endsWith('/oauth/token')) return Promise.resolve(Response.json({}, { status: 529 }))
        const answer =
          exchanges++ === 0
            ? Response.json({ error: 'invalid_grant' }, { status: 400 })
            : Response.json({ access_token: 'test', token_type: 'Bearer', expires_in: 3600 })
        return Promise.resolve(answer)
      }
      const failures: Failure[] = []
      const middleware = classify({ onFailure: (failure) => failures.push(failure) })
      const client = clientOf({ middleware, fetch, apiKey: null })
      await expect(client.messages.create(params)).rejects.toThrow(/invalid_grant/)
      expect(failures).toEqual([])
      await expect(client.messages.create(params)).rejects.toMatchObject({ status: 529 })
      expect(paths).toEqual(['/v1/oauth/token', '/v1/oauth/token', '/v1/messages'])
      expect(failures).toMatchObject([{ category: 'overloaded' }])
    },
  )

  it.each(seams)('lets a stamped response stand for its failure, by %s', async (_, clientOf) => {
    const failures: Failure[] = []
    const stamps: Middleware = async (request, next, ctx) => {
      const response = await next(request)
      await classifyOutcome(response, request, ctx)
      return carryClassification(response, new Response('{}', { status: 503 }), { retry: 'never' })
    }
    const outer = classify({ onFailure: (failure) => failures.push(failure) })
    const inner = classify({ rules: [() => ({ category: 'overloaded', severity: 'page' })] })
    const client = clientOf({ middleware: [outer, stamps, inner], fetch: fakeFetch({ script: [500] }) })
    await client.messages.create(params).catch(() => {})
    expect(failures).toMatchObject([
      { category: 'overloaded', severity: 'page', status: 500, retry: 'never' },
    ])
  })

  it.each(seams)(
    'ends the connection of an endless error body over real HTTP, by %s',
    async (_, clientOf) => {
      const fake = await createFakeAnthropic({ script: [{ status: 500, endless: true }, 529] })
      try {
        const failures: Failure[] = []
        const middleware = classify({ onFailure: (failure) => failures.push(failure) })
        const client = clientOf({ middleware, baseURL: fake.url })
        await expect(client.messages.create(params)).rejects.toMatchObject({ status: 500 })
        await expect(client.messages.create(params)).rejects.toMatchObject({ status: 529 })
        expect(failures.map(({ category }) => category)).toEqual(['server_error', 'overloaded'])
        await vi.waitFor(() => expect(fake.requests[0]).toMatchObject({ aborted: true }))
      } finally {
        await fake.close()
      }
    },
  )

  it.each([
    [{ rules: 'all' }, 'Expected `rules` to be an array of functions, got "all".'],
    [{ rules: [{}] }, 'Expected `rules` to be an array of functions, got an array of 1.'],
    [{ onFailure: 1 }, 'Expected `onFailure` to be a function, got 1.'],
  ])('refuses %o', (options: object, message) => {
    expect(() => classify(options)).toThrow(new TypeError(message))
  })
})
