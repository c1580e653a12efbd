import { createContextKey, ROOT_CONTEXT, SpanKind, trace, type Span } from '@opentelemetry/api'
import { categories } from '@breakwater/classify'
import fc from 'fast-check'
import { describe, expect, it, vi } from 'vitest'
import { bounded } from './bounded.ts'
import { lateContext } from './contexts.ts'
import { isError, typeOfCategory, typeOfEnd, typeOfStatus } from './error-type.ts'
import { costOf, priceOf } from './prices.ts'
import { headroomOf } from './rate-limit.ts'
import { willSdkRetry } from './sdk-retry.ts'
import { serverOf } from './server.ts'
import { planHeaders, withTraceHeaders } from './trace-headers.ts'
import { sink } from './testing/set-up.ts'
import { inputTokens, newAnswer, readDelta, readMessage, readStart } from './usage.ts'

const tokens = fc.option(fc.nat({ max: 1_000_000 }), { nil: null })

describe('usage', () => {
  it('takes whatever JSON comes, and counts only what is a number', () => {
    const value = fc.oneof(tokens, fc.string(), fc.boolean(), fc.constant(-1), fc.object())
    const property = fc.property(
      fc.dictionary(
        fc.constantFrom('input_tokens', 'output_tokens', 'cache_read_input_tokens', 'cache_creation'),
        value,
      ),
      fc.jsonValue(),
      (usage, junk) => {
        for (const data of [
          JSON.stringify({ message: { usage }, usage }),
          JSON.stringify(junk),
          '{',
          undefined,
        ]) {
          const answer = newAnswer()
          readStart(answer, data)
          readDelta(answer, data)
          readMessage(answer, data ?? '')
          for (const count of [inputTokens(answer), answer.outputTokens])
            expect(count === undefined || count >= 0).toBe(true)
        }
      },
    )
    fc.assert(property)
  })

  it('adds up to the last that was said, and never to less than was said by the cache', () => {
    const usage = fc.record({
      input_tokens: tokens,
      cache_read_input_tokens: tokens,
      cache_creation_input_tokens: tokens,
      output_tokens: tokens,
    })
    const property = fc.property(usage, fc.array(usage, { maxLength: 4 }), (first, rest) => {
      const answer = newAnswer()
      readStart(answer, JSON.stringify({ message: { usage: first } }))
      for (const usage of rest) readDelta(answer, JSON.stringify({ usage }))
      const last = (key: keyof typeof first, from: readonly (typeof first)[]): number | undefined =>
        from.map((one) => one[key]).findLast((value) => value !== null) ?? undefined
      const all = [first, ...rest]
      const input = last('input_tokens', all)
      const expected =
        input === undefined
          ? undefined
          : input +
            (last('cache_read_input_tokens', all) ?? 0) +
            (last('cache_creation_input_tokens', all) ?? 0)
      expect(inputTokens(answer)).toBe(expected)
      // That of the start is a placeholder.
      expect(answer.outputTokens).toBe(last('output_tokens', rest))
    })
    fc.assert(property)
  })
})

it('an answer that is no message says nothing', () => {
  const answer = newAnswer()
  readMessage(answer, '{"type":"other","id":"x","usage":{"input_tokens":1,"output_tokens":1}}')
  expect(answer).toEqual(newAnswer())
})

describe('prices', () => {
  const price = { input: 3, output: 15 }
  it('count each token once, at its price', () => {
    const amount = fc.nat({ max: 100_000 })
    const property = fc.property(
      amount,
      amount,
      amount,
      amount,
      amount,
      (plain, read, written, hour, output) => {
        const answer = {
          ...newAnswer(),
          uncachedTokens: plain,
          cacheReadTokens: read,
          cacheWriteTokens: written,
          cacheWrite1hTokens: Math.min(hour, written),
          outputTokens: output,
        }
        const same = { input: 1, output: 1, cacheRead: 1, cacheWrite: 1, cacheWrite1h: 1 }
        expect(costOf(answer, same)).toBeCloseTo((plain + read + written + output) / 1e6, 9)
        expect(costOf(answer, { input: 0, output: 0 })).toBe(0)
      },
    )
    fc.assert(property)
    const million = {
      ...newAnswer(),
      uncachedTokens: 1e6,
      cacheReadTokens: 1e6,
      cacheWriteTokens: 2e6,
      cacheWrite1hTokens: 1e6,
      outputTokens: 1e6,
    }
    expect(costOf(million, price)).toBeCloseTo(3 + 0.3 + 3.75 + 6 + 15, 9)
    expect(costOf(million, { ...price, cacheRead: 1, cacheWrite: 2, cacheWrite1h: 0 })).toBeCloseTo(
      3 + 1 + 2 + 0 + 15,
      9,
    )
    expect(costOf(newAnswer(), price)).toBeUndefined()
  })

  it('are of a model and its dated versions, and of no other', () => {
    const prices = { 'claude-opus-5': price, 'claude-opus-5-20261001': { input: 1, output: 1 } }
    expect(priceOf(prices, 'claude-opus-5')).toBe(price)
    expect(priceOf(prices, 'claude-opus-5-20260101')).toBe(price)
    expect(priceOf(prices, 'claude-opus-5-20261001')).toEqual({ input: 1, output: 1 })
    for (const model of ['claude-opus-5-5', 'claude-opus', 'toString', undefined])
      expect(priceOf(prices, model)).toBeUndefined()
  })
})

