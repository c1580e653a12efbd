import { discard, send, sleep, type Middleware } from '@breakwater/core'

/** A retry as plain as can be: sends again at once, or after a wait, whatever the failure is. */
export function plainRetry(retries: number, waitMs = 0): Middleware {
  return async function plainRetry(request, next, ctx) {
    for (let retry = 0; ; retry++) {
      try {
        const response = await send(request, next, ctx, retry === 0 ? undefined : { reason: 'retry', waitMs })
        if (response.ok || retry === retries) return response
        discard(response)
      } catch (error) {
        if (retry === retries) throw error
      }
      // Without a signal: as somebody would wait who does not know of deadlines.
      if (waitMs > 0) await sleep(waitMs)
    }
  }
}
