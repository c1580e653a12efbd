import { maxTimerMs, type BodyTap } from '@breakwater/core'

/** How long a stream is held. */
export interface HoldLimits {
  /** `Infinity` for none. */
  readonly maxMs: number
  readonly maxBytes: number
}

/** Why the holding is over: the stream has shown what it is, it has ended, or a limit was reached. */
export type HoldEnd = 'decided' | 'ended' | 'max_time' | 'max_bytes'

/**
 * Reads ahead until `isDecided` says that enough was seen. Rejects as reading the body would. A read that is under way at
 * `maxMs` goes on, for the reader.
 */
export function hold(
  tap: BodyTap,
  { maxMs, maxBytes }: HoldLimits,
  isDecided: () => boolean,
): Promise<HoldEnd> {
  return new Promise((resolve, reject) => {
    let isOver = false
    const timer =
      maxMs === Infinity ? undefined : setTimeout(() => end('max_time'), Math.min(maxMs, maxTimerMs))

    function end(outcome: HoldEnd): void {
      isOver = true
      clearTimeout(timer)
      resolve(outcome)
    }

    function look(more: boolean): void {
      if (isOver) return
      if (isDecided()) end('decided')
      else if (!more) end('ended')
      else if (tap.heldBytes > maxBytes) end('max_bytes')
      else tap.peek().then(look, fail)
    }

    function fail(error: unknown): void {
      clearTimeout(timer)
      reject(error)
    }

    look(true)
  })
}
