import Anthropic from '@anthropic-ai/sdk'
import { createFakeAnthropic, type FakeAnthropic, type Reply } from '@breakwater/testkit'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { chain } from './chain.ts'
import { createFetch } from './create-fetch.ts'
import { BreakwaterError } from './errors.ts'
import type { Middleware } from './middleware.ts'

const pass: Middleware = (request, next) => next(request)
const stack = chain(pass, chain(pass), pass)
const params = {
  model: 'claude-haiku-5-5',
  max_tokens: 10,
  messages: [{ role: 'user' as const, content: 'Hello' }],
}

const seams: [string, (middleware: Middleware) => Partial<ConstructorParameters<typeof Anthropic>[0]>][] = [
  ['middleware', (middleware) => ({ middleware: [middleware] })],
  ['createFetch', (middleware) => ({ fetch: createFetch(middleware) })],
]

describe.each(seams)('the seam %s', (name, seam) => {
  let fake: FakeAnthropic
  beforeAll(async () => {
    fake = await createFakeAnthropic({
      script: ({ headers }) => JSON.parse(headers['x-reply'] ?? '{"text":"hello world"}') as Reply,
    })
  })
  afterAll(() => fake.close())

  const clientOf = (middleware?: Middleware, maxRetries = 0): Anthropic =>
    new Anthropic({ apiKey: 'not-a-key', baseURL: fake.url, maxRetries, ...(middleware && seam(middleware)) })
  const answering = (reply: Reply) => ({ headers: { 'x-reply': JSON.stringify(reply) } })

  /** What upstream saw of the last request. */
  const lastRequest = () => {
    const request = fake.requests.at(-1)
    return { method: request?.method, path: request?.path, text: request?.text, headers: request?.headers }
  }

  it('changes nothing that upstream or the caller sees of a call', async () => {
    const { data: bare, response: bareResponse } = await clientOf().messages.create(params).withResponse()
    const expected = lastRequest()
    const { data, response } = await clientOf(stack).messages.create(params).withResponse()
    expect(lastRequest()).toEqual(expected)
    expect({ ...data, id: '' }).toEqual({ ...bare, id: '' })
    expect([...response.headers.keys()]).toEqual([...bareResponse.headers.keys()])
  })

  it('changes nothing of a stream', async () => {
    const events = async (client: Anthropic): Promise<string> => {
      const seen: unknown[] = []
      for await (const event of await client.messages.create({ ...params, stream: true })) seen.push(event)
      return JSON.stringify(seen).replaceAll(/msg_\w+/g, '')
    }
    const expected = await events(clientOf())
    expect(expected).toContain('message_stop')
    expect(await events(clientOf(stack))).toBe(expected)
  })

  it('lets a reader that breaks off close the connection', async () => {
    const endless = answering({ fault: { kind: 'pings', at: 2, gapMs: 5 } })
    const stream = await clientOf(stack).messages.create({ ...params, stream: true }, endless)
    for await (const event of stream) {
      if (event.type === 'message_start') break
    }
    await vi.waitFor(() => expect(fake.requests.at(-1)).toMatchObject({ aborted: true }))
  })

  it('changes nothing of an error', async () => {
    const thrown = async (client: Anthropic): Promise<unknown> =>
      client.messages.create(params, answering(529)).catch((error: unknown) => error)
    const [bare, error] = [await thrown(clientOf()), await thrown(clientOf(stack))]
    expect(error).toBeInstanceOf(Anthropic.OverloadedError)
    expect(String(error).replaceAll(/req_\w+/g, '')).toBe(String(bare).replaceAll(/req_\w+/g, ''))
  })

  it('hands our own error to the caller in one call, however often the SDK may retry', async () => {
    const opens = vi.fn<Middleware>(() =>
      Promise.reject(
        new BreakwaterError('The circuit is open.', { code: 'circuit_open', category: 'circuit_open' }),
      ),
    )
    const before = fake.requests.length
    const error = await clientOf(opens, 2)
      .messages.create(params)
      .catch((thrown: unknown) => thrown)
    expect(opens).toHaveBeenCalledOnce()
    expect(fake.requests).toHaveLength(before)
    const expected =
      name === 'middleware'
        ? { name: 'BreakwaterError', code: 'circuit_open', message: 'The circuit is open.' }
        : { status: 503, errorCode: 'circuit_open', apiMessage: 'The circuit is open.' }
    expect(error).toMatchObject(expected)
  })
})
