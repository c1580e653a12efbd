import type { Step } from './pacing.ts'
import type { Exchange } from './engine.ts'
import { closed, reset } from './fetch-error.ts'
import type { Plan } from './plan.ts'

/** Plays the body of a plan as a stream that runs only as fast as it is read; `release` is called at a good end. */
export function bodyStream(
  plan: Plan,
  exchange: Exchange,
  signal: AbortSignal | null,
  release: () => void,
): ReadableStream<Uint8Array<ArrayBuffer>> {
  const steps = plan.steps[Symbol.iterator]()
  let next = steps.next()
  let timer: ReturnType<typeof setTimeout> | undefined
  let onAbort: (() => void) | undefined
  // A server sends at once what has no wait in it, however slowly the client reads.
  if (plan.immediate) noteAll(plan.steps, exchange)

  function settle(aborted: boolean): void {
    clearTimeout(timer)
    if (onAbort !== undefined) signal?.removeEventListener('abort', onAbort)
    exchange.close(aborted)
  }

  function advance(controller: ReadableByteStreamController): Promise<void> | undefined {
    if (next.done === true) {
      settle(false)
      release()
      controller.close()
      controller.byobRequest?.respond(0)
      return undefined
    }
    const step = next.value
    if (step.kind === 'wait') {
      return new Promise((resolve) => {
        timer = setTimeout(() => {
          next = steps.next()
          resolve(advance(controller))
        }, step.ms)
      })
    }
    if (step.kind === 'stall') return new Promise(() => {})
    if (step.kind !== 'send') {
      settle(false)
      controller.error(step.kind === 'cut' ? closed('terminated') : reset('terminated'))
      return undefined
    }
    if (!plan.immediate) exchange.sent(step)
    controller.enqueue(step.bytes)
    next = steps.next()
    return next.done === true ? advance(controller) : undefined
  }

  return new ReadableStream({
    type: 'bytes',
    start(controller) {
      if (signal === null) return
      onAbort = () => {
        settle(true)
        controller.error(signal.reason)
      }
      signal.addEventListener('abort', onAbort)
    },
    pull: advance,
    cancel: () => settle(true),
  })
}

function noteAll(steps: Iterable<Step>, exchange: Exchange): void {
  for (const step of steps) if (step.kind === 'send') exchange.sent(step)
  exchange.close(false)
}
