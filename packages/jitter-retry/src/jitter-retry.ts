import {
  callOf,
  isCredentialExchange,
  isResponse,
  send,
  targetsLeft,
  withDescription,
  type Middleware,
} from '@breakwater/core'
import { newTally } from './decide.ts'
import { descriptionOf } from './description.ts'
import { finalOf, finalsSoFar, pass } from './final.ts'
import { settingsOf, type JitterRetryOptions } from './options.ts'
import { countRetries } from './retry-count.ts'
import { retry } from './retry.ts'
import { createSessions } from './sessions.ts'

/**
 * Retries each failure as its category asks for: with jitter, never before the server's hint, within a budget that all
 * calls share, and within the deadline of the call.
 *
 * The caller gets the last response, with `x-should-retry: false` on it, or the very error.
 *
 * @throws {TypeError} for a bad option, naming it.
 * @example
 * ```ts
 * import Anthropic from '@anthropic-ai/sdk'
 * import { jitterRetry } from '@breakwater/jitter-retry'
 *
 * const client = new Anthropic({
 *   middleware: [jitterRetry({ onRetry: ({ category, waitMs }) => console.error(category, waitMs) })],
 * })
 * ```
 */
export function jitterRetry(options: JitterRetryOptions = {}): Middleware {
  const settings = settingsOf(options)
  const { budget } = settings
  const { onRetry } = options
  const sessions = createSessions()

  return withDescription(async function jitterRetry(request, next, ctx) {
    if (isCredentialExchange(request, ctx)) return next(request)
    const call = callOf(request, ctx)
    call.sendsAgain = true
    const attemptsBefore = call.attempts.length
    const finalsBefore = finalsSoFar()
    const session = sessions.resume(call, request, ctx)
    if (session?.final !== undefined) return session.final(true)
    // Read before `next`: a failover inside of us sets it too.
    const hasTarget = (targetsLeft.get(call) ?? 0) > 0

    let first: unknown
    try {
      const response = await send(countRetries(request, session?.tally), next, ctx)
      if (response.status < 400) {
        budget?.succeed(session?.tally.charged ?? false)
        return response
      }
      first = response
    } catch (error) {
      first = error
    }

    const tally = session?.tally ?? newTally()
    const run = {
      request,
      next,
      ctx,
      call,
      attemptsBefore,
      finalsBefore,
      hasTarget,
      tally,
      settings,
      onRetry,
    }
    const { outcome, fate } = await retry(first, run).catch((reason: unknown) => {
      // A limit outside has ended a wait: a retry of the SDK goes on within the same counts.
      sessions.keep(call, request, { ctx, tally, final: undefined })
      throw reason
    })
    if (fate === 'pass') return pass(outcome)
    const final = fate === 'leave' ? undefined : await finalOf(outcome)
    // After a 401 the SDK comes back with a new token.
    const isRefreshable = isResponse(outcome) && outcome.status === 401
    sessions.keep(call, request, { ctx, tally, final: isRefreshable ? undefined : final })
    return final === undefined ? pass(outcome) : final()
  }, descriptionOf(settings))
}
