import { callOf, discard, releaseHolds, renewHolds, send, sleep, type Middleware } from '@breakwater/core'

/** A retry as plain as can be that gives back what the call holds while it waits. */
export function plainRetry(retries: number, waitMs: number): Middleware {
  return async function plainRetry(request, next, ctx) {
    const call = callOf(request, ctx)
    for (let retry = 0; ; retry++) {
      try {
        if (retry > 0) await renewHolds(call, request)
        const response = await send(request, next, ctx, retry === 0 ? undefined : { reason: 'retry', waitMs })
        if (response.ok || retry === retries) return response
        await releaseHolds(call, response)
        discard(response)
      } catch (error) {
        if (retry === retries || Reflect.get(Object(error), 'code') === 'queue_wait') throw error
        await releaseHolds(call, error)
      }
      await sleep(waitMs, request.signal)
    }
  }
}
