import type { MiddlewareContext, MiddlewareRequest } from '@breakwater/core'
import { describe, expect, it } from 'vitest'
import { classOf, kindOf } from './call-kind.ts'
import { credentialsOf } from './credentials.ts'
import { memoryStore } from './memory-store.ts'
import { estimateOf, firstExperience, learnTokens } from './tokens.ts'
import { bodyUsage, streamUsage } from './usage.ts'

const api = 'https://api.anthropic.com/v1/messages'
const ctx = { logger: console, parse: () => Promise.reject(new Error('unused')) } as MiddlewareContext

/** A context as the SDK has it. */
const contextOf = (options: object): MiddlewareContext =>
  Object.assign({}, ctx, { options }) as unknown as MiddlewareContext

/** A request as the fetch seam has it. */
function requestOf(body: unknown, url = api): MiddlewareRequest {
  return { url, headers: new Headers(), body: typeof body === 'string' ? body : JSON.stringify(body) }
}

const classFor = (body: object, url = api, options?: object): string =>
  classOf(kindOf(url), requestOf(body, url), options === undefined ? ctx : contextOf(options))

describe('kindOf', () => {
  it.each([
    [api, 'message'],
    [`${api}?beta=true`, 'message'],
    [`${api}/count_tokens?beta=true`, 'count_tokens'],
    [`${api}/batches`, undefined],
    ['https://api.anthropic.com/v1/models', undefined],
    [
      'https://bedrock-runtime.eu-west-1.amazonaws.com/model/anthropic.claude-opus-5-5-v1:0/invoke',
      'message',
    ],
    ['https://x.test/model/m/invoke-with-response-stream', 'message'],
    [
      'https://x.test/v1/projects/p/locations/l/publishers/anthropic/models/claude-opus-5@1:rawPredict',
      'message',
    ],
    ['https://x.test/v1/publishers/anthropic/models/claude-opus-5@1:streamRawPredict', 'message'],
  ])('%s: %s', (url, kind) => {
    expect(kindOf(url).kind).toBe(kind)
  })

  it('knows the origin, of a relative URL too', () => {
    expect(kindOf(api).origin).toBe('https://api.anthropic.com')
    expect(kindOf('/v1/messages').origin).toBe('relative')
  })
})

describe('classOf', () => {
  it.each([
    ['claude-opus-5-5', 'opus'],
    ['claude-opus-5-5-20261101', 'opus'],
    ['claude-3-5-haiku-latest', 'haiku'],
    ['us.anthropic.claude-sonnet-5-5-v1:0', 'sonnet'],
    ['claude-fable-5-2', 'fable'],
    ['my-opusculum', 'my-opusculum'],
  ])('%s counts against the limits of %s', (model, expected) => {
    expect(classFor({ model })).toBe(expected)
  })

  it('finds the model of Bedrock and Vertex in the URL', () => {
    const url = 'https://x.test/model/anthropic.claude-opus-5-5-v1:0/invoke'
    expect(classFor({ messages: [] }, url)).toBe('opus')
    expect(classFor({}, 'https://x.test/publishers/anthropic/models/claude-haiku-5@1:rawPredict')).toBe(
      'haiku',
    )
  })

  it('has one class for all that counts tokens, and one for what names no model', () => {
    expect(classFor({ model: 'claude-opus-5-5' }, `${api}/count_tokens`)).toBe('count_tokens')
    expect(classFor({})).toBe('')
  })

  it('keeps fast mode apart, in both seams', () => {
    const model = 'claude-opus-5-5'
    expect(classFor({ model, speed: 'fast' })).toBe('opus fast')
    expect(classFor({ model, speed: 'standard' })).toBe('opus')
    expect(classFor({ model, messages: 'x'.repeat(9000), speed: 'fast' })).toBe('opus fast')
    expect(classFor({ speed: 'fast', model, messages: 'x'.repeat(9000) })).toBe('opus fast')
    expect(classFor({ model }, api, { body: { model, speed: 'fast' } })).toBe('opus fast')
    expect(classFor({ model, speed: 'fast' }, api, { body: { model } })).toBe('opus')
    expect(classFor({ model, messages: [{ content: '"speed":"fast"' }] })).toBe('opus')
  })
})

