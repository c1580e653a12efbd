import { boundedResponse } from '@breakwater/classify'
import {
  activeSignal,
  addHold,
  callerSignal,
  callOf,
  createCallKey,
  discard,
  isCredentialExchange,
  removeHold,
  send,
  withDescription,
  type Hold,
  type Middleware,
  type MiddlewareNext,
} from '@breakwater/core'
import { createAsker } from './ask.ts'
import { descriptionOf } from './description.ts'
import { settingsOf, type RateLimitOptions } from './options.ts'
import { accept, fail } from './outcome.ts'
import type { RateLimitSnapshot, RateLimitStore } from './store.ts'
import { left, settle, takeLease, type Setting, type Turn } from './turn.ts'

/** The middleware of {@link rateLimit}, with a look at its state. */
export interface RateLimit extends Middleware {
  /** The queues, gates and limits by key, as plain data; of its store. */
  snapshot(): RateLimitSnapshot
}

/** The stores whose leases a call holds: an instance inside that shares one has nothing to add. */
const heldStores = createCallKey<RateLimitStore[]>('rate-limit.stores')

/**
 * Keeps calls within the limits of the API: learns these from its answers, lets calls wait for their turn, and lets nobody
 * through for as long as a 429 asks for. A call that cannot be served in time fails at once.
 *
 * The caller gets a `QueueFullError` or a `QueueWaitError` while nothing is sent.
 *
 * @throws {TypeError} for a bad option, naming it.
 * @example
 * ```ts
 * import Anthropic from '@anthropic-ai/sdk'
 * import { rateLimit } from '@breakwater/rate-limit'
 *
 * const limits = rateLimit({ onQueue: ({ key, reason, expectedWaitMs }) => console.error(key, reason, expectedWaitMs) })
 * const client = new Anthropic({ middleware: [limits] })
 * ```
 */
export function rateLimit(options: RateLimitOptions = {}): RateLimit {
  const settings = settingsOf(options)
  const { store } = settings
  const setting: Setting = Object.assign(settings, { asker: createAsker(settings), isWarned: false })

  const middleware = withDescription(function rateLimit(request, next, ctx) {
    if (isCredentialExchange(request, ctx)) return next(request)
    const terms = setting.asker.termsOf(request, ctx)
    if (terms === undefined) return send(request, next, ctx)
    const call = callOf(request, ctx)
    if (heldStores.get(call)?.includes(store) === true) return send(request, next, ctx)
    const turn: Turn = { setting, call, ctx, request, terms, lease: undefined, attempts: 0 }
    let waiting: Promise<number> | undefined
    try {
      waiting = takeLease(turn)
    } catch (error) {
      return Promise.reject(error === left ? reasonOf(turn) : error)
    }
    return waiting === undefined ? run(turn, next, 0) : queue(turn, next, waiting)
  }, descriptionOf(settings))
  return Object.assign(middleware, { snapshot: () => store.snapshot?.() ?? { keys: [] } })
}

/** Waits within a `send`, so that those outside know at once that they are not the innermost. */
async function queue(turn: Turn, next: MiddlewareNext, waiting: Promise<number>): Promise<Response> {
  try {
    return await send(turn.request, () => waiting.then((waitMs) => run(turn, next, waitMs)), turn.ctx)
  } catch (error) {
    if (error === left) throw reasonOf(turn)
    throw error
  }
}

/** Sends with the lease that was taken, and settles it. */
async function run(turn: Turn, next: MiddlewareNext, waitMs: number): Promise<Response> {
  const { call, ctx, request, setting } = turn
  const hold = holdOf(turn)
  const stores = heldStores.get(call)
  if (stores === undefined) heldStores.set(call, [setting.store])
  else stores.push(setting.store)
  addHold(call, hold)
  let response: Response
  try {
    response = await send(request, next, ctx, waitMs > 0 ? { waitMs } : undefined)
  } catch (error) {
    end(turn, hold)
    await fail(turn, error)
    throw error === left ? reasonOf(turn) : error
  }
  end(turn, hold)
  if (response.status >= 400) {
    await fail(turn, response)
    // Whoever has aborted while the body of a failure was looked at waits for nothing.
    if (callerSignal(request, ctx)?.aborted === true) {
      discard(response)
      throw reasonOf(turn)
    }
    return boundedResponse(response)
  }
  const { lease } = turn
  turn.lease = undefined
  return lease === undefined ? response : accept(turn, lease, response)
}

function end({ call, setting }: Turn, hold: Hold): void {
  removeHold(call, hold)
  const stores = heldStores.get(call)
  stores?.splice(stores.lastIndexOf(setting.store), 1)
}

/** Lets those inside who send again take turns of their own for it. */
function holdOf(turn: Turn): Hold {
  return {
    release: (outcome) => fail(turn, outcome),
    async renew(request) {
      const { setting, ctx, lease } = turn
      const terms = setting.asker.termsOf(request, ctx)
      if (lease !== undefined) {
        if (terms?.key === turn.terms.key) return
        turn.lease = undefined
        settle(turn, lease, { outcome: 'unsent', isOver: true })
      }
      turn.request = request
      if (terms === undefined) return
      turn.terms = terms
      try {
        await takeLease(turn)
      } catch (error) {
        throw error === left ? reasonOf(turn) : error
      }
    },
  }
}

/** Why a call has left the queue: in the SDK's seam the signal of the request has a reason of the SDK's own. */
function reasonOf({ request, ctx }: Turn): unknown {
  const signal = callerSignal(request, ctx)
  return signal?.aborted === true ? signal.reason : activeSignal(request, ctx)?.reason
}
