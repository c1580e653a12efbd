import { describe, expect, it } from 'vitest'
import type { MiddlewareContext, MiddlewareRequest } from './middleware.ts'
import { modelOf } from './model.ts'
import { testContext, testRequest } from './testing/context.ts'

const long = 'x'.repeat(100_000)

const request = (body: BodyInit | null): MiddlewareRequest => testRequest({ body })

function context(body?: unknown): MiddlewareContext {
  return testContext(body === undefined ? {} : { options: { method: 'post', path: '/v1/messages', body } })
}

describe('modelOf', () => {
  it.each([
    ['text', '{"model":"m","max_tokens":1}'],
    ['long text', `{"system":"${long}","model":"m"}`],
    ['bytes', new TextEncoder().encode('{"model":"m","system":"é"}')],
    ['long bytes', new TextEncoder().encode(`{"system":"é${long}","model":"m"}`)],
  ])('finds it in %s', (_, body) => {
    expect(modelOf(request(body), context())).toBe('m')
  })

  it('finds it in the options where the body hides it', () => {
    const hidden = `{"a":"${long}","model":"m","b":"${long}"}`
    expect(modelOf(request(hidden), context({ model: 'm' }))).toBe('m')
  })

  it('believes the body when the options say something else: a failover changes only the body', () => {
    expect(modelOf(request('{"model":"fallback"}'), context({ model: 'primary' }))).toBe('fallback')
  })

  it('looks again when the body has been changed in place', () => {
    const sent = request('{"model":"a"}')
    const ctx = context()
    expect(modelOf(sent, ctx)).toBe('a')
    sent.body = '{"model":"b"}'
    expect(modelOf(sent, ctx)).toBe('b')
    expect(modelOf(request('{"model":"a"}'), ctx)).toBe('a')
  })

  it('looks once, however many ask in one call', () => {
    let looks = 0
    class Counting extends Uint8Array {
      override get length(): number {
        looks++
        return super.length
      }
    }
    const sent = request(new Counting(new TextEncoder().encode('{"model":"m"}')))
    const ctx = context()
    expect(modelOf(sent, ctx)).toBe('m')
    const once = looks
    expect(once).toBeGreaterThan(0)
    expect([modelOf(sent, ctx), modelOf(Object.assign({}, sent), ctx)]).toEqual(['m', 'm'])
    expect(looks).toBe(once)
  })

  it.each([
    ['no body', null],
    ['a form', new FormData()],
    ['a stream', new ReadableStream()],
    ['the wire format of Bedrock', '{"anthropic_version":"bedrock-2023-05-31","max_tokens":1}'],
  ])('is undefined for %s', (_, body) => {
    expect(modelOf(request(body), context())).toBeUndefined()
    expect(modelOf(request(body), context('text'))).toBeUndefined()
    expect(modelOf(request(body), context(null))).toBeUndefined()
    expect(modelOf(request(body), context({ model: 7 }))).toBeUndefined()
  })

  it('looks at a bounded part of the body, however long it is', () => {
    let read = 0
    class Counting extends Uint8Array {
      override subarray(start: number, end?: number): Uint8Array<ArrayBuffer> {
        const part = new Uint8Array(super.subarray(start, end))
        read += part.length
        return part
      }
    }
    const body = new Counting(10_000_000).fill(32)
    expect(modelOf(request(body), context())).toBeUndefined()
    expect(read).toBe(32_768)
  })
})
