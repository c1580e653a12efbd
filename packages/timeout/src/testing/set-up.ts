import { onEvent, type BreakwaterEvent, type TimeoutEvent } from '@breakwater/core'
import { fakeFetch, type FakeFetch, type Script } from '@breakwater/testkit'
import { onTestFinished } from 'vitest'
import { timeout, type TimeoutOptions } from '../timeout.ts'

/** All limits off. */
export const off = { attemptMs: false, firstTokenMs: false, idleMs: false, totalMs: false } as const

/** A scripted API, a `timeout` with these limits and no others, and all that is told of it. */
export function setUp(
  script: Script,
  limits: Omit<TimeoutOptions, 'onTimeout'>,
): {
  fetch: FakeFetch
  middleware: ReturnType<typeof timeout>
  told: TimeoutEvent[]
  events: BreakwaterEvent[]
} {
  const told: TimeoutEvent[] = []
  const events: BreakwaterEvent[] = []
  onTestFinished(onEvent((event) => events.push(event)))
  const middleware = timeout({ ...off, ...limits, onTimeout: (event) => told.push(event) })
  return { fetch: fakeFetch({ script }), middleware, told, events }
}
