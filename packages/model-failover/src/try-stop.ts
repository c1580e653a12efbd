import type { Classification } from '@breakwater/classify'
import {
  activeSignal,
  asksForStream,
  discard,
  markLocal,
  remainingMs,
  renewHolds,
  send,
  targetsLeft,
  type AttemptReason,
  type MiddlewareNext,
  type MiddlewareRequest,
} from '@breakwater/core'
import { messageResponse } from './message.ts'
import type { Pass, Tried } from './pass.ts'
import { lowerDeadline } from './reserve.ts'
import type { Stop } from './route.ts'
import { patchedBody, requestFor } from './target-request.ts'
import type { Target } from './targets.ts'
import { jsonOf, type Visit } from './visit.ts'
import { within } from './within.ts'

/** One try of one stop. */
export interface Trial {
  readonly stop: Stop
  readonly reason: AttemptReason
  /** How many targets are still to come after it. */
  readonly left: number
  /** What the stop before has failed with. */
  readonly failure: Classification
}

/** Tries a stop; rejects never. While others are to come, it has only its share of the time to the deadline. */
export async function tryStop(trial: Trial, visit: Visit, pass: Pass): Promise<Tried> {
  const { stop, left, reason } = trial
  const { ctx, call, inherited, settings } = pass
  const { target } = stop
  const attemptsBefore = call.attempts.length
  const sent =
    target === undefined || target.respond !== undefined ? pass.request : aimed(target, visit, pass)
  const note = reason === 'initial' ? undefined : { reason }
  const next = target?.fetch === undefined ? pass.next : nextOf(target.fetch)
  const source = activeSignal(pass.request, ctx)
  // The SDK's own signal is made for one attempt, and goes with it.
  const isShared = ctx.options === undefined || source === ctx.options.signal

  function go(signal: AbortSignal | undefined): Promise<Response> {
    if (target?.respond !== undefined)
      return respond(target, target.respond, trial, visit, pass, signal ?? source)
    // What stands inside and knows of the SDK's own limit is passed by: it must not find that signal spent.
    const own = signal ?? (target?.fetch === undefined ? undefined : source)
    const request = own === undefined ? sent : Object.assign({}, sent, { signal: own })
    // Who limits the call outside does not know where a `fetch` of a target leads.
    const renewing = target?.fetch === undefined ? renewHolds(call, request) : undefined
    if (renewing === undefined) return send(request, next, ctx, note)
    return renewing.then((waitMs) => send(request, next, ctx, { reason, waitMs }))
  }

  // After the deadline it is for whoever set it to refuse.
  const leftMs = remainingMs(call)
  const isShort = leftMs === Infinity ? pass.expectsDeadline : leftMs > 0
  let restore: (() => void) | undefined
  /** A `timeout` inside tells the deadline only when it has been called. */
  function share(): number {
    if (left > 0 && settings.reserveMs > 0) restore ??= lowerDeadline(call, settings.reserveMs)
    return restore === undefined ? Infinity : remainingMs(call)
  }

  targetsLeft.set(call, inherited + left)
  let outcome: unknown
  let unlink: (() => void) | undefined
  try {
    if (leftMs < Infinity) share()
    const isLimited = isShort && left > 0 && settings.reserveMs > 0
    const limited = isLimited ? within(share, { signal: source, isShared }, go) : undefined
    const sending = limited?.outcome ?? go(undefined)
    unlink = limited?.unlink
    if (limited === undefined) share()
    outcome = await sending
  } catch (error) {
    outcome = error
  } finally {
    restore?.()
    targetsLeft.set(call, inherited)
  }
  return { outcome, attemptsBefore, request: sent, unlink }
}

/** The request for a target. The primary's body is only read where it has to change. */
function aimed(target: Target, visit: Visit, { request }: Pass): MiddlewareRequest {
  const { model, patch } = target
  const isChanged = model !== undefined || patch !== undefined
  const json = isChanged ? jsonOf(request.body, visit) : undefined
  return requestFor(target, request, json && patchedBody(json, patch, model))
}

function nextOf(fetch: typeof globalThis.fetch): MiddlewareNext {
  return ({ url, ...init }) => fetch(url, init)
}

/** Asks the user's function. Rejects at once on an abort; what comes after that is discarded. */
function respond(
  { name }: Target,
  ask: NonNullable<Target['respond']>,
  { failure }: Trial,
  visit: Visit,
  { request, ctx }: Pass,
  signal: AbortSignal | undefined,
): Promise<Response> {
  if (signal?.aborted === true) return Promise.reject(signal.reason)
  return new Promise((resolve, reject) => {
    const onAbort = (): void => reject(signal?.reason)
    signal?.addEventListener('abort', onAbort, { once: true })
    const asking = Promise.resolve().then(() => ask({ request, failure, signal }))
    asking
      .then((answer) => {
        const isLate = signal?.aborted === true
        if (typeof answer === 'string') {
          resolve(messageResponse(answer, name, isStreamed(visit, request, ctx)))
        } else if (!(answer instanceof Response)) {
          reject(new TypeError('Expected `respond` to return a response or a string.'))
        } else if (isLate) {
          discard(answer)
        } else {
          resolve(markLocal(answer))
        }
      })
      .catch(reject)
      .finally(() => signal?.removeEventListener('abort', onAbort))
  })
}

function isStreamed(visit: Visit, request: MiddlewareRequest, ctx: Pass['ctx']): boolean {
  const json = jsonOf(request.body, visit)
  return json === undefined ? asksForStream(request, ctx) : json['stream'] === true
}
