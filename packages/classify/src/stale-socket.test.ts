import { callOf, send, type MiddlewareContext, type MiddlewareRequest } from '@breakwater/core'
import { describe, expect, it } from 'vitest'
import { isStaleSocket } from './stale-socket.ts'

const ctx: MiddlewareContext = { logger: console, parse: () => Promise.reject(new Error('unused')) }
const request: MiddlewareRequest = { url: 'https://test.invalid', headers: new Headers() }

/** An error as Node's `fetch` throws it, with the line in the ledger that a try gives it. */
async function thrown(cause: object, durationMs = 10): Promise<unknown> {
  const error = new TypeError('fetch failed', { cause })
  await send(request, () => Promise.reject(error), ctx).catch(() => {})
  const attempt = callOf(request, ctx).attempts.at(-1)
  Object.assign(attempt ?? {}, { durationMs })
  return error
}

// Measured on Node 20, 22 and 24: the bytes of the answer before it on a reused socket, none on a new one.
const closed = (bytesRead: number) => ({
  code: 'UND_ERR_SOCKET',
  message: 'other side closed',
  socket: { bytesRead, bytesWritten: 500 },
})

describe('isStaleSocket', () => {
  it.each<[string, object, number, boolean]>([
    ['a reused socket', closed(64), 10, true],
    ['a new socket', closed(0), 10, false],
    ['a reused socket after a while', closed(64), 1000, false],
    ['a socket that is not shown', { ...closed(64), socket: null }, 10, false],
    ['a bad response', { ...closed(64), message: 'bad response' }, 10, false],
    ['another fault of the same words', { ...closed(64), code: 'ECONNRESET' }, 10, false],
    ['bytes that are no number', { ...closed(64), socket: { bytesRead: '64' } }, 10, false],
    ['a reset, which shows no socket', { code: 'ECONNRESET', message: 'read ECONNRESET' }, 10, false],
  ])('%s', async (_name, cause, durationMs, expected) => {
    expect(isStaleSocket(await thrown(cause, durationMs))).toBe(expected)
  })

  it('takes one that no line of the ledger times for none', () => {
    expect(isStaleSocket(new TypeError('fetch failed', { cause: closed(64) }))).toBe(false)
  })

  it.each([undefined, null, 'text', new Error('x'), new Response()])('takes %o for none', (value) => {
    expect(isStaleSocket(value)).toBe(false)
  })
})
