import { chain } from './chain.ts'
import { toArray } from './describe.ts'
import { errorResponse, isBreakwaterError } from './errors.ts'
import { fromArguments } from './fetch-request.ts'
import { isObject } from './is-object.ts'
import type { Logger, Middleware, MiddlewareContext, MiddlewareRequest } from './middleware.ts'
import { assertFunction, assertOption } from './options.ts'
import { parse } from './parse.ts'

/** Options of {@link createFetch}. */
export interface CreateFetchOptions {
  /** The `fetch` to wrap. @default the global `fetch` at the time of each call */
  fetch?: typeof globalThis.fetch | undefined
  /** Where middleware logs. @default nowhere */
  logger?: Logger | undefined
}

/** Marks the contexts made here, to tell them from the SDK's own without options. */
const fetchSeam = Symbol.for('breakwater.fetch')

/**
 * Puts middleware around a `fetch`: for the `fetch` option of any client, or for plain use.
 *
 * Errors of ours become a synthetic 503 (see {@link errorResponse}), except time-outs, which are thrown.
 *
 * @throws {TypeError} when an argument is not what it should be.
 * @example
 * ```ts
 * import Anthropic from '@anthropic-ai/sdk'
 * import { createFetch, type Middleware } from '@breakwater/core'
 *
 * const time: Middleware = async (request, next) => {
 *   const startedAt = performance.now()
 *   const response = await next(request)
 *   console.error(`${request.url}: ${Math.round(performance.now() - startedAt)} ms`)
 *   return response
 * }
 *
 * const client = new Anthropic({ fetch: createFetch(time) })
 * ```
 */
export function createFetch(
  middleware: Middleware | readonly Middleware[],
  { fetch, logger = silent }: CreateFetchOptions = {},
): typeof globalThis.fetch {
  assertFunction('fetch', fetch)
  assertOption(
    typeof logger?.error === 'function',
    'logger',
    'a logger with `error`, `warn`, `info` and `debug`',
    logger,
  )
  const parts = toArray(middleware)
  const run = chain(...parts)

  return async function breakwaterFetch(input, init) {
    // Called without a receiver: browsers refuse a `fetch` that has one.
    const base = fetch ?? globalThis.fetch
    if (parts.length === 0) return base(input, init)
    const { request, toArguments } = fromArguments(input, init)
    const ctx: MiddlewareContext & { [fetchSeam]: true } = { logger, parse, [fetchSeam]: true }
    try {
      return check(await run(request, (sent) => base(...toArguments(sent)), ctx))
    } catch (error) {
      if (isBreakwaterError(error) && error.category !== 'timeout') return errorResponse(error)
      throw error
    }
  }
}

/** Whether `ctx` is of {@link createFetch}, where the request is the wire's and `ctx.options` never set. */
export function isFetchSeam(ctx: MiddlewareContext): boolean {
  return fetchSeam in ctx
}

/**
 * Whether a request fetches credentials rather than an answer (OIDC federation, OAuth refresh). They run
 * through the same middleware: let them pass, and neither retry, count nor reroute them as calls.
 */
export function isCredentialExchange(request: MiddlewareRequest, ctx: MiddlewareContext): boolean {
  if (ctx.options !== undefined) return false
  return !isFetchSeam(ctx) || /\/v1\/oauth\/token(?:\?|$)/.test(request.url)
}

function check(response: Response): Response {
  if (!isObject(response))
    throw new TypeError('A middleware has returned no response: return what `next` gave, or another.')
  if (response.bodyUsed || response.body?.locked === true) {
    throw new TypeError(
      'A middleware has read the body of the response that it returned: read `response.clone()`, or return `new Response(body, response)`.',
    )
  }
  return response
}

const silent: Logger = { error: ignore, warn: ignore, info: ignore, debug: ignore }

function ignore(): void {}
