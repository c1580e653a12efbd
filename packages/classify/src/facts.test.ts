import { BreakwaterError, markLocal, type Middleware, type MiddlewareContext } from '@breakwater/core'
import { params, recordingLogger, seams } from '@breakwater/testing'
import { fakeFetch } from '@breakwater/testkit'
import { describe, expect, it, vi } from 'vitest'
import { boundedResponse } from './bounded.ts'
import { classification } from './classification.ts'
import { classify } from './classify.ts'
import { classifyError } from './classify-error.ts'
import { classifyResponse } from './classify-response.ts'
import { parseErrorBody } from './error-body.ts'
import { classifyErrorEvent, statusOfErrorType } from './error-event.ts'
import { rulingOfNetworkCode } from './network-errors.ts'
import { classifyOutcome } from './outcome.ts'
import { parseRetryAfter, rateLimitResetMs } from './retry-after.ts'

const request = {
  url: 'https://api.anthropic.com/v1/messages',
  headers: new Headers(),
  body: '{"model":"m"}',
}
const contextOf = (options?: object): MiddlewareContext => ({
  logger: console,
  parse: () => Promise.reject(new Error('not here')),
  options: { method: 'post', path: '/v1/messages', ...options } as never,
})

describe('a classification', () => {
  it('says something where the failure says nothing, and has no field that is not known', () => {
    expect(classification('rate_limit').message).toBe('rate limit')
    expect(classification('context_window', { status: 400 }).message).toBe('HTTP 400')
    expect(classification('rate_limit', { message: ' \n ' }).message).toBe('rate limit')
    expect(Object.keys(classification('unknown')).toSorted()).toEqual(
      'category failover fault hint message replay retry severity trips'.split(' '),
    )
    const known = { status: 400, type: 'a', code: 'b', requestId: 'c', retryAfterMs: 0 }
    expect(classification('unknown', known)).toMatchObject(known)
  })
})

describe('what is thrown', () => {
  it.each<[string, unknown, string]>([
    ['null', null, 'not an error: null'],
    ['undefined', undefined, 'not an error: undefined'],
    ['a text', 'secret', 'not an error: string'],
    ['an object', {}, 'not an error: object'],
    ['an error without a text', { message: 7 }, 'not an error: object'],
  ])('is named where it is no error: %s', (_, thrown, message) => {
    expect(classifyError(thrown)).toMatchObject({ category: 'unknown', message })
  })

  it('is no failure of the network for its text alone', () => {
    expect(classifyError(new TypeError('fetch failed')).category).toBe('connection')
    expect(classifyError(new Error('fetch failed')).category).toBe('unknown')
    expect(classifyError(Object.assign(new Error('x'), { code: 'ETIMEDOUT' })).category).toBe('timeout')
  })

  it('sent nothing where only the connecting timed out, and nothing else', () => {
    expect(rulingOfNetworkCode('ETIMEDOUT', 'connect')).toMatchObject({ category: 'connection' })
    expect(rulingOfNetworkCode('ETIMEDOUT', 'read')).toMatchObject({ category: 'timeout' })
    expect(rulingOfNetworkCode('ECONNRESET', 'connect')).toMatchObject({ replay: 'ambiguous' })
  })
})

