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
  /** How many content events a chunk holds. */
  readonly scan: (chunk: Uint8Array) => number
  /** Makes the error of a limit that was reached, and closes the connection. */
  readonly onLimit: (limit: TimeoutLimit) => unknown
  /** Called once, when nothing more will be read. */
  readonly onEnd: () => void
}

/**
 * The same bytes under limits: read only when somebody reads, nothing ahead, nothing kept. A limit runs only while
 * the reader waits: a slow reader is not a silent server, and a body that nobody reads has no timer.
 */
export function limitedBody(
  body: ReadableStream<Uint8Array>,
  { firstTokenMs, idleMs, totalAt, scan, onLimit, onEnd }: BodyLimits,
): ReadableStream<Uint8Array> {
  const reader = body.getReader()
  let limit: TimeoutLimit = firstTokenMs === undefined ? 'idle' : 'firstToken'
  let leftMs = firstTokenMs ?? idleMs
  let armedMs = Infinity
  let ended = false
  let output: ReadableStreamDefaultController<Uint8Array>
  const timer = countdown(() => expire(armedMs < leftMs ? 'total' : limit))

  function end(): void {
    ended = true
    timer.stop()
    onEnd()
  }

  function expire(reached: TimeoutLimit): void {
    end()
    output.error(onLimit(reached))
    reader.cancel().catch(ignore)
  }

  function arm(): void {
    armedMs = totalAt === Infinity ? leftMs : Math.min(leftMs, totalAt - performance.now())
    if (armedMs !== Infinity) timer.start(armedMs)
  }

  function pass({ done, value }: ReadableStreamReadResult<Uint8Array>): void {
    if (ended) return
    if (armedMs !== Infinity) leftMs -= armedMs - timer.stop()
    if (done) {
      end()
      output.close()
      return
    }
    const watched = limit === 'firstToken' || idleMs !== Infinity
    if (watched && scan(value) > 0) {
      limit = 'idle'
      leftMs = idleMs
    }
    output.enqueue(value)
  }

  function fail(error: unknown): void {
    if (ended) return
    end()
    throw error
  }

  return new ReadableStream(
    {
      pull(controller) {
        output = controller
        arm()
        // However fast an endless answer comes: after the deadline nothing more is read.
        if (armedMs <= 0 && armedMs < leftMs) return expire('total')
        return reader.read().then(pass, fail)
      },
      cancel(reason) {
        if (!ended) end()
        return reader.cancel(reason)
      },
    },
    { highWaterMark: 0 },
  )
}

function ignore(): void {}
