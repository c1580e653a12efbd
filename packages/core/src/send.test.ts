import { describe, expect, it, vi } from 'vitest'
import { callOf, type Call } from './call.ts'
import { chain } from './chain.ts'
import { createFetch } from './create-fetch.ts'
import { BreakwaterError } from './errors.ts'
import type { Middleware } from './middleware.ts'
import { attemptOf, carryAttempt, markLocal, send } from './send.ts'
import { testContext, testRequest } from './testing/context.ts'

const url = 'http://test.invalid/v1/messages'

const sends: Middleware = (request, next, ctx) => send(request, next, ctx)

/** Sends again until it has sent `times`. */
function repeats(times: number): Middleware {
  return async (request, next, ctx) => {
    let response = await send(request, next, ctx)
    for (let retry = 1; retry < times; retry++) {
      response = await send(request, next, ctx, { reason: 'retry', waitMs: retry * 100 })
    }
    return response
  }
}

/** Somebody else's middleware that waits before it calls `next`. */
const dawdles: Middleware = async (request, next) => {
  await Promise.resolve()
  return next(request)
}

/** One that answers with a response of its own. */
const remakes: Middleware = (request, next) => next(request).then(({ body }) => new Response(body))

/** One that waits and hands on copies of all that it sees. */
const dawdlesAndCopies: Middleware = async (request, next) => {
  await Promise.resolve()
  const response = await next({ ...request, headers: new Headers(request.headers) })
  return new Response(response.body, response)
}

/** One that throws the reason of the caller's signal as another error. */
const renames: Middleware = (request, next) =>
  next(request).catch(() => Promise.reject(new Error('aborted by the caller')))

async function ledgerOf(middleware: readonly Middleware[], fetch: () => Promise<Response>): Promise<Call> {
  let call: Call | undefined
  const look: Middleware = (request, next, ctx) => {
    call = callOf(request, ctx)
    return next(request)
  }
  await createFetch([look, ...middleware], { fetch })(url, { method: 'POST', body: '{"model":"m"}' }).catch(
    () => {},
  )
  if (call === undefined) throw new Error('The call has no state.')
  return call
}

let requestIds = 0
const answers =
  (status = 200) =>
  () =>
    Promise.resolve(new Response('', { status, headers: { 'request-id': `req_${requestIds++}` } }))

