import { describe, expect, it } from 'vitest'
import { chain } from './chain.ts'
import type { Middleware, MiddlewareContext } from './middleware.ts'
import { testContext, testRequest as request } from './testing/context.ts'

const ctx = testContext()

/** Writes `>name` on the way in and `<name` on the way out. */
function tracer(trace: string[], name: string): Middleware {
  return async (request, next) => {
    trace.push(`>${name}`)
    const response = await next(request)
    trace.push(`<${name}`)
    return response
  }
}

describe('chain', () => {
  it('runs the first middleware outermost', async () => {
    const trace: string[] = []
    const run = chain(tracer(trace, 'a'), tracer(trace, 'b'), tracer(trace, 'c'))
    await run(request(), () => Promise.resolve(new Response('ok')), ctx)
    expect(trace).toEqual(['>a', '>b', '>c', '<c', '<b', '<a'])
  })

  it('hands on the very request, context and response when it is empty', async () => {
    const sent = request()
    const answer = new Response('ok')
    const seen: unknown[] = []
    const got = await chain()(
      sent,
      (inner) => {
        seen.push(inner)
        return Promise.resolve(answer)
      },
      ctx,
    )
    expect(seen).toEqual([sent])
    expect(seen[0]).toBe(sent)
    expect(got).toBe(answer)
  })

  it('gives every middleware the same context', async () => {
    const seen: MiddlewareContext[] = []
    const look: Middleware = (request, next, context) => {
      seen.push(context)
      return next(request)
    }
    await chain(look, chain(look, look))(request(), () => Promise.resolve(new Response()), ctx)
    expect(seen).toHaveLength(3)
    expect(new Set(seen)).toEqual(new Set([ctx]))
  })

  it('is a middleware itself, so that chains nest', async () => {
    const trace: string[] = []
    const inner = chain(tracer(trace, 'b'), tracer(trace, 'c'))
    await chain(tracer(trace, 'a'), inner, tracer(trace, 'd'))(
      request(),
      () => Promise.resolve(new Response()),
      ctx,
    )
    expect(trace).toEqual(['>a', '>b', '>c', '>d', '<d', '<c', '<b', '<a'])
  })

  it('lets a middleware call next again, which runs all that is inside it', async () => {
    const trace: string[] = []
    const twice: Middleware = async (request, next) => {
      await next(request)
      return next(request)
    }
    await chain(tracer(trace, 'a'), twice, tracer(trace, 'b'))(
      request(),
      () => Promise.resolve(new Response()),
      ctx,
    )
    expect(trace).toEqual(['>a', '>b', '<b', '>b', '<b', '<a'])
  })

  it('lets a middleware call next at once and again in parallel', async () => {
    let calls = 0
    const hedge: Middleware = (request, next) => Promise.race([next(request), next(request)])
    await chain(hedge)(
      request(),
      () => {
        calls++
        return Promise.resolve(new Response())
      },
      ctx,
    )
    expect(calls).toBe(2)
  })

  it('does not call what is inside a middleware that answers by itself', async () => {
    const answer = new Response('cached')
    let calls = 0
    const cached = chain(
      () => Promise.resolve(answer),
      () => {
        calls++
        return Promise.resolve(new Response())
      },
    )
    expect(await cached(request(), () => Promise.reject(new Error('not called')), ctx)).toBe(answer)
    expect(calls).toBe(0)
  })

  it('turns a synchronous throw into a rejection with the very same value', async () => {
    const thrown = { not: 'an error' }
    const thrower: Middleware = () => {
      throw thrown
    }
    let caught: unknown
    const outer: Middleware = (request, next) =>
      next(request).catch((error: unknown) => {
        caught = error
        throw error
      })
    const outcome = chain(outer, thrower)(request(), () => Promise.resolve(new Response()), ctx)
    await expect(outcome).rejects.toBe(thrown)
    expect(caught).toBe(thrown)
  })

  it('keeps its order when the array that was spread into it changes', async () => {
    const trace: string[] = []
    const parts = [tracer(trace, 'a'), tracer(trace, 'b')]
    const run = chain(...parts)
    parts.reverse()
    await run(request(), () => Promise.resolve(new Response()), ctx)
    expect(trace).toEqual(['>a', '>b', '<b', '<a'])
  })

  it('refuses what is not a function, by its place', () => {
    const bad: unknown = 'retry'
    expect(() => chain(tracer([], 'a'), bad as Middleware)).toThrow(
      new TypeError('Expected `middleware[1]` to be a middleware function, got "retry".'),
    )
  })
})
