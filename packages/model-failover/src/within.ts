import {
  BreakwaterError,
  carryAttempt,
  discard,
  linkSignal,
  maxTimerMs,
  tapOf,
  tapped,
  type SignalLink,
} from '@breakwater/core'

/** What runs under a limit. */
export interface Limited {
  /** Rejects after the limit with an error of the category `timeout`. */
  readonly outcome: Promise<Response>
  /** Ends the tie to the source. A response whose body is still read needs it. */
  readonly unlink: () => void
}

/** The signal to abort with. */
export interface Source {
  readonly signal: AbortSignal | undefined
  /** Whether it may outlive the call, and serve others. */
  readonly isShared: boolean
}

/**
 * Sends under a signal of its own, which aborts with `source`, also while the body is read, and after `limitMs`: asked once
 * it is sent, as somebody inside may have to say. `Infinity` is no limit.
 */
export function within(
  limitMs: () => number,
  { signal: source, isShared }: Source,
  send: (signal: AbortSignal) => Promise<Response>,
): Limited {
  let unlink: () => void = nothing
  const outcome = new Promise<Response>((resolve, reject) => {
    const controller = new AbortController()
    let over: BreakwaterError | undefined
    let lastTurn: ReturnType<typeof setTimeout> | undefined
    if (source?.aborted === true) {
      reject(source.reason)
      return
    }
    const linked = linkSignal(source, isShared, controller)
    linked.onAbort = () => settleSoon(source?.reason)
    unlink = linked.unlink
    let timer: ReturnType<typeof setTimeout> | undefined

    function onTime(): void {
      over = new BreakwaterError(
        '`modelFailover` has left this target, so that the next one has time to answer.',
        {
          code: 'target_left',
          category: 'timeout',
        },
      )
      controller.abort(over)
      settleSoon(over)
    }

    /** Whoever obeys the signal settles first, its line in the ledger written. Nobody else is waited for. */
    function settleSoon(reason: unknown): void {
      clearTimeout(timer)
      lastTurn ??= setTimeout(() => fail(reason), 0)
    }

    function settle(): void {
      clearTimeout(timer)
      clearTimeout(lastTurn)
      linked.onAbort = undefined
    }

    /** Where the last turn is over nobody is told a second time: the promise has settled. */
    function fail(error: unknown): void {
      settle()
      linked.unlink()
      if (over === undefined) reject(error)
      else reject(typeof error === 'object' && error !== null ? carryAttempt(error, over) : over)
    }

    function pass(response: Response): void {
      // A body ends with its signal.
      if (controller.signal.aborted) return discard(response)
      settle()
      resolve(source === undefined || !isShared ? response : untiedAtEnd(response, linked))
    }

    send(controller.signal).then(pass, fail)
    const ms = limitMs()
    if (ms <= maxTimerMs) timer = setTimeout(onTime, ms)
  })
  return { outcome, unlink }
}

/** Whose tie goes with the end of its body, or with a body that nobody reads. */
function untiedAtEnd(response: Response, { unlink, unlinkWith }: SignalLink): Response {
  // A failure is untied by whoever has read it, and carries a verdict that a copy would lose.
  const watched = response.status < 400 ? tapped(response) : response
  const tap = tapOf(watched)
  if (watched.body === null) unlink()
  else unlinkWith(watched.body)
  tap?.add({ onEnd: unlink })
  return watched
}

function nothing(): void {}
