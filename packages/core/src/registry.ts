import type { Attempt, Call } from './call.ts'
import type { BodyTap } from './body-tap.ts'
import type { Description } from './describe.ts'
import type { EventListener } from './events.ts'
import { createHidden, type Hidden } from './hidden.ts'
import type { Middleware } from './middleware.ts'

/** All that two installed copies of this package have to agree on. */
export interface Registry {
  /** Call state by `ctx`, and by `ctx.options` for the SDK's own retries. */
  readonly calls: Hidden<Call>
  /** The ledger's line for a response or an error; `undefined` for one that no upstream request made. */
  readonly outcomes: WeakMap<object, Attempt | undefined>
  readonly listeners: Set<EventListener>
  /** What listens to a body, by its stream. */
  readonly taps: Hidden<BodyTap>
  readonly descriptions: WeakMap<Middleware, Description>
}

const key = Symbol.for('breakwater.call/1')
const globals = globalThis as { [key]?: Registry }

export const registry: Registry = (globals[key] ??= {
  calls: createHidden(),
  outcomes: new WeakMap(),
  listeners: new Set(),
  taps: createHidden(),
  descriptions: new WeakMap(),
})
