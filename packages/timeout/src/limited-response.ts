import { carryClassification } from '@breakwater/classify'
import { isEventStream, tapOf, tapped, type SignalLink } from '@breakwater/core'
import { limitBody } from './limit-body.ts'
import type { TimeoutError, TimeoutLimit } from './timeout-error.ts'

/** What limits the body of one response; `Infinity` where there is no limit. */
export interface ResponseLimits {
  /** What is left of the time to the first content, in milliseconds. */
  readonly firstTokenMs: number
  readonly idleMs: number
  /** When the call has to be over, in milliseconds of `performance.now()`. */
  readonly totalAt: number
  /** Makes the error of a limit that was reached. */
  readonly reached: (limit: TimeoutLimit) => TimeoutError
}

/** The response with a body under limits; the very response where none of them touches it. */
export function limitedResponse(
  response: Response,
  { firstTokenMs, idleMs, totalAt, reached }: ResponseLimits,
  controller: AbortController,
  link: SignalLink,
): Response {
  const { body } = response
  if (body === null || body.locked) {
    link.unlink()
    return response
  }
  const limitsAll = idleMs !== Infinity || totalAt !== Infinity
  const isStream = (limitsAll || firstTokenMs !== Infinity) && isEventStream(response)
  const limited = limitsAll || isStream ? tapped(response) : response
  const tap = limitsAll || isStream ? tapOf(limited) : undefined
  // The caller's abort has to reach the body, and nobody sees the end of one that is not listened to.
  link.unlinkWith(limited.body ?? limited)
  if (tap === undefined) return response
  limitBody(tap, {
    firstTokenMs: isStream ? firstTokenMs : undefined,
    idleMs,
    totalAt,
    onLimit(limit) {
      const error = reached(limit)
      controller.abort(error)
      return error
    },
    onEnd: link.unlink,
  })
  return limited === response ? response : carryClassification(response, limited)
}