describe('send', () => {
  it.each([
    ['alone', [sends], 1],
    ['three deep', [sends, sends, sends], 1],
    ['in nested chains', [chain(sends, chain(sends)), sends], 1],
    ['around a repeating one', [sends, repeats(3)], 3],
    ['inside a repeating one', [repeats(3), sends], 3],
    ['between repeating ones', [repeats(2), sends, repeats(3)], 6],
    ['around somebody who waits', [sends, dawdles, sends], 1],
    ['around somebody who waits and copies', [sends, dawdlesAndCopies, sends, sends], 1],
    ['around a repeating one behind somebody who waits', [sends, dawdles, repeats(3)], 3],
    [
      'around a repeating one behind somebody who copies',
      [sends, dawdlesAndCopies, repeats(3), dawdles, sends],
      3,
    ],
  ])('writes each upstream attempt once: %s', async (_, middleware, requests) => {
    const fetch = vi.fn(answers(529))
    const call = await ledgerOf(middleware, fetch)
    expect(fetch).toHaveBeenCalledTimes(requests)
    expect(call.attempts).toHaveLength(requests)
    expect(call.attempts.every(({ status }) => status === 529)).toBe(true)
  })

  it.each([
    ['somebody who makes a new response', [sends, remakes, sends]],
    ['somebody who waits', [sends, dawdles, sends]],
  ])('needs no request id to see through %s', async (_, middleware) => {
    const call = await ledgerOf(middleware, () => Promise.resolve(new Response('ok')))
    expect(call.attempts).toHaveLength(1)
  })

  it('counts each request of somebody who sends twice at once', async () => {
    const hedge: Middleware = (request, next) => Promise.race([next(request), next({ ...request })])
    const fetch = vi.fn(answers())
    const call = await ledgerOf([hedge, sends, sends], fetch)
    await vi.waitFor(() => expect(call.attempts).toHaveLength(2))
    expect(fetch).toHaveBeenCalledTimes(2)
  })

  it('writes what is known of an attempt', async () => {
    const call = await ledgerOf([repeats(2), sends], () =>
      Promise.resolve(new Response('', { status: 429, headers: { 'request-id': 'req_known' } })),
    )
    expect(call.attempts).toMatchObject([
      { reason: 'initial', waitMs: 0, status: 429, requestId: 'req_known', model: 'm', category: undefined },
      { reason: 'retry', waitMs: 100, status: 429, requestId: 'req_known', model: 'm' },
    ])
    expect(call.attempts[0]?.durationMs).toBeGreaterThanOrEqual(0)
    expect(call.attempts[1]?.startedAt).toBeGreaterThanOrEqual(call.startedAt)
  })

  it('adds up the waits of one attempt and keeps its reason', async () => {
    const queues: Middleware = (request, next, ctx) => send(request, next, ctx, { waitMs: 5 })
    const call = await ledgerOf([repeats(2), dawdles, queues], answers(500))
    expect(call.attempts).toMatchObject([
      { reason: 'initial', waitMs: 5 },
      { reason: 'retry', waitMs: 105 },
    ])
  })

  it('writes an attempt that failed without a response, once', async () => {
    const error = new TypeError('fetch failed')
    const call = await ledgerOf([sends, dawdles, sends], () => Promise.reject(error))
    expect(call.attempts).toMatchObject([{ status: undefined, requestId: undefined }])
    expect(attemptOf(error)).toBe(call.attempts[0])
  })

  it('writes nothing for our own errors and for answers that were made here', async () => {
    const error = new BreakwaterError('no', { code: 'circuit_open', category: 'circuit_open' })
    const rejects: Middleware = () => Promise.reject(error)
    const responds: Middleware = () => Promise.resolve(markLocal(new Response('cached')))
    const fetch = vi.fn(answers())
    expect((await ledgerOf([sends, rejects], fetch)).attempts).toEqual([])
    expect((await ledgerOf([sends, responds], fetch)).attempts).toEqual([])
    expect(fetch).not.toHaveBeenCalled()
  })

  it('writes an attempt that a limit of ours has ended, and none that it kept from being sent', async () => {
    const limit = (): BreakwaterError =>
      new BreakwaterError('Timed out.', { code: 'timeout', category: 'timeout' })
    // A limit aborts the signal of `fetch`, which rejects with its reason.
    const ended = await ledgerOf([sends, dawdles, sends], () => Promise.reject(limit()))
    expect(ended.attempts).toMatchObject([{ status: undefined }])
    const kept = await ledgerOf([sends, () => Promise.reject(markLocal(limit()))], answers())
    expect(kept.attempts).toEqual([])
    // One that comes while a guard holds the answer.
    const holds: Middleware = (request, next) => next(request).then(() => Promise.reject(limit()))
    const late = await ledgerOf([sends, dawdles, holds, sends], answers())
    expect(late.attempts).toMatchObject([{ status: 200 }])
  })

  it('writes nothing of a call that was aborted before it was sent, and a line of one that is aborted on its way', async () => {
    for (const [aborted, stack] of [
      [true, [sends]],
      [true, [sends, dawdles, sends]],
      [false, [sends]],
      [false, [sends, dawdles, sends]],
      [false, [sends, dawdles, renames, sends]],
    ] as const) {
      const controller = new AbortController()
      if (aborted) controller.abort()
      let call: Call | undefined
      const look: Middleware = (request, next, ctx) => {
        call = callOf(request, ctx)
        return next(request)
      }
      const fetch = createFetch([look, ...stack], {
        fetch: (_input, init) => {
          controller.abort()
          return Promise.reject(init?.signal?.reason as Error)
        },
      })
      await expect(fetch(url, { signal: controller.signal })).rejects.toThrow(/abort/)
      expect(call?.attempts).toHaveLength(aborted ? 0 : 1)
    }
  })

  it('turns a synchronous throw of the rest into a rejection', async () => {
    const request = testRequest()
    const ctx = testContext()
    const thrown = new Error('sync')
    const outcome = send(
      request,
      () => {
        throw thrown
      },
      ctx,
    )
    await expect(outcome).rejects.toBe(thrown)
    expect(callOf(request, ctx).frame).toBeUndefined()
  })
})

describe('carryAttempt', () => {
  it('lets a stamped response stand for the one from upstream', async () => {
    const stamps: Middleware = async (request, next, ctx) => {
      const response = await send(request, next, ctx)
      return carryAttempt(response, new Response(response.body, { status: response.status }))
    }
    let response: Response | undefined
    const keeps: Middleware = async (request, next, ctx) => {
      response = await send(request, next, ctx)
      return response
    }
    const call = await ledgerOf([keeps, dawdles, stamps], answers(529))
    expect(call.attempts).toHaveLength(1)
    expect(attemptOf(response)).toBe(call.attempts[0])
  })
})
