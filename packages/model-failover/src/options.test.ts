import { assertType, describe, expect, expectTypeOf, it } from 'vitest'
import type { Middleware as SdkMiddleware } from '@anthropic-ai/sdk'
import { modelFailover } from './model-failover.ts'
import { modelFailoverDefaults, settingsOf, type ModelFailoverOptions } from './options.ts'

const to = ['claude-haiku-5-5']
const circle: Record<string, unknown> = {}
circle['self'] = circle

describe('the options of modelFailover', () => {
  it.each<[string, unknown]>([
    ['to', { to: undefined }],
    ['to', { to: [] }],
    ['to', { to: 'claude-haiku-5-5' }],
    ['to[0]', { to: [''] }],
    ['to[0]', { to: [' claude'] }],
    ['to[0]', { to: ['clau\nde'] }],
    ['to[0]', { to: ['claüde'] }],
    ['to[0]', { to: [null] }],
    ['to[0]', { to: [7] }],
    ['to[0]', { to: [{}] }],
    ['to[0]', { to: [{ name: 'alone' }] }],
    ['to[1]', { to: ['a', ['b']] }],
    ['to[1].modle', { to: ['a', { modle: 'b' }] }],
    ['to[1].model', { to: ['a', { model: 7 }] }],
    ['to[1].model', { to: ['a', { model: '' }] }],
    ['to[2].patch', { to: ['a', 'b', { model: 'c', patch: 'x' }] }],
    ['to[2].patch', { to: ['a', 'b', { model: 'c', patch: [] }] }],
    ['to[2].patch', { to: ['a', 'b', { model: 'c', patch: circle }] }],
    ['to[2].patch', { to: ['a', 'b', { model: 'c', patch: { n: 1n } }] }],
    ['to[0].patch.model', { to: [{ patch: { model: 'b' } }] }],
    ['to[0].patch.stream', { to: [{ patch: { stream: false } }] }],
    ['to[0].baseURL', { to: [{ baseURL: 'example.com' }] }],
    ['to[0].baseURL', { to: [{ baseURL: 'ftp://example.com' }] }],
    ['to[0].baseURL', { to: [{ baseURL: 'https://example.com?a=b' }] }],
    ['to[0].baseURL', { to: [{ baseURL: 'https://user:word@example.com' }] }],
    ['to[0].headers', { to: [{ headers: 'x-a: b' }] }],
    ['to[0].headers', { to: [{ headers: new Headers() }] }],
    ["to[0].headers['x a']", { to: [{ headers: { 'x a': 'b' } }] }],
    ["to[0].headers['x-a']", { to: [{ headers: { 'x-a': 'b\nc' } }] }],
    ["to[0].headers['x-a']", { to: [{ headers: { 'x-a': 7 } }] }],
    ['to[0].fetch', { to: [{ fetch: 'https://example.com' }] }],
    ['to[0].respond', { to: [{ respond: 'sorry' }] }],
    ['to[0].model', { to: [{ respond: () => 'sorry', model: 'b' }] }],
    ['to[0].name', { to: [{ model: 'a', name: 'b\n' }] }],
    ['to[1].name', { to: ['a', { model: 'b', name: 'a' }] }],
    ['cooldownMs', { to, cooldownMs: -1 }],
    ['cooldownMs', { to, cooldownMs: Infinity }],
    ['cooldownMs', { to, cooldownMs: '30' }],
    ['reserveMs', { to, reserveMs: NaN }],
    ['maxRetryAfterMs', { to, maxRetryAfterMs: null }],
    ['notFound', { to, notFound: 1 }],
    ['when', { to, when: true }],
    ['estimateTokens', { to, estimateTokens: 4 }],
    ['onFailover', { to, onFailover: {} }],
    ['onCooldown', { to, onCooldown: 'log' }],
    ['windows', { to, windows: [] }],
    ["windows['a']", { to, windows: { a: 0 } }],
    ["windows['a']", { to, windows: { a: '200k' } }],
  ])('name %s when it is bad', (name, options) => {
    expect(() => modelFailover(options as ModelFailoverOptions)).toThrow(
      expect.objectContaining({
        name: 'TypeError',
        message: expect.stringContaining(`Expected \`${name}\` to be`) as string,
      }) as Error,
    )
  })

  it.each([{ baseURL: 'https://user:secret@example.com' }, { headers: { 'x-api-key': 'secret\nsecret' } }])(
    'tell no secret',
    (target) => {
      expect(() => modelFailover({ to: [target] })).toThrow(/^(?!.*secret).*$/s)
    },
  )

  it('take zero for a value, and undefined for the default', () => {
    const zero = { cooldownMs: 0, reserveMs: 0, maxRetryAfterMs: 0 }
    expect(settingsOf({ to, ...zero })).toMatchObject(zero)
    const none = {
      cooldownMs: undefined,
      reserveMs: undefined,
      maxRetryAfterMs: undefined,
      windows: undefined,
    }
    expect(settingsOf({ to, ...none, when: undefined, notFound: undefined })).toMatchObject(
      modelFailoverDefaults,
    )
    expect(modelFailoverDefaults).toEqual({
      cooldownMs: 30_000,
      notFound: false,
      reserveMs: 10_000,
      maxRetryAfterMs: 60_000,
    })
  })

  it('give each target a name of its own that fits into a header', () => {
    const baseURL = 'https://eu.example.com:8443/anthropic/'
    const targets = [
      'a',
      'a',
      { model: 'b', name: 'my b' },
      { baseURL },
      { baseURL, model: 'a' },
      { fetch },
      { headers: { a: 'b' } },
      { respond: () => 'sorry' },
      { respond: () => 'sorry' },
    ]
    expect(settingsOf({ to: targets }).targets.map(({ name }) => name)).toEqual([
      'a',
      'a-2',
      'my b',
      'eu.example.com:8443',
      'a@eu.example.com:8443',
      'target-6',
      'target-7',
      'respond',
      'respond-9',
    ])
  })

  it('are copied: what happens to the objects later changes nothing', () => {
    const target = { model: 'a', patch: { thinking: null }, headers: { 'x-a': 'b' } }
    const { targets } = settingsOf({ to: [target] })
    Object.assign(target, { model: 'b' })
    Object.assign(target.patch, { system: 'c' })
    Object.assign(target.headers, { 'x-a': 'd' })
    expect(targets).toMatchObject([{ model: 'a', patch: { thinking: null }, headers: { 'x-a': 'b' } }])
    expect(targets[0]?.patch).not.toHaveProperty('system')
  })

  it('have the types that they should', () => {
    expectTypeOf(modelFailover({ to })).toExtend<SdkMiddleware>()
    assertType(modelFailover({ to: ['a', { model: 'b', patch: { thinking: null } }, { fetch }] }).snapshot())
    // @ts-expect-error: at least the targets are needed.
    expect(() => modelFailover({})).toThrow('to')
    expect(modelFailover({ to }).name).toBe('modelFailover')
  })
})
