import Anthropic, { type Middleware as NewestMiddleware } from '@anthropic-ai/sdk'
import OldestAnthropic, { type Middleware as OldestMiddleware } from 'anthropic-sdk-oldest'
import { describe, expectTypeOf, it } from 'vitest'
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

  it('goes into both clients as it is', () => {
    new Anthropic({ apiKey: 'test', middleware: [ours, newest, chain(oldest)] })
    new OldestAnthropic({ apiKey: 'test', middleware: [ours, oldest, chain(newest)] })
  })
})
