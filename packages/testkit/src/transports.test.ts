import { afterEach, describe, expect, it } from 'vitest'
import type { ScriptEntry } from './reply.ts'
import { eventNames, type Opened, params, see, type Seen, transports } from './testing/transports.ts'

const stream = { ...params, stream: true }
const whole = [
  'message_start',
  'content_block_start',
  'ping',
  ...Array<string>(4).fill('content_block_delta'),
  'content_block_stop',
  'message_delta',
  'message_stop',
]
const terminated = 'TypeError: terminated < SocketError: other side closed UND_ERR_SOCKET'
const reset = 'TypeError: terminated < Error: read ECONNRESET ECONNRESET'

/** Entry, request body, and what the client must see of it. */
const table: Record<
  string,
  { entry: ScriptEntry; body?: object; giveUpMs?: number; sees: (seen: Seen) => unknown; is: unknown }
> = {
  '200 as a message': {
    entry: 200,
    sees: ({ status, text }) => [status, JSON.parse(text ?? '').type],
    is: [200, 'message'],
  },
  '200 as a stream': { entry: 200, body: stream, sees: ({ text }) => eventNames(text), is: whole },
  'an overloaded error': {
    entry: 529,
    sees: ({ status, statusText, text, headers }) => [
      status,
      statusText,
      JSON.parse(text ?? '').error,
      headers?.['x-should-retry'],
    ],
    is: [529, '', { type: 'overloaded_error', message: 'Overloaded', details: null }, 'true'],
  },
  'an error without x-should-retry': {
    entry: { status: 429, headers: { 'X-Should-Retry': null } },
    sees: ({ statusText, headers }) => [statusText, headers?.['x-should-retry']],
    is: ['Too Many Requests', undefined],
  },
  'an error code with details': {
    entry: {
      status: 429,
      code: 'enforced_spend_limit_reached',
      details: { scope: 'organization' },
      type: 'rate_limit_error',
    },
    sees: ({ text }) => JSON.parse(text ?? '').error.details,
    is: { error_code: 'enforced_spend_limit_reached', scope: 'organization' },
  },
  'retry-after in three forms at once': {
    entry: { status: 429, retryAfter: 'NaN', retryAfterMs: -1, headers: { 'Retry-After': '1e400' } },
    sees: ({ headers }) => [headers?.['retry-after'], headers?.['retry-after-ms']],
    is: ['1e400', '-1'],
  },
  'an empty retry-after': {
    entry: { status: 429, retryAfter: '' },
    sees: ({ headers }) => headers?.['retry-after'],
    is: '',
  },
  'an HTML page': {
    entry: { status: 502, html: true },
    sees: ({ status, headers, text }) => [
      status,
      headers?.['content-type'],
      headers?.['request-id'],
      text?.slice(0, 6),
    ],
    is: [502, 'text/html; charset=UTF-8', undefined, '<html>'],
  },
  'an empty 200': { entry: { body: '' }, sees: ({ status, text }) => [status, text], is: [200, ''] },
  'a 204': {
    entry: { status: 204 },
    sees: ({ status, text, error }) => [status, text, error],
    is: [204, '', undefined],
  },
  'a raw JSON body': {
    entry: { body: { any: [1] } },
    sees: ({ text, headers }) => [text, headers?.['content-type']],
    is: ['{"any":[1]}', 'application/json'],
  },
  'a raw body of bytes': {
    entry: { bodyBase64: 'aGk=', contentType: 'text/plain' },
    sees: ({ text, headers }) => [text, headers?.['content-type']],
    is: ['hi', 'text/plain'],
  },
  'an in-stream error at the start': {
    entry: { fault: { kind: 'error', at: 0 } },
    body: stream,
    sees: ({ status, text, error }) => [
      status,
      eventNames(text),
      text?.includes('"overloaded_error","message":"Overloaded"'),
      error,
    ],
    is: [200, ['error'], true, undefined],
  },
  'an in-stream error of another type, in one chunk with content': {
    entry: { fault: { kind: 'error', at: 4, type: 'api_error', code: 'some_code' }, chunkBytes: 100_000 },
    body: stream,
    sees: ({ text, chunks }) => [eventNames(text), text?.includes('"error_code":"some_code"'), chunks],
    is: [['message_start', 'content_block_start', 'ping', 'content_block_delta', 'error'], true, 1],
  },
  'an end without message_stop': {
    entry: { fault: { kind: 'end', at: 'end' } },
    body: stream,
    sees: ({ text, error }) => [eventNames(text), error],
    is: [whole.slice(0, -1), undefined],
  },
  'a cut in the middle': {
    entry: { fault: 'cut' },
    body: stream,
    sees: ({ text, error }) => [eventNames(text), error],
    is: [whole.slice(0, 5), terminated],
  },
  'a cut before the first byte': {
    entry: { fault: { kind: 'cut', at: 'start' } },
    body: stream,
    sees: ({ status, text, error }) => [status, text, error],
    is: [200, '', terminated],
  },
  'a reset in the middle': {
    entry: { fault: 'reset' },
    body: stream,
    sees: ({ text, error }) => [eventNames(text), error],
    is: [whole.slice(0, 5), reset],
  },
  'a JSON body cut at a byte': {
    entry: { fault: { kind: 'cut', at: 7 }, body: { a: 'long' } },
    sees: ({ text, error }) => [text, error],
    is: ['{"a":"l', terminated],
  },
  'a JSON body that ends early': {
    entry: { fault: { kind: 'end', at: 7 }, body: { a: 'long' } },
    sees: ({ text, error }) => [text, error],
    is: ['{"a":"l', undefined],
  },
  'a stall': {
    entry: { fault: { kind: 'stall', at: 3 } },
    body: stream,
    giveUpMs: 40,
    sees: ({ text, error }) => [eventNames(text), error],
    is: [whole.slice(0, 3), 'Error: gave up'],
  },
  'pings for ever': {
    entry: { fault: { kind: 'pings', at: 2, gapMs: 5 } },
    body: stream,
    giveUpMs: 50,
    sees: ({ text, error }) => [new Set(eventNames(text).slice(2)), error],
    is: [new Set(['ping']), 'Error: gave up'],
  },
  'a drip of single bytes': {
    entry: { body: 'abc', fault: { kind: 'drip', at: 1, gapMs: 50 } },
    sees: ({ text, chunks }) => [text, chunks],
    is: ['abc', 3],
  },
  'a drip of events': {
    entry: { text: 'x', fault: { kind: 'drip', at: 4, gapMs: 3 } },
    body: stream,
    sees: ({ text }) => eventNames(text).length,
    is: 7,
  },
  'a repeated event': {
    entry: { fault: { kind: 'duplicate', at: 0 } },
    body: stream,
    sees: ({ text }) => eventNames(text),
    is: ['message_start', ...whole],
  },
  'an unknown event': {
    entry: { fault: { kind: 'unknown', at: 1 } },
    body: stream,
    sees: ({ text }) => eventNames(text),
    is: ['message_start', 'unknown_event', ...whole.slice(1)],
  },
  'broken JSON in an event': {
    entry: { fault: { kind: 'garbage', at: 9 } },
    body: stream,
    sees: ({ text }) => text?.slice(-50),
    is: 'event: message_stop\ndata: {"type":"message_stop"\n\n'.padStart(50, '\n'),
  },
  'raw bytes in a stream': {
    entry: { fault: { kind: 'raw', at: 'start', data: ': hello\n\n' } },
    body: stream,
    sees: ({ text }) => text?.slice(0, 28),
    is: ': hello\n\nevent: message_star',
  },
  'tool JSON that stops half way': {
    entry: { toolUse: { name: 'find', input: { query: 'weather' } }, fault: 'truncatedToolJson' },
    body: stream,
    sees: ({ text }) =>
      [...(text ?? '').matchAll(/"partial_json":"((?:[^"\\]|\\.)*)"/g)]
        .map((match) => JSON.parse(`"${match[1]}"`))
        .join(''),
    is: '{"query":',
  },
  'other line endings': {
    entry: { newline: '\r\n' },
    body: stream,
    sees: ({ text }) => text?.startsWith('event: message_start\r\ndata: {'),
    is: true,
  },
  'an endless error body': {
    entry: { status: 503, endless: true },
    giveUpMs: 40,
    sees: ({ status, text, error }) => [status, (text?.length ?? 0) > 16_384, error],
    is: [503, true, 'Error: gave up'],
  },
  'an endless stream': {
    entry: { endless: true },
    body: stream,
    giveUpMs: 40,
    sees: ({ text, error }) => [eventNames(text).length > 4, new Set(eventNames(text).slice(3)), error],
    is: [true, new Set(['content_block_delta']), 'Error: gave up'],
  },
  'a slow body': {
    // Long enough that a busy machine does not read both pieces at once.
    entry: { body: 'abcd', chunkBytes: 2, gapMs: 60 },
    sees: ({ text, chunks }) => [text, chunks],
    is: ['abcd', 2],
  },
  'a reset before the answer': {
    entry: { network: 'reset' },
    sees: (seen) => seen,
    is: { error: 'TypeError: fetch failed < Error: read ECONNRESET ECONNRESET' },
  },
  'a close before the answer': {
    entry: { network: 'close', delayMs: 5 },
    sees: (seen) => seen,
    is: { error: 'TypeError: fetch failed < SocketError: other side closed UND_ERR_SOCKET' },
  },
  'no answer': {
    entry: { network: 'hang' },
    giveUpMs: 30,
    sees: (seen) => seen,
    is: { error: 'Error: gave up' },
  },
  'an answer that comes too late': {
    entry: { delayMs: 10_000 },
    giveUpMs: 30,
    sees: (seen) => seen,
    is: { error: 'Error: gave up' },
  },
}

