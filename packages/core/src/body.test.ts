import { describe, expect, it } from 'vitest'
import { copyResponse, discard, isReplayable, isResponse } from './body.ts'

describe('discard', () => {
  it('cancels a body that nobody has read', async () => {
    let cancelled = false
    const body = new ReadableStream({ cancel: () => void (cancelled = true) })
    discard(new Response(body))
    await Promise.resolve()
    expect(cancelled).toBe(true)
  })

  it('takes a body that is absent, read, locked or broken, without an unhandled rejection', async () => {
    discard(new Response(null, { status: 204 }))
    const read = new Response('text')
    await read.text()
    discard(read)
    const locked = new Response('text')
    const reader = locked.body?.getReader()
    discard(locked)
    expect(await reader?.read()).toMatchObject({ done: false })
    discard(new Response(new ReadableStream({ cancel: () => Promise.reject(new Error('broken')) })))
    await new Promise((resolve) => setImmediate(resolve))
  })

  it('does not wait for a clone that nobody reads', () => {
    const response = new Response(new ReadableStream())
    response.clone()
    expect(discard(response)).toBeUndefined()
  })
})

describe('isReplayable', () => {
  it.each([
    ['nothing', undefined],
    ['null', null],
    ['text', '{}'],
    ['bytes', new Uint8Array(1)],
    ['a view', new DataView(new ArrayBuffer(1))],
    ['a buffer', new ArrayBuffer(1)],
    ['a blob', new Blob(['x'])],
    ['a form', new FormData()],
    ['parameters', new URLSearchParams()],
  ])('is true for %s', (_, body) => {
    expect(isReplayable(body)).toBe(true)
  })

  it.each([
    ['a stream', new ReadableStream()],
    ['an iterator', [new Uint8Array(1)].values()],
    ['an async iterator', (async function* () {})()],
    ['what it does not know', { pipe: () => {} }],
  ])('is false for %s', (_, body) => {
    expect(isReplayable(body)).toBe(false)
  })
})

describe('isResponse', () => {
  it('goes by the looks, as a `fetch` may bring a class of its own', () => {
    expect(isResponse(new Response())).toBe(true)
    expect(isResponse({ bodyUsed: false })).toBe(true)
    for (const other of [new Error('x'), { status: 200 }, 'bodyUsed', null, undefined, 7])
      expect(isResponse(other)).toBe(false)
  })
})

describe('copyResponse', () => {
  it('keeps status, text and body, under other headers', async () => {
    const original = new Response('text', { status: 429, statusText: 'Slow down', headers: { a: '1' } })
    const copy = copyResponse(original, new Headers({ b: '2' }))
    expect([copy.status, copy.statusText]).toEqual([429, 'Slow down'])
    expect([copy.headers.get('a'), copy.headers.get('b')]).toEqual([null, '2'])
    expect(await copy.text()).toBe('text')
  })
})
