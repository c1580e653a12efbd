import type { BodyTap } from '@breakwater/core'
import { countdown } from './countdown.ts'
import type { TimeoutLimit } from './timeout-error.ts'

/** The limits of one body; `Infinity` where there is none. */
export interface BodyLimits {
  /** What is left of the time to the first content, in milliseconds. `undefined` for a body that is no event stream. */
  readonly firstTokenMs: number | undefined
  /** The longest silence, in milliseconds. */
  readonly idleMs: number
  /** When the call has to be over, in milliseconds of `performance.now()`. */
  readonly totalAt: number
  /** Makes the error of a limit that was reached, and closes the connection. */
  readonly onLimit: (limit: TimeoutLimit) => unknown
  /** Called once, when nothing more will be read. */
  readonly onEnd: () => void
}

/**
 * Puts a body under limits. A limit runs only while somebody waits: a slow reader is not a silent server, and a body
 * that nobody reads has no timer.
 */
export function limitBody(tap: BodyTap, { firstTokenMs, idleMs, totalAt, onLimit, onEnd }: BodyLimits): void {
  const isStream = firstTokenMs !== undefined
  let limit: TimeoutLimit = isStream ? 'firstToken' : 'idle'
  let leftMs = firstTokenMs ?? idleMs
  let armedMs = Infinity
  let hasContent = false
  const timer = countdown(() => expire(armedMs < leftMs ? 'total' : limit))

  function expire(reached: TimeoutLimit): void {
    timer.stop()
    tap.fail(onLimit(reached))
  }

  function startAnew(): void {
    if (!hasContent) return
    hasContent = false
    limit = 'idle'
    leftMs = idleMs
  }

  tap.add({
    onWait() {
      startAnew()
      armedMs = totalAt === Infinity ? leftMs : Math.min(leftMs, totalAt - performance.now())
      // However fast an endless answer comes: after the deadline nothing more is read.
      if (armedMs <= 0 && armedMs < leftMs) expire('total')
      else if (armedMs !== Infinity) timer.start(armedMs)
    },
    onEvent({ type }) {
      // All else is content, also what the future brings.
      hasContent ||= type !== 'ping' && type !== 'message_start'
    },
    onChunk(chunk) {
      if (armedMs !== Infinity) leftMs -= armedMs - timer.stop()
      hasContent ||= !isStream && chunk.byteLength > 0
      startAnew()
    },
    onEnd() {
      timer.stop()
      onEnd()
    },
  })
}
