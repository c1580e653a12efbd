import { classify } from '@breakwater/classify'
import { chain, createFetch, modelOf, send, type Middleware } from '@breakwater/core'
import compose from 'koa-compose'
import { callParts, upstream, url, type Case } from './call-parts.ts'

const pass: Middleware = (request, next) => next(request)
/** What each of our behaviours does on success. */
const behaves: Middleware = async (request, next, ctx) => {
  const response = await send(request, next, ctx)
  return response
}
/** The same, and the model is asked for, as by a breaker that is keyed on it. */
const asksForModel: Middleware = (request, next, ctx) => {
  modelOf(request, ctx)
  return send(request, next, ctx)
}
const koaPass: compose.Middleware<unknown> = (_, next) => next()

/** What the foundation costs as middleware, with a request body of about `bytes`. */
export function foundationCases(bytes: number): Case[] {
  const { request, context } = callParts(bytes)
  const through = (name: string, middleware: Middleware): Case => ({
    name,
    call: () => middleware(request(), upstream, context()),
  })
  const koa = (name: string, count: number): Case => {
    const composed = compose(Array.from({ length: count }, () => koaPass))
    return { name, call: () => composed({ request: request(), ctx: context() }, upstream) }
  }
  return [
    { name: 'bare call', call: () => upstream(request(), context()) },
    through('chain, empty', chain()),
    koa('koa-compose, empty', 0),
    through('chain of 1 pass-through', chain(pass)),
    koa('koa-compose of 1 pass-through', 1),
    through('chain of 5 pass-throughs', chain(pass, pass, pass, pass, pass)),
    koa('koa-compose of 5 pass-throughs', 5),
    through('chain of 5 that write the ledger', chain(behaves, behaves, behaves, behaves, behaves)),
    through(
      'chain of 5 that ask for the model',
      chain(asksForModel, asksForModel, asksForModel, asksForModel, asksForModel),
    ),
    through('classify', classify()),
  ]
}

/** The same around a `fetch`. */
export function foundationFetchCases(bytes: number): Case[] {
  const { init } = callParts(bytes)
  const fetching = (name: string, middleware: readonly Middleware[]): Case => {
    const wrapped = createFetch(middleware, { fetch: upstream })
    return { name, call: () => wrapped(url, init) }
  }
  return [
    { name: 'bare fetch', call: () => upstream(init) },
    fetching('createFetch, empty', []),
    fetching('createFetch of 1 pass-through', [pass]),
    fetching('createFetch of 5 pass-throughs', [pass, pass, pass, pass, pass]),
    fetching('createFetch of classify', [classify()]),
  ]
}