describe('credentials', () => {
  const headersOf = (fields: Record<string, string>): Headers => new Headers(fields)

  it('are numbers in a key, but for the first', () => {
    const { keyOf } = credentialsOf(memoryStore())
    expect(keyOf('a', headersOf({ 'x-api-key': 'one' }))).toBe('a')
    expect(keyOf('a', headersOf({ 'x-api-key': 'two' }))).toBe('a #2')
    expect(keyOf('b', headersOf({ 'x-api-key': 'two' }))).toBe('b #2')
    expect(keyOf('a', headersOf({ authorization: 'Bearer three' }))).toBe('a #3')
    expect(keyOf('a', headersOf({}))).toBe('a #4')
    expect(keyOf('a', headersOf({ 'x-api-key': 'one' }))).toBe('a')
  })

  it('are the same for all who share a store', () => {
    const store = memoryStore()
    credentialsOf(store).keyOf('a', headersOf({ 'x-api-key': 'one' }))
    expect(credentialsOf(store).keyOf('a', headersOf({ 'x-api-key': 'two' }))).toBe('a #2')
    expect(credentialsOf(memoryStore()).keyOf('a', headersOf({ 'x-api-key': 'two' }))).toBe('a')
  })

  it('of AWS are the key, and not the signature, which is never the same', () => {
    const { keyOf } = credentialsOf(memoryStore())
    const sign = (id: string, signature: string): Headers =>
      headersOf({
        authorization: `AWS4-HMAC-SHA256 Credential=${id}/20261121/eu-west-1/bedrock/aws4_request, SignedHeaders=host, Signature=${signature}`,
      })
    expect(keyOf('a', sign('ID1', 'aa'))).toBe('a')
    expect(keyOf('a', sign('ID1', 'bb'))).toBe('a')
    expect(keyOf('a', sign('ID2', 'bb'))).toBe('a #2')
  })

  it('are not kept without end', () => {
    const { keyOf } = credentialsOf(memoryStore())
    for (let index = 0; index < 1000; index++) keyOf('a', headersOf({ 'x-api-key': String(index) }))
    expect(keyOf('a', headersOf({ 'x-api-key': '7' }))).toBe('a #8')
    keyOf('a', headersOf({ 'x-api-key': 'one more' }))
    expect(keyOf('a', headersOf({ 'x-api-key': '7' }))).toBe('a #1002')
  })
})

describe('the estimate of tokens', () => {
  it('is by the length of the body, and by max_tokens', () => {
    const short = requestOf({ max_tokens: 20, messages: [] })
    const length = String(short.body).length
    expect(estimateOf(short, ctx, firstExperience())).toEqual({ input: Math.ceil(length / 4), output: 20 })
    expect(estimateOf(requestOf({ max_tokens: 9000 }), ctx, firstExperience()).output).toBe(500)
    expect(
      estimateOf(requestOf({ messages: 'x'.repeat(9000), max_tokens: 7 }), ctx, firstExperience()).output,
    ).toBe(7)
    expect(
      estimateOf(requestOf({ max_tokens: 8, messages: 'x'.repeat(9000) }), ctx, firstExperience()).output,
    ).toBe(8)
    const options = { body: { max_tokens: 9 } }
    expect(estimateOf(short, contextOf(options), firstExperience()).output).toBe(9)
  })

  it('takes bytes for what they are, and other bodies for nothing', () => {
    const bytes = { ...requestOf(''), body: new Uint8Array(400) }
    expect(estimateOf(bytes, ctx, firstExperience())).toEqual({ input: 100, output: 500 })
    expect(estimateOf({ ...bytes, body: new FormData() }, ctx, firstExperience()).input).toBe(0)
  })

  it('is no more than a context window', () => {
    const long = requestOf('x'.repeat(30_000_000))
    expect(estimateOf(long, ctx, firstExperience()).input).toBe(2_000_000)
  })

  it('learns from what calls have used: images are few tokens for many characters', () => {
    const experience = firstExperience()
    const body = 'x'.repeat(100_000)
    for (let index = 0; index < 40; index++) learnTokens(experience, body, { input: 1500, output: 100 })
    const { input, output } = estimateOf({ ...requestOf(''), body }, ctx, experience)
    expect(input).toBeGreaterThan(1490)
    expect(input).toBeLessThan(1520)
    expect(output).toBe(101)
    learnTokens(experience, '', { input: 5, output: 101 })
    expect(Number.isFinite(experience.inputRate)).toBe(true)
  })
})

describe('the usage of an answer', () => {
  const encoder = new TextEncoder()
  const event = (type: string, data: string) => ({ type, start: 0, end: 0, data: () => data })

  it('is read from the first and the last events of a stream; what the cache gave is free', () => {
    const usage = streamUsage()
    expect(usage.tokens()).toBeUndefined()
    usage.onEvent?.(
      event(
        'message_start',
        '{"message":{"usage":{"input_tokens":100,"cache_creation_input_tokens":20,"cache_read_input_tokens":5000,"output_tokens":1}}}',
      ),
    )
    expect(usage.tokens()).toEqual({ input: 120, output: 0 })
    usage.onEvent?.(event('content_block_delta', '{"usage":{"output_tokens":7}}'))
    usage.onEvent?.(event('message_delta', '{"usage":{"output_tokens":30}}'))
    expect(usage.tokens()).toEqual({ input: 120, output: 30 })
    usage.onEvent?.({ ...event('message_delta', ''), data: () => undefined })
    expect(usage.tokens()).toEqual({ input: 120, output: 30 })
  })

  it.each([1, 7, 100, 10_000])('is read from the end of any other, in chunks of %i', (size) => {
    const usage = bodyUsage()
    const text = `{"content":[{"text":"${'x'.repeat(5000)} \\"usage\\":{\\"input_tokens\\":1}"}],"usage":{"input_tokens": 11, "cache_creation_input_tokens":2,"cache_creation":{"ephemeral_5m_input_tokens":2},"output_tokens":22}}`
    const bytes = encoder.encode(text)
    for (let at = 0; at < bytes.length; at += size) usage.onChunk?.(bytes.subarray(at, at + size))
    expect(usage.tokens()).toEqual({ input: 13, output: 22 })
  })

  it.each(['', '{}', '{"usage":null}', '{"usage":{"output_tokens":5}}', '<html>'])(
    'may be missing: %s',
    (text) => {
      const usage = bodyUsage()
      usage.onChunk?.(encoder.encode(text))
      expect(usage.tokens()).toBeUndefined()
    },
  )
})
