import { carryAttempt, discard, linkSignal, type SignalLink } from '@breakwater/core'
import { countdown } from './countdown.ts'
import type { OuterSignal } from './shared-signal.ts'
import type { TimeoutError } from './timeout-error.ts'

/** What is done with an attempt until its headers come, and with its response. */
export interface HeadersPhase {
  /** Sends the request under a signal of its own. */
  readonly send: (signal: AbortSignal) => Promise<Response>
  /** The signal that ends it from outside. */
  readonly outer: OuterSignal
  /** The limit in milliseconds; `Infinity` for none. */
  readonly ms: number
  /** Makes the error of the limit. */
  readonly onLimit: () => TimeoutError
  /** Told when `outer` aborts. */
  readonly onAbort: () => void
  /** Makes the response to return. */
  readonly onResponse: (response: Response, controller: AbortController, link: SignalLink) => Response
}

/** Sends, and rejects with the error of the limit, or with what comes first: an error, or the abort of the outer signal. */
export function untilHeaders({
  send,
  outer,
  ms,
  onLimit,
  onAbort,
  onResponse,
}: HeadersPhase): Promise<Response> {
  return new Promise((resolve, reject) => {
    const controller = new AbortController()
    const linked = linkSignal(outer.signal, outer.isShared, controller)
    let timedOut: TimeoutError | undefined
    let lastTurn: ReturnType<typeof setTimeout> | undefined

    const timer = countdown(() => {
      timedOut = onLimit()
      controller.abort(timedOut)
      settleSoon(timedOut)
    })
    linked.onAbort = () => {
      onAbort()
      settleSoon(outer.signal?.reason)
    }

    /** Whoever obeys the signal settles first, its line in the ledger written. Nobody else is waited for. */
    function settleSoon(reason: unknown): void {
      timer.clear()
      lastTurn ??= setTimeout(() => fail(reason), 0)
    }

    function settle(): void {
      timer.clear()
      clearTimeout(lastTurn)
      linked.onAbort = undefined
    }

    /** Where the last turn is over nobody is told a second time: the promise has settled. */
    function fail(error: unknown): void {
      settle()
      linked.unlink()
      if (timedOut === undefined) reject(error)
      else reject(typeof error === 'object' && error !== null ? carryAttempt(error, timedOut) : timedOut)
    }

    function pass(response: Response): void {
      // A body ends with its signal.
      if (controller.signal.aborted) return discard(response)
      settle()
      resolve(onResponse(response, controller, linked))
    }

    if (ms !== Infinity) timer.start(ms)
    send(controller.signal).then(pass, fail)
  })
}
