import {
  asksForStream,
  callOf,
  createCallKey,
  emit,
  markLocal,
  modelOf,
  send,
  setDeadline,
  type MiddlewareContext,
  type MiddlewareNext,
  type MiddlewareRequest,
  type TimeoutEvent,
} from '@breakwater/core'
import { limitedResponse } from './limited-response.ts'
import { noteAbort, outerSignal, type OuterSignal } from './shared-signal.ts'
import { TimeoutError, type TimeoutLimit } from './timeout-error.ts'
import { untilHeaders } from './until-headers.ts'

/** Every limit in milliseconds; `Infinity` where there is none. */
export type Limits = Readonly<Record<TimeoutLimit, number>>

/** Told of every limit that is reached. */
export type TimeoutObserver = ((event: TimeoutEvent) => void) | undefined

/** The deadline of a call is reached once, however many attempts are refused after it. */
const over = createCallKey<true>('timeout.over')

/** Sends a request, and ends it, its answer included, at the first limit that it reaches. */
export function limitedAttempt(
  request: MiddlewareRequest,
  next: MiddlewareNext,
  ctx: MiddlewareContext,
  limits: Limits,
  onTimeout: TimeoutObserver,
): Promise<Response> {
  const call = callOf(request, ctx)
  const startedAt = performance.now()
  // From the beginning of the call: the same for each of its attempts, and wherever this stands.
  const totalAt = call.startedAt + limits.total
  if (limits.total !== Infinity) setDeadline(call, totalAt)
  const outer = outerSignal(request, ctx)
  if (outer.signal?.aborted === true) return Promise.reject(outer.signal.reason)

  const attemptMs = Math.min(limits.attempt, outer.sdkMs)
  const firstTokenMs = asksForStream(request, ctx) ? limits.firstToken : Infinity
  const totalMs = totalAt - startedAt
  const headersMs = Math.min(attemptMs, firstTokenMs, totalMs)

  function reached(limit: TimeoutLimit, response?: Response): TimeoutError {
    const limitMs = limit === 'attempt' ? attemptMs : limits[limit]
    if (limit !== 'total' || over.get(call) === undefined) {
      if (limit === 'total') over.set(call, true)
      const model = modelOf(request, ctx)
      const requestId = response?.headers.get('request-id') ?? undefined
      const status = response?.status
      emit(
        call,
        { type: 'timeout', category: 'timeout', limit, limitMs, model, status, requestId },
        onTimeout,
      )
    }
    return new TimeoutError(limit, limitMs)
  }

  // After the deadline nothing is sent.
  if (totalMs <= 0) return Promise.reject(markLocal(reached('total')))

  return untilHeaders({
    send: (signal) => send(Object.assign({}, request, { signal }), next, ctx),
    outer,
    ms: headersMs,
    onLimit() {
      if (headersMs === totalMs) return reached('total')
      return reached(headersMs === attemptMs ? 'attempt' : 'firstToken')
    },
    onAbort: () => noteAbort(request, ctx, performance.now() - startedAt),
    onResponse(response, controller, link) {
      if (!limitsBodies(limits) && !isTied(outer)) return response
      const limitsOfBody = {
        firstTokenMs: limits.firstToken - (performance.now() - startedAt),
        idleMs: limits.idle,
        totalAt,
        reached: (limit: TimeoutLimit) => reached(limit, response),
      }
      return limitedResponse(response, limitsOfBody, controller, link)
    },
  })
}

function limitsBodies({ firstToken, idle, total }: Limits): boolean {
  return firstToken !== Infinity || idle !== Infinity || total !== Infinity
}

/** Whether the tie to a signal has to end with the body: one that is made for the attempt goes with it. */
function isTied({ signal, isShared }: OuterSignal): boolean {
  return isShared && signal != null
}