describe('our own error', () => {
  const own = (details: ConstructorParameters<typeof BreakwaterError>[1], fields: object = {}): unknown =>
    Object.assign(new BreakwaterError('What it says.', details), fields)

  it('is of its own category, and takes from its code only what belongs to that', () => {
    expect(classifyError(own({ code: 'queue_full', category: 'rate_limit' }))).toMatchObject({
      category: 'rate_limit',
      retry: 'never',
      message: 'What it says.',
    })
    expect(classifyError(own({ code: 'queue_full', category: 'overloaded' }))).toMatchObject({
      category: 'overloaded',
      retry: 'patient',
    })
    expect(classifyError(own({ code: 'queue_full', category: 'no_such' })).category).toBe('rate_limit')
    expect(classifyError(own({ code: 'no_such', category: 'no_such' })).category).toBe('unknown')
  })

  it.each([
    [0, 0],
    [1.5, 1.5],
    [-1, undefined],
    [Infinity, undefined],
    ['5', undefined],
  ])('waits for %s as %s', (retryAfterMs, expected) => {
    const error = own({ code: 'circuit_open', category: 'circuit_open' }, { retryAfterMs })
    expect(classifyError(error).retryAfterMs).toBe(expected)
  })

  it('ends all attempts where it is the deadline of the call, and no other limit does', () => {
    const late = { code: 'timeout', category: 'timeout' }
    expect(classifyError(own(late, { limit: 'total' }))).toMatchObject({ retry: 'never', failover: false })
    expect(classifyError(own(late, { limit: 'idle' }))).toMatchObject({ retry: 'once', failover: true })
    expect(classifyError(own(late))).toMatchObject({ retry: 'once', failover: true })
    const open = own({ code: 'circuit_open', category: 'circuit_open' }, { limit: 'total' })
    expect(classifyError(open)).toMatchObject({ retry: 'backoff', failover: true })
  })
})

describe('an error that carries an answer', () => {
  const base = { name: 'APIError', message: '529 Overloaded' }

  it('is read from its own fields first, then from its body', () => {
    const body = {
      type: 'error',
      error: {
        type: 'overloaded_error',
        message: 'of the body',
        details: { error_code: 'compaction_unavailable' },
      },
      request_id: 'req_body',
    }
    expect(classifyError({ ...base, status: 529, error: body })).toMatchObject({
      category: 'overloaded',
      type: 'overloaded_error',
      code: 'compaction_unavailable',
      message: 'of the body',
      requestId: 'req_body',
    })
    const fields = {
      status: 500,
      type: 'rate_limit_error',
      errorCode: 'ramp_limit_exceeded',
      apiMessage: 'of the error',
      requestID: 'req_error',
      request_id: 'req_other',
    }
    expect(classifyError({ ...base, ...fields, error: body })).toMatchObject({
      category: 'rate_limit',
      type: 'rate_limit_error',
      code: 'ramp_limit_exceeded',
      message: 'of the error',
      requestId: 'req_error',
    })
    expect(classifyError({ ...base, status: 529, request_id: 'req_other', error: body }).requestId).toBe(
      'req_other',
    )
    // A type that is none of the API's gives way to the one of the body.
    expect(classifyError({ ...base, status: 500, type: 'mine', error: body }).type).toBe('overloaded_error')
  })

  it.each<[unknown, string]>([
    [399, 'unknown'],
    [400, 'invalid_request'],
    [599, 'server_error'],
    [600, 'unknown'],
    ['529', 'unknown'],
  ])('has the status %o: %s', (status, category) => {
    expect(classifyError({ name: 'E', message: 'x', status }).category).toBe(category)
  })

  it('is read from its body where its own fields are no texts', () => {
    const error = { message: 'of the body', details: { error_code: 'ramp_limit_exceeded' } }
    expect(
      classifyError({
        ...base,
        status: 429,
        errorCode: '',
        apiMessage: 7,
        requestID: null,
        error: { error },
      }),
    ).toMatchObject({ code: 'ramp_limit_exceeded', message: 'of the body' })
  })

  it('is never the SDK’s own, whatever its text is', () => {
    const answered = { requestID: 'req_1', status: 500, headers: undefined, message: 'Request was aborted.' }
    expect(classifyError(answered).category).toBe('server_error')
  })

  it('is read from the text of a body, as the AI SDK keeps it', () => {
    const responseBody = '{"error":{"type":"overloaded_error","message":"busy"}}'
    const responseHeaders = { 'Retry-After': '7', 'Request-Id': 'req_1' }
    expect(classifyError({ message: 'x', statusCode: 529, responseBody, responseHeaders })).toMatchObject({
      category: 'overloaded',
      message: 'busy',
      retryAfterMs: 7000,
      requestId: 'req_1',
    })
  })

  it('is judged without the headers that cannot be read', () => {
    const headers = {
      get: () => {
        throw new Error('broken')
      },
    }
    expect(classifyError({ message: 'x', status: 529, headers })).toMatchObject({ category: 'overloaded' })
  })

  it('is told by its name or by its text, of the SDK’s own', () => {
    const aborted = { name: 'APIUserAbortError', message: 'in other words' }
    expect(classifyError(aborted).category).toBe('aborted')
    expect(classifyError({ name: 'APIConnectionTimeoutError', message: 'in other words' }).category).toBe(
      'timeout',
    )
    const minified = { name: 'a', requestID: undefined, status: undefined, headers: undefined }
    expect(classifyError({ ...minified, message: 'Request was aborted.' }).category).toBe('aborted')
    expect(classifyError({ ...minified, message: 'Request timed out.' }).category).toBe('timeout')
    expect(classifyError({ ...minified, message: 'Request was aborted' }).category).toBe('connection')
    expect(classifyError({ name: 'APIConnectionError', message: 'Connection error.' }).category).toBe(
      'connection',
    )
    expect(
      classifyError(new Error('Could not resolve authentication method. Expected one of apiKey …')).category,
    ).toBe('authentication')
    expect(classifyError(new Error('It said: Could not resolve authentication method')).category).toBe(
      'unknown',
    )
  })
})