describe('error.type', () => {
  it('is one of few, whatever is sent', () => {
    const seen = new Set<string | undefined>()
    for (const category of Object.keys(categories)) seen.add(typeOfCategory(category))
    fc.assert(
      fc.property(fc.string(), (type) => {
        seen.add(
          typeOfEnd({
            kind: 'error_event',
            data: JSON.stringify({ type: 'error', error: { type, message: 'x' } }),
          }),
        )
      }),
    )
    for (let status = 400; status < 600; status++) expect(typeOfStatus(status)).toMatch(/^[a-z_]+$|^\d{3}$/)
    expect(seen.size).toBeLessThan(25)
  })

  it('is nothing for what came whole, also where a gateway leaves the end out', () => {
    expect(typeOfEnd({ kind: 'complete' })).toBeUndefined()
    expect(typeOfEnd({ kind: 'truncated', hasStopReason: true })).toBeUndefined()
    expect(typeOfEnd({ kind: 'truncated', hasStopReason: false })).toBe('stream_truncated')
    expect(isError(typeOfEnd({ kind: 'abandoned' }))).toBe(false)
    expect(isError(undefined)).toBe(false)
    expect(isError('api_error')).toBe(true)
  })
})

it.each([
  ['https://api.anthropic.com/v1/messages', { address: 'api.anthropic.com', port: 443 }],
  ['http://localhost:8080/v1/messages?beta=true', { address: 'localhost', port: 8080 }],
  ['http://[::1]/v1', { address: '::1', port: 80 }],
  ['https://user:pass@gateway.example:444?x=@y', { address: 'gateway.example', port: 444 }],
  ['/v1/messages', undefined],
])('%s is served by', (url, server) => expect(serverOf(url)).toEqual(server))

it('headroom is what the headers say, and only that', () => {
  const headers = new Headers({
    'anthropic-ratelimit-requests-limit': '50',
    'anthropic-ratelimit-requests-remaining': '0',
    'anthropic-ratelimit-requests-reset': '2026-11-21T10:00:00Z',
    'anthropic-ratelimit-tokens-remaining': '12abc',
    'anthropic-ratelimit-output-tokens-limit': '9',
    'anthropic-ratelimit-output-tokens-reset': 'soon',
  })
  expect(headroomOf(headers)).toEqual([
    { type: 'requests', limit: 50, remaining: 0, resetTime: Date.UTC(2026, 10, 21, 10) / 1000 },
    { type: 'output_tokens', limit: 9, remaining: undefined, resetTime: undefined },
  ])
})

it('a bound lets the first values through and no more', () => {
  fc.assert(
    fc.property(fc.array(fc.string()), fc.nat({ max: 5 }), (values, limit) => {
      const label = bounded(limit)
      const out = new Set(values.map(label))
      out.delete('other')
      expect(out.size).toBeLessThanOrEqual(limit)
      for (const value of out) expect(values).toContain(value)
    }),
  )
})

