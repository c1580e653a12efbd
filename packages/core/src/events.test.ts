import { describe, expect, it, vi } from 'vitest'
import { callOf, type Call } from './call.ts'
import type { FailureEvent } from './event-types.ts'
import { emit, onEvent } from './events.ts'
import type { Logger } from './middleware.ts'
import { testContext, testRequest } from './testing/context.ts'

const event: FailureEvent = { type: 'failure', category: 'overloaded', fault: 'provider', severity: 'warn' }

function newCall(logger: Logger = console): Call {
  return callOf(testRequest(), testContext({ logger }))
}

describe('onEvent', () => {
  it('receives the events of every call, with the call, until it is stopped', () => {
    const seen: unknown[] = []
    const stop = onEvent((...args) => seen.push(args))
    const call = newCall()
    emit(call, event)
    stop()
    emit(call, event)
    expect(seen).toEqual([[event, call]])
  })

  it('counts one function given twice as two listeners', () => {
    const listener = vi.fn()
    const stops = [onEvent(listener), onEvent(listener)]
    emit(newCall(), event)
    expect(listener).toHaveBeenCalledTimes(2)
    stops[0]?.()
    stops[0]?.()
    emit(newCall(), event)
    expect(listener).toHaveBeenCalledTimes(3)
    stops[1]?.()
    emit(newCall(), event)
    expect(listener).toHaveBeenCalledTimes(3)
  })

  it('refuses what is not a function', () => {
    expect(() => onEvent('x' as unknown as () => void)).toThrow(
      new TypeError('Expected `listener` to be a function, got "x".'),
    )
  })
})

describe('emit', () => {
  it('tells the ledger, the observer and the listeners, in this order', () => {
    const order: string[] = []
    const call = newCall()
    const stop = onEvent(() => order.push('listener'))
    emit(call, event, () => order.push(`observer, ledger has ${call.events.length}`))
    stop()
    expect(order).toEqual(['observer, ledger has 1', 'listener'])
    expect(call.events).toEqual([event])
  })

  it('tells of what comes of no call, and lets nothing that a listener throws get out', async () => {
    const observer = vi.fn(() => {
      throw new Error('thrown')
    })
    const listener = vi.fn((() => Promise.reject(new Error('rejected'))) as () => void)
    const stop = onEvent(listener)
    emit(undefined, event, observer)
    stop()
    await Promise.resolve()
    expect(observer).toHaveBeenCalledExactlyOnceWith(event)
    expect(listener).toHaveBeenCalledExactlyOnceWith(event, undefined)
  })

  it('logs a listener that throws or rejects, and goes on with the others', async () => {
    const warn = vi.fn()
    const call = newCall({ ...console, warn })
    const thrown = new Error('thrown')
    const rejected = new Error('rejected')
    const last = vi.fn()
    const stops = [
      onEvent(() => {
        throw thrown
      }),
      onEvent((() => Promise.reject(rejected)) as () => void),
      onEvent(last),
    ]
    emit(call, event, () => {
      throw thrown
    })
    await Promise.resolve()
    for (const stop of stops) stop()
    expect(last).toHaveBeenCalledOnce()
    expect(warn.mock.calls.map(([, error]) => error as unknown)).toEqual([thrown, thrown, rejected])
  })

  it('needs no observer and no listener', async () => {
    const warn = vi.fn()
    const call = newCall({ ...console, warn })
    emit(call, event)
    await Promise.resolve()
    expect(warn).not.toHaveBeenCalled()
    expect(call.events).toEqual([event])
  })

  it('keeps the latest 100 events of a call', () => {
    const call = newCall()
    for (let status = 1; status <= 150; status++) emit(call, { ...event, status })
    expect(call.events).toHaveLength(100)
    expect(call.events).toMatchObject(Array.from({ length: 100 }, (_, index) => ({ status: index + 51 })))
  })
})