describe('a body', () => {
  it.each<[string, object]>([
    ['{"message":"top"}', { message: 'top' }],
    ['{"Message":"of a cloud"}', { message: 'of a cloud' }],
    ['{"detail":"of a gateway"}', { message: 'of a gateway' }],
    ['{"error":"short"}', { message: 'short' }],
    ['{"error":{"message":""},"message":"top"}', { message: 'top' }],
    ['{"error":{"message":7}}', {}],
    ['{}', {}],
    ['""', { message: '' }],
    [JSON.stringify('x'.repeat(300)), { message: 'x'.repeat(200) }],
  ])('%s', (text, expected) => {
    expect(parseErrorBody(text)).toStrictEqual(expected)
  })
})

describe('an error event', () => {
  it('names the request of the headers, else its own', () => {
    const data = '{"type":"error","error":{"type":"overloaded_error","message":"x"},"request_id":"req_body"}'
    expect(classifyErrorEvent(data).requestId).toBe('req_body')
    expect(classifyErrorEvent(data, new Headers()).requestId).toBe('req_body')
    expect(classifyErrorEvent(undefined, new Headers({ 'request-id': 'req_1' })).requestId).toBe('req_1')
    expect(classifyErrorEvent(undefined)).not.toHaveProperty('requestId')
    expect([statusOfErrorType(undefined), statusOfErrorType('no_such'), statusOfErrorType('')]).toEqual([
      500, 500, 500,
    ])
  })
})

describe('a hint', () => {
  const now = Date.UTC(2026, 10, 21)
  const at = (ms: number): string => new Date(now + ms).toISOString()
  const spent = (family: string, ms: number): Record<string, string> => ({
    [`anthropic-ratelimit-${family}-remaining`]: '0',
    [`anthropic-ratelimit-${family}-reset`]: at(ms),
  })

  it.each([
    ['the first', { ...spent('requests', 9000), ...spent('tokens', 5000) }, 9000],
    ['the last', { ...spent('requests', 5000), ...spent('tokens', 9000) }, 9000],
    ['the only one that is to come', { ...spent('requests', 5000), ...spent('tokens', -9000) }, 5000],
    ['the one that is now', spent('requests', 0), 0],
  ])('is the longest of several resets: %s', (_, headers, expected) => {
    expect(rateLimitResetMs(new Headers(headers), now)).toBe(expected)
  })

  it('may have space around it, where headers keep that', () => {
    const headers = (values: Record<string, string>) => ({ get: (name: string) => values[name] ?? null })
    expect(parseRetryAfter(headers({ 'retry-after': ' 7 ' }))).toBe(7000)
    expect(parseRetryAfter(headers({ 'retry-after': '' }))).toBeUndefined()
    const unified = {
      'anthropic-ratelimit-unified-status': ' rejected ',
      'anthropic-ratelimit-unified-reset': ` ${(now + 4000) / 1000} `,
    }
    expect(rateLimitResetMs(headers(unified), now)).toBe(4000)
    expect(
      rateLimitResetMs(headers({ ...unified, 'anthropic-ratelimit-unified-status': 'allowed' }), now),
    ).toBeUndefined()
  })
})

