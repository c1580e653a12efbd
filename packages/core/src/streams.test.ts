import { describe, expect, it } from 'vitest'
import type { MiddlewareContext, MiddlewareRequest } from './middleware.ts'
import { asksForStream, isEventStream, isMessageRequest } from './streams.ts'

const bare: MiddlewareContext = { logger: console, parse: () => Promise.reject(new Error('unused')) }
const request = (url: string, body?: string): MiddlewareRequest => ({
  url,
  headers: new Headers(),
  ...(body !== undefined && { body }),
})

describe('asksForStream', () => {
  it.each([
    ['{"model":"m","stream":true}', true],
    ['{"stream": true, "model":"m"}', true],
    ['{"model":"m","stream":true }\n', true],
    ['{"model":"m","stream":false}', false],
    ['{"tools":[{"stream":true}],"model":"m"}', false],
    ['{"model":"m"}', false],
    ['\n { "stream" : true , "model" : "m" }', true],
    ['{ "stream" : true }', true],
    ['{"model" : "m" , "stream" : true } ', true],
    ['{"model":"m","stream":"true"}', false],
    ['x{"stream":true,"model":"m"', false],
    ['{"model":"m","stream":true},', false],
    [`{"model":"m","messages":"${'x'.repeat(100)}","stream":true}`, true],
    [`{"stream":true,"messages":"${'x'.repeat(100)}"}`, true],
  ])('reads %s under createFetch', (body, expected) => {
    expect(asksForStream(request('https://a.test', body), bare)).toBe(expected)
  })

  it('believes the SDK, whatever the body says', () => {
    const ctx = (stream: boolean): MiddlewareContext => ({
      ...bare,
      options: { method: 'post', path: '/v1/messages', stream },
    })
    expect(asksForStream(request('https://a.test', '{}'), ctx(true))).toBe(true)
    expect(asksForStream(request('https://a.test', '{"stream":true}'), ctx(false))).toBe(false)
  })

  it('is false for a request without a text', () => {
    expect(asksForStream(request('https://a.test'), bare)).toBe(false)
  })
})

describe('isMessageRequest', () => {
  it.each([
    ['https://api.anthropic.com/v1/messages', true],
    ['https://gateway.test/anthropic/v1/messages?beta=true', true],
    ['https://gateway.test/v1/messages/', true],
    ['https://api.anthropic.com/v1/messages/count_tokens', false],
    ['https://api.anthropic.com/v1/messages/batches', false],
    ['https://api.anthropic.com/v1/sessions/s_1/events', false],
  ])('%s: %s', (url, expected) => {
    expect(isMessageRequest(request(url))).toBe(expected)
  })
})

describe('isEventStream', () => {
  it.each([
    ['text/event-stream', true],
    [' Text/Event-Stream; charset=utf-8', true],
    ['application/vnd.amazon.eventstream', false],
    ['text/event-streams', false],
    ['multipart/text/event-stream', false],
    ['xtext/event-stream', false],
    ['text/event-stream;charset=utf-8', true],
    ['text/event-stream ; charset=utf-8', true],
    ['application/json', false],
  ])('%s: %s', (type, expected) => {
    expect(isEventStream(new Response('', { headers: { 'content-type': type } }))).toBe(expected)
  })

  it('is false without a content type', () => {
    expect(isEventStream(new Response(null))).toBe(false)
  })
})
