import { toArray, withDescription } from './describe.ts'
import type { Middleware } from './middleware.ts'

/**
 * Makes one middleware of several: the first is outermost, and a chain is itself a middleware.
 *
 * @throws {TypeError} when an argument is not a function.
 * @example
 * ```ts
 * import Anthropic from '@anthropic-ai/sdk'
 * import { chain, type Middleware } from '@breakwater/core'
 *
 * const tag: Middleware = (request, next) => {
 *   const headers = new Headers(request.headers)
 *   headers.set('x-team', 'search')
 *   return next({ ...request, headers })
 * }
 * const log: Middleware = async (request, next, ctx) => {
 *   const response = await next(request)
 *   ctx.logger.info(`${response.status} from ${request.url}`)
 *   return response
 * }
 *
 * const client = new Anthropic({ middleware: [chain(log, tag)] })
 * ```
 */
export function chain(...middleware: readonly Middleware[]): Middleware {
  const parts = toArray(middleware)
  const run = parts.reduceRight<Middleware>(around, (request, next) => next(request))
  return withDescription(
    function chain(request, next, ctx) {
      return run(request, next, ctx)
    },
    { name: 'chain', parts },
  )
}

/** Nested once, in the factory: a call makes one closure for each middleware and nothing else. */
function around(inner: Middleware, outer: Middleware): Middleware {
  return (request, next, ctx) => {
    try {
      return outer(request, (sent) => inner(sent, next, ctx), ctx)
    } catch (error) {
      return Promise.reject(error)
    }
  }
}
