import { createAnthropic } from '@ai-sdk/anthropic'
import Anthropic, {
  APIError,
  AuthenticationError,
  BadRequestError,
  ConflictError,
  GatewayTimeoutError,
  InternalServerError,
  NotFoundError,
  OverloadedError,
  PermissionDeniedError,
  RateLimitError,
  UnprocessableEntityError,
} from '@anthropic-ai/sdk'
import { ChatAnthropic } from '@langchain/anthropic'
import { generateText, streamText } from 'ai'
import fc from 'fast-check'
import { afterEach, describe, expect, it } from 'vitest'
import { fakeFetch } from './fake-fetch.ts'
import type { ScriptEntry } from './reply.ts'
import { type Opened, params, transports } from './testing/transports.ts'

const open: Opened[] = []
afterEach(async () => {
  await Promise.all(open.splice(0).map((fake) => fake.close()))
})

async function caught(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    () => undefined,
    (error: unknown) => error,
  )
}

describe.each(Object.entries(transports))('%s', (_name, transport) => {
  async function start(...script: ScriptEntry[]): Promise<{ fake: Opened; client: Anthropic }> {
    const fake = await transport({ script })
    open.push(fake)
    const { fetch, url: baseURL } = fake
    return { fake, client: new Anthropic({ apiKey: 'key', baseURL, fetch, maxRetries: 0, logLevel: 'off' }) }
  }

  const everything: ScriptEntry = {
    thinking: 'a thought',
    text: 'one two three four five 🙂',
    toolUse: [{ name: 'find', input: { query: 'weather', days: 3 } }, { name: 'stop' }],
  }

  it('gives the SDK a message', async () => {
    const { client, fake } = await start(everything)
    const { data: message, request_id } = await client.messages.create(params).withResponse()
    expect(message.content).toMatchObject([
      { type: 'thinking', thinking: 'a thought' },
      { type: 'text', text: 'one two three four five 🙂' },
      { type: 'tool_use', name: 'find', input: { query: 'weather', days: 3 } },
      { type: 'tool_use', name: 'stop', input: {} },
    ])
    expect(message).toMatchObject({ model: params.model, stop_reason: 'tool_use', role: 'assistant' })
    expect(request_id).toBe(fake.requests[0]?.reply?.requestId)
  })

  it('gives the SDK a stream that adds up to the same message', async () => {
    const { client } = await start({ ...everything, repeat: 3 })
    const message = await client.messages.create(params)
    const streamed = await client.messages.stream(params).finalMessage()
    expect(streamed.content.map(({ type }) => type)).toEqual(message.content.map(({ type }) => type))
    expect(streamed.content[1]).toEqual(message.content[1])
    expect(streamed.content[2]).toMatchObject({ name: 'find', input: { query: 'weather', days: 3 } })
    expect(streamed.usage.output_tokens).toBe(message.usage.output_tokens)
    const types: string[] = []
    for await (const { type } of await client.messages.create({ ...params, stream: true })) types.push(type)
    expect(types[0]).toBe('message_start')
    expect(types.slice(-2)).toEqual(['message_delta', 'message_stop'])
  })

  it('thinks when the request asks for it, unless the reply says null', async () => {
    const { client } = await start(200, { thinking: null })
    const thinking = { ...params, thinking: { type: 'adaptive' as const } }
    expect((await client.messages.create(thinking)).content.map(({ type }) => type)).toEqual([
      'thinking',
      'text',
    ])
    expect((await client.messages.create(thinking)).content.map(({ type }) => type)).toEqual(['text'])
  })

  it('gives stop reasons, usage and the served model', async () => {
    const { client } = await start({
      text: '',
      stopReason: 'refusal',
      stopDetails: { type: 'refusal', category: 'cyber', explanation: null },
      usage: { output_tokens: 0, cache_read_input_tokens: 7 },
      model: 'claude-opus-5-5',
      repeat: 2,
    })
    const expected = {
      content: [],
      model: 'claude-opus-5-5',
      stop_reason: 'refusal',
      stop_details: { category: 'cyber' },
      usage: { output_tokens: 0, cache_read_input_tokens: 7 },
    }
    expect(await client.messages.create(params)).toMatchObject(expected)
    expect(await client.messages.stream(params).finalMessage()).toMatchObject(expected)
  })

  it('counts tokens as it charges them, and lists models', async () => {
    const { client, fake } = await start()
    const { input_tokens } = await client.messages.countTokens({
      model: params.model,
      messages: params.messages,
    })
    expect(input_tokens).toBe(Math.ceil((fake.requests[0]?.text.length ?? 0) / 4))
    const message = await client.messages.create(params)
    expect(message.usage.input_tokens).toBe(Math.ceil((fake.requests[1]?.text.length ?? 0) / 4))
    const ids: string[] = []
    for await (const { id } of client.models.list()) ids.push(id)
    expect(ids).toContain('claude-haiku-5-5')
    expect((await client.models.retrieve('claude-haiku-5-5')).line).toBe('haiku')
    expect((await client.beta.messages.create(params)).type).toBe('message')
  })

  it.each([
    [400, BadRequestError, 'invalid_request_error'],
    [401, AuthenticationError, 'authentication_error'],
    [402, APIError, 'billing_error'],
    [403, PermissionDeniedError, 'permission_error'],
    [404, NotFoundError, 'not_found_error'],
    [408, APIError, 'timeout_error'],
    [409, ConflictError, 'conflict_error'],
    [412, APIError, 'memory_precondition_failed_error'],
    [413, APIError, 'request_too_large'],
    [422, UnprocessableEntityError, 'invalid_request_error'],
    [429, RateLimitError, 'rate_limit_error'],
    [431, APIError, 'invalid_request_error'],
    [499, APIError, 'invalid_request_error'],
    [418, APIError, 'invalid_request_error'],
    [500, InternalServerError, 'api_error'],
    [501, InternalServerError, 'api_error'],
    [502, InternalServerError, 'api_error'],
    [503, InternalServerError, 'api_error'],
    [504, GatewayTimeoutError, 'timeout_error'],
    [529, OverloadedError, 'overloaded_error'],
    [599, InternalServerError, 'api_error'],
  ])('gives the SDK the error of a %i', async (status, ErrorClass, type) => {
    const { client, fake } = await start(status)
    const error = await caught(client.messages.create(params))
    expect(error).toBeInstanceOf(ErrorClass)
    expect(error).toMatchObject({
      status,
      type,
      errorCode: null,
      requestID: fake.requests[0]?.reply?.requestId,
    })
    expect(fake.requests[0]?.reply).toMatchObject({ status, errorType: type })
  })

  it('gives the SDK an error code', async () => {
    const { client } = await start({ status: 429, code: 'enforced_spend_limit_reached' })
    const error = await caught(client.messages.create(params))
    expect(error).toBeInstanceOf(RateLimitError)
    expect(error).toMatchObject({ errorCode: 'enforced_spend_limit_reached' })
  })

  it('gives the SDK an in-stream error', async () => {
    const { client } = await start({ fault: { kind: 'error', at: 4, message: 'Too busy' } })
    const error = await caught(client.messages.stream(params).finalMessage())
    expect(error).toMatchObject({ status: undefined, type: 'overloaded_error', apiMessage: 'Too busy' })
  })

  it('is retried by the SDK as the real API is', async () => {
    const { fake } = await start(
      { status: 529, retryAfterMs: 1 },
      { status: 408, retryAfterMs: 1 },
      { text: 'ok' },
    )
    const { fetch, url: baseURL } = fake
    const client = new Anthropic({ apiKey: 'key', baseURL, fetch, maxRetries: 2, logLevel: 'off' })
    const message = await client.messages.create(params)
    expect(message.content).toMatchObject([{ text: 'ok' }])
    expect(fake.requests.map(({ headers }) => headers['x-stainless-retry-count'])).toEqual(['0', '1', '2'])
  })

  it('serves the AI SDK', async () => {
    const { fake } = await start({ text: 'hello there' }, { text: 'hello there' }, 529)
    const model = createAnthropic({ apiKey: 'key', baseURL: `${fake.url}/v1`, fetch: fake.fetch })(
      params.model,
    )
    const call = { model, prompt: 'hi', maxRetries: 0 }
    expect((await generateText(call)).text).toBe('hello there')
    expect(await streamText(call).text).toBe('hello there')
    expect(await caught(generateText(call))).toMatchObject({ statusCode: 529, isRetryable: true })
  })

  it('serves LangChain', async () => {
    const { fake } = await start({ text: 'hello there' }, { text: 'hello there' }, 401)
    const model = new ChatAnthropic({
      model: params.model,
      apiKey: 'key',
      maxRetries: 0,
      clientOptions: { baseURL: fake.url, fetch: fake.fetch },
    })
    expect((await model.invoke('hi')).text).toBe('hello there')
    let text = ''
    for await (const chunk of await model.stream('hi')) text += chunk.text
    expect(text).toBe('hello there')
    expect(await caught(model.invoke('hi'))).toMatchObject({ status: 401 })
  })
})

describe('chunkBytes', () => {
  it('never changes the events that the SDK sees', async () => {
    const events = async (chunkBytes?: number): Promise<unknown[]> => {
      const reply = { text: 'Grüße 🙂🙂', thinking: 'hm', toolUse: { name: 'a', input: { b: 'ü' } } }
      const fetch = fakeFetch({ script: [chunkBytes === undefined ? reply : { ...reply, chunkBytes }] })
      const client = new Anthropic({ apiKey: 'key', fetch, maxRetries: 0 })
      const seen: unknown[] = []
      for await (const event of await client.messages.create({ ...params, stream: true })) seen.push(event)
      expect(fetch.requests[0]?.eventsSent).toHaveLength(seen.length + 1)
      return seen
    }
    const expected = await events()
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 4000 }), async (chunkBytes) => {
        expect(await events(chunkBytes)).toEqual(expected)
      }),
      { numRuns: 40 },
    )
  })
})
