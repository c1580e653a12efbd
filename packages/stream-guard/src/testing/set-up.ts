import { onEvent, type BreakwaterEvent, type Middleware } from '@breakwater/core'
import { fakeFetch, type FakeFetch, type Script } from '@breakwater/testkit'
import { onTestFinished } from 'vitest'
import { streamGuard, type StreamGuardOptions } from '../stream-guard.ts'

/** A scripted API, a guard, and all that is told of it. */
export function setUp(
  script: Script,
  options: Omit<StreamGuardOptions, 'onCommit' | 'onInterrupt'> = {},
): { fetch: FakeFetch; guard: Middleware; told: BreakwaterEvent[]; events: BreakwaterEvent[] } {
  const told: BreakwaterEvent[] = []
  const events: BreakwaterEvent[] = []
  onTestFinished(onEvent((event) => events.push(event)))
  const onCommit = (event: BreakwaterEvent): void => void told.push(event)
  const guard = streamGuard({ ...options, onCommit, onInterrupt: onCommit })
  return { fetch: fakeFetch({ script }), guard, told, events }
}
