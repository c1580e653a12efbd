import Anthropic, { type Middleware as NewestMiddleware } from '@anthropic-ai/sdk'
import OldestAnthropic, { type Middleware as OldestMiddleware } from 'anthropic-sdk-oldest'
import { describe, expect, expectTypeOf, it } from 'vitest'
import { chain } from './chain.ts'
import type { Middleware } from './middleware.ts'

const ours: Middleware = (request, next) => next(request)
const newest: NewestMiddleware = (request, next) => next(request)
const oldest: OldestMiddleware = (request, next) => next(request)

describe('Middleware', () => {
  it('is the SDK’s own, in both directions, at its oldest and newest version', () => {
    expectTypeOf(ours).toExtend<NewestMiddleware>()
    expectTypeOf(ours).toExtend<OldestMiddleware>()
    expectTypeOf(newest).toExtend<Middleware>()
    expectTypeOf(oldest).toExtend<Middleware>()
    const toNewest: NewestMiddleware[] = [ours, newest, chain(ours, newest, oldest)]
    const toOldest: OldestMiddleware[] = [ours, oldest, chain(ours, newest, oldest)]
    const toOurs: Middleware[] = [...toNewest, ...toOldest]
    expectTypeOf(toOurs).toEqualTypeOf<Middleware[]>()
  })

  it('goes into both clients as it is', async () => {
    const params = { model: 'm', max_tokens: 1, messages: [] }
    const options = { apiKey: 'test', fetch: () => Promise.resolve(Response.json({ id: 'msg_1' })) }
    const now = new Anthropic({ ...options, middleware: [ours, newest, chain(oldest)] })
    const then = new OldestAnthropic({ ...options, middleware: [ours, oldest, chain(newest)] })
    expect(await now.messages.create(params)).toMatchObject({ id: 'msg_1' })
    expect(await then.messages.create(params)).toMatchObject({ id: 'msg_1' })
  })
})
