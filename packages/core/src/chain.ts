import { toArray, withDescription } from './describe.ts'
import type { Middleware, MiddlewareContext, MiddlewareNext } from './middleware.ts'

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
  return withDescription(
    function chain(request, next, ctx) {
      return link(parts, 0, next, ctx)(request)
    },
    { name: 'chain', parts },
  )
}

/** `next` as the middleware at `index - 1` sees it. */
function link(
  middleware: readonly Middleware[],
  index: number,
  next: MiddlewareNext,
  ctx: MiddlewareContext,
): MiddlewareNext {
  const current = middleware[index]
  if (current === undefined) return next
  return (request) => {
    try {
      return current(request, link(middleware, index + 1, next, ctx), ctx)
    } catch (error) {
      return Promise.reject(error)
    }
  }
}
