import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { settingsOf } from './options.ts'
import { movedUrl, patchedBody, requestFor } from './target-request.ts'
import type { SendTarget, Target } from './targets.ts'

const targetOf = (target: SendTarget): Target => settingsOf({ to: [target] }).targets[0]!

describe('patchedBody', () => {
  const value = fc.oneof(fc.jsonValue(), fc.constant(null), fc.constant(undefined))
  const key = fc.oneof(fc.constantFrom('a', 'b', 'system', 'thinking', '__proto__', 'toString'), fc.string())
  const body = fc
    .array(fc.tuple(key, fc.jsonValue()))
    .map((entries) => JSON.stringify(Object.fromEntries([['model', 'primary'], ...entries])))
  const patch = fc.dictionary(key, value)

  it('sets, removes and keeps by the rule, on every hop from the original, which it never changes', () => {
    fc.assert(
      fc.property(
        body,
        fc.array(fc.tuple(patch, fc.option(fc.string(), { nil: undefined }))),
        (text, hops) => {
          const original = JSON.parse(text) as Record<string, unknown>
          for (const [patch, model] of hops) {
            const before = structuredClone(patch)
            const patched = patchedBody(original, patch, model)
            expect(JSON.stringify(original)).toBe(JSON.stringify(JSON.parse(text)))
            expect(patch).toEqual(before)
            for (const field of new Set([...Object.keys(original), ...Object.keys(patch), 'model'])) {
              const wanted = Object.hasOwn(patch, field) ? patch[field] : undefined
              const had =
                field === 'model'
                  ? (model ?? original[field])
                  : Object.getOwnPropertyDescriptor(original, field)?.value
              const expected = wanted === undefined ? had : (wanted ?? undefined)
              expect(Object.getOwnPropertyDescriptor(patched, field)?.value as unknown).toEqual(expected)
              if (wanted === null) expect(Object.hasOwn(patched, field)).toBe(false)
            }
          }
        },
      ),
    )
  })

  it('replaces a field whole', () => {
    expect(patchedBody({ a: { b: 1, c: 2 } }, { a: { b: 3 } }, 'm')).toEqual({ a: { b: 3 }, model: 'm' })
  })
})

describe('movedUrl', () => {
  it.each([
    ['https://api.anthropic.com/v1/messages', 'https://eu.example.com', 'https://eu.example.com/v1/messages'],
    [
      'https://api.anthropic.com/v1/messages?beta=true',
      'https://e.com/base',
      'https://e.com/base/v1/messages?beta=true',
    ],
    ['https://api.anthropic.com/v1/messages', 'https://e.com/v1', 'https://e.com/v1/messages'],
    ['https://gateway.com/v1/acme/anthropic/v1/messages', 'https://e.com/x', 'https://e.com/x/v1/messages'],
    [
      'https://gateway.com/v1/messages?next=/v1/models',
      'https://e.com',
      'https://e.com/v1/messages?next=/v1/models',
    ],
    [
      'http://localhost:8080/v1/messages/count_tokens#a',
      'https://e.com',
      'https://e.com/v1/messages/count_tokens#a',
    ],
    ['https://gateway.com/chat', 'https://e.com/v1', 'https://e.com/v1/chat'],
    [
      'https://us-east5-aiplatform.googleapis.com/v1/v1/messages',
      'https://europe-west1-aiplatform.googleapis.com/v1',
      'https://europe-west1-aiplatform.googleapis.com/v1/v1/messages',
    ],
    ['/api/v1/messages', 'https://e.com', 'https://e.com/v1/messages'],
  ])('moves %s to %s', (url, base, expected) => {
    expect(movedUrl(url, base)).toBe(expected)
  })
})

describe('requestFor', () => {
  const secrets = {
    authorization: 'Bearer secret',
    'proxy-authorization': 'Basic secret',
    'x-api-key': 'secret',
    'api-key': 'secret',
    cookie: 'secret',
    'anthropic-workspace-id': 'secret',
    'anthropic-organization-id': 'secret',
    'x-goog-user-project': 'secret',
    'x-amz-security-token': 'secret',
    'helicone-auth': 'secret',
    'x-access-token': 'secret',
    host: 'api.anthropic.com',
  }
  const plain = {
    'content-type': 'application/json',
    'anthropic-version': '2026-10-21',
    'anthropic-beta': 'context-management',
    'user-agent': 'Anthropic/JS',
    'x-stainless-retry-count': '0',
    'x-stainless-timeout': '600',
    traceparent: '00-1-2-01',
    'x-team': 'search',
  }
  const request = () => ({
    url: 'https://api.anthropic.com/v1/messages',
    method: 'POST',
    headers: new Headers({ ...plain, ...secrets, 'content-length': '2' }),
    body: '{}',
  })

  it('leaves the credentials behind where the origin changes, unless the target gives some', () => {
    const target = targetOf({
      baseURL: 'https://eu.example.com',
      headers: { 'X-Api-Key': 'theirs', 'x-team': null },
    })
    const { headers, body } = requestFor(target, request(), undefined)
    const { 'x-team': _, ...kept } = plain
    expect(Object.fromEntries(headers)).toEqual({ ...kept, 'content-length': '2', 'x-api-key': 'theirs' })
    expect(body).toBe('{}')
  })

  it.each<SendTarget>([
    { model: 'b' },
    { baseURL: 'https://api.anthropic.com/other' },
    { baseURL: 'HTTPS://API.anthropic.com' },
    { fetch },
  ])('keeps them where it does not: %j', (target) => {
    const { headers } = requestFor(targetOf(target), request(), undefined)
    expect(Object.fromEntries(headers)).toMatchObject({ ...plain, ...secrets })
  })

  it.each([
    'http://api.anthropic.com',
    'https://api.anthropic.com:8443',
    'https://api.anthropic.com.evil.example',
  ])('takes %s for another origin', (baseURL) => {
    expect(requestFor(targetOf({ baseURL }), request(), undefined).headers.has('authorization')).toBe(false)
  })

  it('writes a changed body as JSON, without the length of the old one, and changes nothing that it was given', () => {
    const given = request()
    const before = [...given.headers]
    const sent = requestFor(targetOf({ model: 'b', headers: { a: 'b' } }), given, { model: 'b' })
    expect(sent).toMatchObject({ body: '{"model":"b"}', method: 'POST', url: given.url })
    expect(sent.headers.has('content-length')).toBe(false)
    expect([...given.headers]).toEqual(before)
    expect(given.body).toBe('{}')
  })

  it('says that the body is JSON where nobody did', () => {
    const bytes = {
      url: 'https://e.com/v1/messages',
      headers: new Headers(),
      body: new TextEncoder().encode('{}'),
    }
    expect(requestFor(targetOf({ model: 'b' }), bytes, {}).headers.get('content-type')).toBe(
      'application/json',
    )
  })
})