describe('a failing response', () => {
  it('is passed on as it is where its body came whole, or where there is none', async () => {
    for (const response of [Response.json({}, { status: 500 }), new Response(null, { status: 500 })]) {
      expect((await classifyResponse(response))?.category).toBe('server_error')
      expect(boundedResponse(response)).toBe(response)
    }
  })

  it('is judged by its status where somebody has read its body, or reads it', async () => {
    const read = Response.json({ error: { type: 'overloaded_error' } }, { status: 500 })
    await read.text()
    const locked = Response.json({ error: { type: 'overloaded_error' } }, { status: 500 })
    locked.body?.getReader()
    expect((await classifyResponse(read))?.category).toBe('server_error')
    expect((await classifyResponse(locked))?.category).toBe('server_error')
  })
})

describe('an outcome', () => {
  const aborted = AbortSignal.abort()
  const reset = (): unknown => Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET' })
  const abortError = (): unknown => new DOMException('This operation was aborted', 'AbortError')
  const limit = (): unknown => new BreakwaterError('Late.', { code: 'timeout', category: 'timeout' })

  it.each<[string, () => unknown, { ofCaller?: AbortSignal; ofRequest?: AbortSignal }, string]>([
    ['an abort of nobody known', abortError, {}, 'aborted'],
    ['an abort by the SDK’s timer', abortError, { ofRequest: aborted }, 'timeout'],
    ['an abort by the caller', abortError, { ofRequest: aborted, ofCaller: aborted }, 'aborted'],
    ['a reset under the SDK’s timer', reset, { ofRequest: aborted }, 'connection'],
    ['a reset after the caller’s abort', reset, { ofCaller: aborted }, 'aborted'],
    ['our own limit after the caller’s abort', limit, { ofCaller: aborted }, 'timeout'],
    ['a text', () => 'boom', {}, 'unknown'],
    ['nothing', () => undefined, {}, 'unknown'],
    ['null', () => null, {}, 'unknown'],
  ])('is what the signals make of it: %s', async (_, outcome, { ofCaller, ofRequest }, category) => {
    const ctx = contextOf({ signal: ofCaller })
    const sent = { ...request, ...(ofRequest && { signal: ofRequest }) }
    expect((await classifyOutcome(outcome(), sent, ctx))?.category).toBe(category)
  })
})

