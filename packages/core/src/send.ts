import { callOf, type Attempt, type AttemptReason, type Call, type Frame } from './call.ts'
import { isBreakwaterError } from './errors.ts'
import { isObject } from './is-object.ts'
import type { MiddlewareContext, MiddlewareNext, MiddlewareRequest } from './middleware.ts'
import { modelOf } from './model.ts'
import { registry } from './registry.ts'

/** What a middleware knows of the attempt that it is about to make. */
export interface SendNote {
  /** @default 'initial' */
  reason?: AttemptReason | undefined
  /** What the call has just waited for this attempt, in milliseconds. @default 0 */
  waitMs?: number | undefined
}

/**
 * Calls `next`, and sees to it that the innermost middleware that sends writes the upstream attempt to the
 * call's ledger, once. Every behaviour calls `next` through it, so that none has to know its place.
 *
 * A `send` that is called while an outer one calls its `next` is seen at once. Where somebody in between waits
 * first, the outer one finds out when both settle: by the same response or error, or by the same request id.
 *
 * @example
 * ```ts
 * import { discard, send, type Middleware } from '@breakwater/core'
 *
 * export const onceMore: Middleware = async (request, next, ctx) => {
 *   const response = await send(request, next, ctx)
 *   if (response.status !== 529) return response
 *   discard(response)
 *   return send(request, next, ctx, { reason: 'retry' })
 * }
 * ```
 */
export function send(
  request: MiddlewareRequest,
  next: MiddlewareNext,
  ctx: MiddlewareContext,
  note?: SendNote,
): Promise<Response> {
  const call = callOf(request, ctx)
  if (note !== undefined) addNote(call, note)
  const frame: Frame = { outer: false }
  const parent = call.frame
  if (parent !== undefined) parent.outer = true
  call.frame = frame
  // `next` rejects at once then, and sends nothing.
  const isSpent = request.signal?.aborted === true
  try {
    const outcome = next(request)
    return frame.outer ? outcome : record(outcome, call, request, ctx, isSpent)
  } catch (error) {
    return Promise.reject(error)
  } finally {
    call.frame = parent
  }
}

/** Says that a response or an error was made here, so that no outer {@link send} counts it as an attempt. */
export function markLocal<Outcome extends object>(outcome: Outcome): Outcome {
  registry.outcomes.set(outcome, undefined)
  return outcome
}

/** The ledger's line for the upstream attempt that a response or an error came from. */
export function attemptOf(outcome: unknown): Attempt | undefined {
  return isObject(outcome) ? registry.outcomes.get(outcome) : undefined
}

/** Lets a new object (a stamped response, a wrapped error) stand for the one it was made from. */
export function carryAttempt<Outcome extends object>(from: object, to: Outcome): Outcome {
  if (registry.outcomes.has(from)) registry.outcomes.set(to, registry.outcomes.get(from))
  return to
}

function addNote(call: Call, { reason = 'initial', waitMs = 0 }: SendNote): void {
  if (call.note === undefined) {
    call.note = { reason, waitMs }
  } else {
    if (reason !== 'initial') call.note.reason = reason
    call.note.waitMs += waitMs
  }
}

async function record(
  outcome: Promise<Response>,
  call: Call,
  request: MiddlewareRequest,
  ctx: MiddlewareContext,
  isSpent: boolean,
): Promise<Response> {
  const startedAt = performance.now()
  const first = call.attempts.length
  call.recording++
  try {
    const response = await outcome
    const requestId = response.headers.get('request-id') ?? undefined
    if (!isWritten(call, first, response, requestId)) {
      const attempt = write(call, request, ctx, startedAt, response.status, requestId)
      // A plain success is not looked up again, unless an outer `send` may ask whether it was written.
      if (response.status >= 400 || call.recording > 1) registry.outcomes.set(response, attempt)
    }
    return response
  } catch (error) {
    // Our own errors say that nothing was sent, or stand for an attempt that an inner `send` has written. Only a limit
    // of `timeout` comes back out of `fetch` itself, as the reason of its signal.
    const isLimit = isBreakwaterError(error) && error.category === 'timeout'
    const isOurs = isBreakwaterError(error) && !isLimit
    // A limit or an abort may come after the headers, or be named anew on its way out: then somebody inside has written the line.
    const isLate = (isLimit || request.signal?.aborted === true) && call.attempts.length > first
    if (!isOurs && !isSpent && !isLate && !isWritten(call, first, error)) {
      const attempt = write(call, request, ctx, startedAt)
      if (isObject(error)) registry.outcomes.set(error, attempt)
    }
    throw error
  } finally {
    call.recording--
  }
}

/** Whether a `send` inside, which began later, has already accounted for this outcome. */
function isWritten(call: Call, first: number, outcome: unknown, requestId?: string): boolean {
  if (!isObject(outcome)) return false
  if (registry.outcomes.has(outcome)) {
    const attempt = registry.outcomes.get(outcome)
    return attempt === undefined || call.attempts.includes(attempt, first)
  }
  for (let index = first; index < call.attempts.length; index++) {
    if (requestId !== undefined && call.attempts[index]?.requestId === requestId) return true
  }
  return false
}

function write(
  call: Call,
  request: MiddlewareRequest,
  ctx: MiddlewareContext,
  startedAt: number,
  status?: number,
  requestId?: string,
): Attempt {
  const note = call.note
  call.note = undefined
  const attempt: Attempt = {
    reason: note === undefined ? 'initial' : note.reason,
    startedAt,
    durationMs: performance.now() - startedAt,
    waitMs: note === undefined ? 0 : note.waitMs,
    model: modelOf(request, ctx),
    status,
    requestId,
    category: undefined,
  }
  call.attempts.push(attempt)
  return attempt
}