describe('trace headers', () => {
  const request = (headers: Record<string, string>) => ({
    url: 'http://x.invalid',
    headers: new Headers(headers),
  })
  const settings = { propagation: 'auto', keepBaggage: false } as const

  it('are planned for only where there are some', () => {
    expect(planHeaders(request({}), settings, 'unknown')).toBeUndefined()
    expect(
      planHeaders(request({ baggage: 'a=b' }), { ...settings, keepBaggage: true }, 'unknown'),
    ).toBeUndefined()
    for (const [injector, strips] of [
      ['unknown', true],
      ['present', true],
      ['absent', false],
    ] as const)
      expect(planHeaders(request({ traceparent: 'x' }), settings, injector)).toEqual({
        stripTrace: strips,
        stripBaggage: false,
        isKept: !strips,
      })
  })

  it('take tracestate with them, and leave all else', () => {
    const given = request({ traceparent: 'x', tracestate: 'y', baggage: 'z', other: 'o' })
    const plan = planHeaders(given, settings, 'unknown')!
    expect([...withTraceHeaders(given, plan, undefined).headers]).toEqual([['other', 'o']])
    expect(given.headers.get('tracestate')).toBe('y')
  })

  it('are the very same where nothing is to be done', () => {
    const given = request({ traceparent: 'x' })
    expect(withTraceHeaders(given, planHeaders(given, settings, 'absent')!, undefined)).toBe(given)
  })
})

describe('a context whose span comes late', () => {
  const tracer = sink().tracerProvider.getTracer('test')

  it('asks when it is asked, and keeps what it had', () => {
    const key = createContextKey('mine')
    const spans: Span[] = []
    const late = lateContext(
      ROOT_CONTEXT.setValue(key, 1),
      () => spans[0],
      () => {},
    )
    expect(trace.getSpan(late)).toBeUndefined()
    const span = tracer.startSpan('a')
    spans.push(span)
    expect(trace.getSpan(late)).toBe(span)
    expect(trace.getSpan(late.setValue(key, 2))).toBe(span)
    expect(late.setValue(key, 2).getValue(key)).toBe(2)
    expect(late.deleteValue(key).getValue(key)).toBeUndefined()
    expect(late.getValue(key)).toBe(1)
  })

  it('stands inside another one', () => {
    const [outer, inner] = [tracer.startSpan('outer'), tracer.startSpan('inner')]
    const late = lateContext(
      lateContext(
        ROOT_CONTEXT,
        () => outer,
        () => {},
      ),
      () => inner,
      () => {},
    )
    expect(trace.getSpan(late)).toBe(inner)
  })

  it('hears of the span that an HTTP instrumentation makes in it, and of no other', () => {
    const onSpan = vi.fn()
    const late = lateContext(ROOT_CONTEXT, () => undefined, onSpan)
    trace.setSpan(late, tracer.startSpan('theirs', { kind: SpanKind.INTERNAL }))
    late.setValue(createContextKey('k'), { kind: SpanKind.CLIENT })
    lateContext(
      late,
      () => undefined,
      () => {},
    )
    expect(onSpan).not.toHaveBeenCalled()
    trace.setSpan(late, tracer.startSpan('http', { kind: SpanKind.CLIENT }))
    expect(onSpan).toHaveBeenCalledTimes(1)
  })
})

it('the SDK’s own retries are told by its rules', () => {
  const ctx = {
    options: { method: 'post', path: '/' },
    logger: console,
    parse: () => Promise.reject(new Error('no')),
  } as const
  const request = (count: string) => ({ url: '', headers: new Headers({ 'x-stainless-retry-count': count }) })
  const answer = (status: number, headers = {}): Response => new Response('', { status, headers })
  const retried = (outcome: unknown, count = '0', category?: string): boolean =>
    willSdkRetry(outcome, category, request(count), ctx, 2)
  for (const status of [408, 409, 429, 500, 529]) expect(retried(answer(status))).toBe(true)
  for (const status of [400, 401, 413]) expect(retried(answer(status))).toBe(false)
  expect(retried(answer(529), '2')).toBe(false)
  expect(retried(answer(529), '1')).toBe(true)
  expect(retried(answer(529, { 'x-should-retry': 'false' }))).toBe(false)
  expect(retried(answer(400, { 'x-should-retry': 'true' }))).toBe(true)
  expect(retried(new Error('x'), '0', 'connection')).toBe(true)
  expect(retried(new Error('x'), '0', 'circuit_open')).toBe(false)
  expect(
    willSdkRetry(
      answer(529),
      undefined,
      request('0'),
      { ...ctx, options: { ...ctx.options, maxRetries: 0 } as typeof ctx.options },
      2,
    ),
  ).toBe(false)
  expect(
    willSdkRetry(
      answer(529),
      undefined,
      request('0'),
      { ...ctx, options: { ...ctx.options, signal: AbortSignal.abort() } },
      2,
    ),
  ).toBe(false)
  expect(willSdkRetry(answer(529), undefined, request('0'), { ...ctx, options: undefined }, 2)).toBe(false)
})
