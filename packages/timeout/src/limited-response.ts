import { carryClassification } from '@breakwater/classify'
import { contentScan } from './content-scan.ts'
import { limitedBody } from './limited-body.ts'
import type { Link } from './link.ts'
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
  link: Link,
): Response {
  const { body, status, statusText, headers } = response
  if (body === null || body.locked) {
    link.unlink()
    return response
  }
  const limitsAll = idleMs !== Infinity || totalAt !== Infinity
  const isStream = (limitsAll || firstTokenMs !== Infinity) && isEventStream(headers)
  if (!limitsAll && !isStream) {
    // The caller's abort has to reach the body, and nobody sees the end of a body that is not wrapped.
    link.unlinkWith(body)
    return response
  }
  const limited = limitedBody(body, {
    firstTokenMs: isStream ? firstTokenMs : undefined,
    idleMs,
    totalAt,
    scan: isStream ? contentScan() : byteLength,
    onLimit(limit) {
      const error = reached(limit)
      controller.abort(error)
      return error
    },
    onEnd: link.unlink,
  })
  link.unlinkWith(limited)
  return carryClassification(response, new Response(limited, { status, statusText, headers }))
}

/** Of a body that is no stream, every byte is content. */
function byteLength(chunk: Uint8Array): number {
  return chunk.byteLength
}

function isEventStream(headers: Headers): boolean {
  return /^\s*text\/event-stream\b/i.test(headers.get('content-type') ?? '')
}
