import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { callOf, type Call } from './call.ts'
import { chain } from './chain.ts'
import type { Middleware, MiddlewareContext } from './middleware.ts'
import { attemptOf, send, type SendNote } from './send.ts'
import { sleep } from './sleep.ts'
import { testContext, testRequest } from './testing/context.ts'

beforeEach(() => {
  vi.useFakeTimers()
  // No clock begins with a call.
  vi.advanceTimersByTime(1_000_000)
})
afterEach(() => void vi.useRealTimers())

/** Sends with a note. */
const notes =
  (note: SendNote): Middleware =>
  (request, next, ctx) =>
    send(request, next, ctx, note)

/** Calls a middleware in a context, and gives the call's state. */
async function run(
  middleware: Middleware,
  answer: () => Promise<Response>,
  ctx: MiddlewareContext = testContext(),
): Promise<{ call: Call; outcome: unknown }> {
  const request = testRequest()
  const running = middleware(request, answer, ctx).catch((error: unknown) => error)
  await vi.runAllTimersAsync()
  return { call: callOf(request, ctx), outcome: await running }
}

const ok = (): Promise<Response> => Promise.resolve(new Response('ok'))

describe('a line of the ledger', () => {
  it.each([200, 529])(
    'says how long the attempt took to a %i, and not how old the process is',
    async (status) => {
      const startedAt = performance.now()
      const slow = async (): Promise<Response> => {
        await sleep(50)
        return new Response('', { status })
      }
      const { call } = await run(notes({}), slow)
      expect(call.attempts).toMatchObject([{ startedAt, durationMs: 50, status }])
    },
  )

  it('has the reason of whoever gives one, and the waits of all', async () => {
    const { call } = await run(
      chain(notes({ waitMs: 5 }), notes({ reason: 'probe', waitMs: 2 }), notes({ waitMs: 1 })),
      ok,
    )
    expect(call.attempts).toMatchObject([{ reason: 'probe', waitMs: 8 }])
  })

  it('is found by a failing response from 400 on', async () => {
    for (const status of [400, 499, 529]) {
      const { call, outcome } = await run(notes({}), () => Promise.resolve(new Response('', { status })))
      expect(attemptOf(outcome)).toBe(call.attempts[0])
    }
  })

  it('is not kept with a plain success, in no call after another either', async () => {
    const ctx = testContext()
    for (let call = 0; call < 3; call++) {
      const { outcome } = await run(notes({}), ok, ctx)
      expect(attemptOf(outcome)).toBeUndefined()
    }
    await run(notes({}), () => Promise.reject(new Error('reset')), ctx)
    expect(attemptOf((await run(notes({}), ok, ctx)).outcome)).toBeUndefined()
    expect(callOf(testRequest(), ctx).recording).toBe(0)
  })

  it.each(['reset', undefined, 7])(
    'is written for a rejection with %o, which is no error',
    async (thrown) => {
      const { call, outcome } = await run(notes({}), () => Promise.reject(thrown as unknown as Error))
      expect(outcome).toBe(thrown)
      expect(call.attempts).toMatchObject([{ status: undefined, requestId: undefined }])
      expect(attemptOf(outcome)).toBeUndefined()
    },
  )

  it('is written for every attempt that fails with the same error object', async () => {
    const error = new TypeError('fetch failed')
    const twice: Middleware = (request, next, ctx) =>
      send(request, next, ctx).catch(() => send(request, next, ctx, { reason: 'retry' }))
    const { call, outcome } = await run(twice, () => Promise.reject(error))
    expect(outcome).toBe(error)
    expect(call.attempts).toMatchObject([{ reason: 'initial' }, { reason: 'retry' }])
  })
})