describe.each(seams)('classify, by %s', (_, clientOf) => {
  it('writes all that it knows into one line, and leaves out what it does not', async () => {
    const { lines, logger } = recordingLogger()
    const script = [{ status: 429, code: 'ramp_limit_exceeded', retryAfterMs: 1500 }, 404]
    const fetch = fakeFetch({ script })
    const client = clientOf({ middleware: classify(), fetch, logger })
    await client.messages.create(params).catch(() => {})
    await client.messages.create(params).catch(() => {})
    const [first, second] = fetch.requests.map(({ reply }) => reply?.requestId)
    expect(lines.map(([level, line]) => [level, String(line).split(' | ')[0]])).toEqual([
      [
        'warn',
        `[breakwater] rate_limit status=429 type=rate_limit_error code=ramp_limit_exceeded model=${params.model} request_id=${first} retry_after_ms=1500 fault=traffic retry=backoff`,
      ],
      [
        'error',
        `[breakwater] not_found status=404 type=not_found_error model=${params.model} request_id=${second} fault=config retry=never`,
      ],
    ])
  })

  it.each<[string, () => unknown]>([
    ['a text', () => 'boom'],
    ['nothing', () => undefined],
    [
      'an error of ours',
      () => markLocal(new BreakwaterError('Open.', { code: 'circuit_open', category: 'circuit_open' })),
    ],
  ])('tells of %s that is thrown inside, once however often it stands in a call', async (_name, thrown) => {
    const { lines, logger } = recordingLogger()
    const error = thrown()
    const throws: Middleware = () => Promise.reject(error as Error)
    const onFailure = vi.fn()
    const caught: unknown[] = []
    const look: Middleware = (sent, next) =>
      next(sent).catch((reason: unknown) => {
        caught.push(reason)
        throw reason
      })
    const middleware = [look, classify({ onFailure }), throws]
    await clientOf({ middleware, logger })
      .messages.create(params)
      .catch(() => {})
    expect(caught).toEqual([error])
    expect(onFailure).toHaveBeenCalledOnce()
    expect(lines).toHaveLength(1)
    if (typeof error !== 'object') return
    const twice = [classify({ onFailure }), classify(), throws]
    await clientOf({ middleware: twice, logger })
      .messages.create(params)
      .catch(() => {})
    // The same object is the same failure, in another call too.
    expect(lines).toHaveLength(1)
  })
})

describe('rules', () => {
  const logger = { error() {}, warn: vi.fn(), info() {}, debug() {} }
  const verdictBy = (
    ...rules: NonNullable<Parameters<typeof classify>[0]>['rules'] & object
  ): Promise<unknown> => {
    const ctx = { ...contextOf(), logger }
    const failing = (): Promise<Response> =>
      Promise.resolve(
        Response.json(
          { error: { type: 'rate_limit_error', details: { error_code: 'ramp_limit_exceeded' } } },
          { status: 429 },
        ),
      )
    const seen: unknown[] = []
    const subject = classify({ rules, onFailure: (failure) => seen.push(failure) })
    return subject(request, failing, ctx).then(() => seen[0])
  }
  const hint = classifyResponseHint()

  const warnings = (): number =>
    logger.warn.mock.calls.filter(([text]) => String(text).includes('a rule of classify')).length

  it('ask the next one where one says nothing, which is no mistake', async () => {
    const before = warnings()
    expect(
      await verdictBy(
        () => undefined,
        () => ({ category: 'overloaded' }),
      ),
    ).toMatchObject({
      category: 'overloaded',
      retry: 'patient',
    })
    expect(warnings()).toBe(before)
  })

  it('keep what the code says where the category stays, and not where it changes', async () => {
    expect(await verdictBy(() => ({ severity: 'page' }))).toMatchObject({
      severity: 'page',
      hint: await hint,
    })
    expect(await verdictBy(() => ({ category: 'rate_limit', retry: 'never' }))).toMatchObject({
      retry: 'never',
      hint: await hint,
    })
    expect(await verdictBy(() => ({ category: 'overloaded' }))).not.toMatchObject({ hint: await hint })
  })

  it('are left out, with a warning, where they name no category', async () => {
    const before = warnings()
    expect(await verdictBy(() => ({ category: 'no_such' as never }))).toMatchObject({
      category: 'rate_limit',
    })
    expect(warnings()).toBe(before + 1)
  })
})

async function classifyResponseHint(): Promise<string | undefined> {
  const body = { error: { type: 'rate_limit_error', details: { error_code: 'ramp_limit_exceeded' } } }
  return (await classifyResponse(Response.json(body, { status: 429 })))?.hint
}