const open: Opened[] = []
afterEach(async () => {
  await Promise.all(open.splice(0).map((fake) => fake.close()))
})

describe.each(Object.entries(transports))('%s', (_name, transport) => {
  async function start(script: readonly ScriptEntry[]): Promise<Opened> {
    const fake = await transport({ script })
    open.push(fake)
    return fake
  }

  it.each(Object.entries(table))('answers with %s', async (_title, { entry, body, giveUpMs, sees, is }) => {
    const fake = await start([entry])
    const seen = await see(fake, body ?? params, giveUpMs)
    expect(sees(seen)).toEqual(is)
    expect(fake.requests).toHaveLength(1)
    expect(fake.requests[0]?.body).toEqual(body ?? params)
  })

  it('uses each entry once, repeats as told, then serves successes', async () => {
    const fake = await start([529, { status: 500, repeat: 2 }, { text: 'ok' }])
    const statuses: unknown[] = []
    for (const _ of Array(5)) statuses.push((await see(fake)).status)
    expect(statuses).toEqual([529, 500, 500, 200, 200])
  })

  it('repeats for ever', async () => {
    const fake = await start([{ status: 503, repeat: 'forever' }])
    const seen = await Promise.all(Array.from({ length: 20 }, () => see(fake)))
    expect(new Set(seen.map(({ status }) => status))).toEqual(new Set([503]))
  })

  it('gives the same id in the header and in the body', async () => {
    const fake = await start([400])
    const { headers, text } = await see(fake)
    expect(headers?.['request-id']).toMatch(/^req_01\w{22}$/)
    expect(JSON.parse(text ?? '').request_id).toBe(headers?.['request-id'])
    expect(fake.requests[0]?.reply?.requestId).toBe(headers?.['request-id'])
  })

  it('records what was sent, and who ended it', async () => {
    const fake = await start([
      { text: 'x' },
      { fault: { kind: 'stall', at: 3 } },
      { fault: { kind: 'cut', at: 2 } },
      { network: 'reset' },
    ])
    const { text } = await see(fake, stream)
    await see(fake, stream, 30)
    await see(fake, stream)
    await see(fake, stream)
    await expect.poll(() => fake.requests.every(({ closedAt }) => closedAt !== undefined)).toBe(true)
    const [complete, stalled, cut, never] = fake.requests
    expect(complete).toMatchObject({ aborted: false, bytesSent: text?.length, eventsSent: eventNames(text) })
    expect(stalled).toMatchObject({
      aborted: true,
      eventsSent: whole.slice(0, 3),
      reply: { fault: 'stall', status: 200 },
    })
    expect(cut).toMatchObject({ aborted: false, eventsSent: whole.slice(0, 2), reply: { fault: 'cut' } })
    expect(never).toMatchObject({
      aborted: false,
      bytesSent: 0,
      reply: { fault: 'reset', status: undefined },
    })
  })

  it('resets a reused connection only, and serves the next one', async () => {
    const fake = await start([200, { network: 'resetOnReusedSocket', repeat: 'forever' }])
    const seen: Seen[] = []
    for (const _ of Array(3)) {
      seen.push(await see(fake))
      // A client takes a connection back a moment after the last byte.
      await new Promise((resolve) => setTimeout(resolve, 10))
    }
    expect(seen.map(({ status, error }) => status ?? error)).toEqual([
      200,
      'TypeError: fetch failed < SocketError: other side closed UND_ERR_SOCKET',
      200,
    ])
  })

  it('answers a wrong request with the real error', async () => {
    const fake = await start([])
    const { fetch, url } = fake
    const post = async (path: string, body: string): Promise<unknown> => {
      const response = await fetch(`${url}${path}`, { method: 'POST', body })
      const { error } = (await response.json()) as { error: { type: string; message: string } }
      return [response.status, error.type, error.message]
    }
    expect(await post('/v1/messages', '{')).toEqual([
      400,
      'invalid_request_error',
      'The request body is not valid JSON: expected an object',
    ])
    expect(await post('/v1/messages', '{}')).toEqual([400, 'invalid_request_error', 'model: Field required'])
    expect(await post('/v1/messages', '{"model":1}')).toContain('model: Field required')
    expect(await post('/v1/messages', '{"model":"m"}')).toEqual([
      400,
      'invalid_request_error',
      'messages: Field required',
    ])
    expect(await post('/v1/messages', '{"model":"m","messages":[]}')).toEqual([
      400,
      'invalid_request_error',
      'max_tokens: Field required',
    ])
    expect(await post('/v1/other', '{}')).toEqual([404, 'not_found_error', 'Not Found'])
    const unknown = await fetch(`${url}/v1/models/none`)
    expect([unknown.status, await unknown.json()]).toMatchObject([404, { error: { message: 'model: none' } }])
    expect(fake.requests.map(({ reply }) => reply?.source)).toEqual(Array(7).fill('validation'))
  })

  it('says what is wrong in a script function', async () => {
    const failing = await transport({
      script: () => {
        throw new Error('oops')
      },
    })
    const typo = await transport({ script: async () => JSON.parse('{"txt":"x"}') })
    open.push(failing, typo)
    const seen = await see(failing)
    expect(JSON.parse(seen.text ?? '').error.message).toBe('The script failed: oops')
    expect([seen.status, seen.headers?.['x-should-retry']]).toEqual([500, 'false'])
    expect((await see(typo)).text).toContain('Unknown field `script(request).txt`')
  })

  it('hands the request to a script function', async () => {
    const fake = await transport({
      script: ({ index, model, path, headers, stream: streams }) => ({
        text: [index, model, path, headers['x-api-key'], streams].join(' '),
      }),
    })
    open.push(fake)
    await see(fake)
    expect(JSON.parse((await see(fake)).text ?? '').content[0].text).toBe(
      '1 claude-haiku-5-5 /v1/messages key false',
    )
  })

  it('gives the same ids and choices for the same seed', async () => {
    const run = async (seed: number): Promise<unknown> => {
      const script = [
        {
          pick: [
            { reply: 529, weight: 1 },
            { reply: 200, weight: 3 },
          ],
          repeat: 'forever' as const,
        },
      ]
      const fake = await transport({ script, seed })
      open.push(fake)
      const statuses: unknown[] = []
      for (const _ of Array(12)) statuses.push((await see(fake)).status)
      return [statuses, fake.requests.map(({ reply }) => reply?.requestId)]
    }
    expect(await run(1)).toEqual(await run(1))
    expect(await run(1)).not.toEqual(await run(2))
  })
})

describe('both transports', () => {
  it.each(Object.entries(table))(
    'show the client the same for %s',
    async (_title, { entry, body, giveUpMs, sees }) => {
      const seen = await Promise.all(
        Object.values(transports).map(async (transport) => {
          const fake = await transport({ script: [entry] })
          open.push(fake)
          const { headers, ...rest } = await see(fake, body ?? params, giveUpMs)
          // Only a real connection has these.
          const ofSockets = new Set(['date', 'connection', 'keep-alive', 'transfer-encoding'])
          const own = Object.fromEntries(
            Object.entries(headers ?? {}).filter(([name]) => !ofSockets.has(name)),
          )
          return {
            own,
            seen: sees({ headers: own, ...rest }),
            ...(giveUpMs === undefined && { text: rest.text }),
          }
        }),
      )
      expect(seen[1]).toEqual(seen[0])
    },
  )
})
