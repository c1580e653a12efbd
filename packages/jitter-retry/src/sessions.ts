import { createCallKey, modelOf } from '@breakwater/core'
import type { Call, MiddlewareContext, MiddlewareRequest } from '@breakwater/core'
import type { Tally } from './decide.ts'
import type { Final } from './final.ts'

/** How a call stood when it was given back to the SDK, which may retry it all the same. */
export interface Session {
  readonly ctx: MiddlewareContext
  readonly tally: Tally
  /** The answer that stands; `undefined` where the SDK's own retry has something that ours had not. */
  readonly final: Final | undefined
}

/** The failed calls of one `jitterRetry`. */
export interface Sessions {
  /** What is known of a call that the SDK retries. */
  resume(call: Call, request: MiddlewareRequest, ctx: MiddlewareContext): Session | undefined
  keep(call: Call, request: MiddlewareRequest, session: Session): void
}

/** By instance and target: a failover outside may have sent the call to several. */
const kept = createCallKey<Map<Sessions, Map<string, Session>>>('jitter-retry.sessions')

/** Keeps them in the call's state, for as long as the call lives. */
export function createSessions(): Sessions {
  const sessions: Sessions = {
    resume(call, request, ctx) {
      const session = kept.get(call)?.get(sessions)?.get(targetOf(request, ctx))
      // Each try of the SDK has a context of its own. In the same one a failover or the like has come back.
      if (session === undefined || session.ctx === ctx) return undefined
      session.tally.resumed++
      return session
    },
    keep(call, request, session) {
      const instances = kept.get(call) ?? new Map<Sessions, Map<string, Session>>()
      const targets = instances.get(sessions) ?? new Map<string, Session>()
      kept.set(call, instances.set(sessions, targets.set(targetOf(request, session.ctx), session)))
    },
  }
  return sessions
}

function targetOf(request: MiddlewareRequest, ctx: MiddlewareContext): string {
  return `${request.url} ${modelOf(request, ctx) ?? ''}`
}
