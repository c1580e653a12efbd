import {
  boundedResponse,
  carryClassification,
  classification,
  classifyOutcome,
  isStaleSocket,
} from '@breakwater/classify'
import {
  activeSignal,
  callerSignal,
  copyResponse,
  discard,
  emit,
  isBreakwaterError,
  isResponse,
  releaseHolds,
  remainingMs,
  type AttemptReason,
  type TargetFailure,
} from '@breakwater/core'
import { shouldMove } from './decide.ts'
import { createHealth } from './health.ts'
import type { Pass, Tried } from './pass.ts'
import { createRoute, type Stop } from './route.ts'
import { tryStop } from './try-stop.ts'
import type { Visit } from './visit.ts'

/** The header of an answer that did not come from the primary: the name of the target. */
const servedByHeader = 'breakwater-served-by'

/** A failure that may still be the answer. */
interface Standing {
  readonly stop: Stop
  readonly outcome: unknown
}

/** Why a target was left without a try: nothing is known of it. */
const unknownFailure = classification('unknown')

/** Goes from target to target until one answers or the failure is final. `first`: what the primary came to. */
export async function failOver(pass: Pass, visit: Visit, first?: Tried): Promise<Response> {
  const { request, ctx, call, settings, cooldowns } = pass
  const { onFailover } = settings
  const route = createRoute(pass, visit)
  const health = createHealth(pass)
  const failures: TargetFailure[] = []
  let standing: Standing | undefined
  let failure = cooldowns.failureOf(route.first.key) ?? unknownFailure
  let stop = first === undefined ? (route.find(performance.now()) ?? route.first) : route.first
  let reason: AttemptReason = stop.index === 0 ? 'initial' : 'failover'
  let tried = first

  const isCooling = !cooldowns.isOpen(route.first.key, performance.now())
  if (stop !== route.first && isCooling && !visit.isTold) {
    visit.isTold = true
    const move = { from: route.first.name, to: stop.name }
    emit(call, { type: 'failover', ...move, category: 'cooldown' }, onFailover)
  }

  for (;;) {
    route.leave(stop)
    visit.at = stop.index
    const isOwn = stop.target?.respond !== undefined
    if (tried === undefined) {
      if (reason !== 'retry' && health.enter(stop)) reason = 'probe'
      // Somebody's own answer may fail to come, and then the failure before it is still the answer.
      if (!isOwn) {
        drop(standing?.outcome)
        standing = undefined
      }
      tried = await tryStop({ stop, reason, left: route.left, failure }, visit, pass)
    }
    const { outcome, attemptsBefore } = tried
    if (isResponse(outcome) && outcome.status < 400) {
      drop(standing?.outcome)
      health.isWell(stop)
      return servedBy(outcome, stop)
    }
    const found = (await classifyOutcome(outcome, tried.request, ctx)) ?? failure
    tried.unlink?.()
    const signal = callerSignal(request, ctx)
    // A limit of ours outside stands where the caller's signal was, in a `fetch`; it ends the call as well, but says something of the target.
    if (signal?.aborted === true && (isResponse(outcome) || !isBreakwaterError(signal.reason))) {
      health.leave()
      drop(standing?.outcome)
      drop(outcome)
      throw signal.reason
    }
    const isOver = remainingMs(call) <= 0 || activeSignal(request, ctx)?.aborted === true
    const isStale = isStaleSocket(outcome)
    if (isStale && !isOver && !visit.isResent && call.attempts.length - attemptsBefore === 1) {
      visit.isResent = true
      await releaseHolds(call, outcome)
      reason = 'retry'
      tried = undefined
      continue
    }

    const isBroken = isOwn && !isResponse(outcome)
    if (isBroken) {
      ctx.logger.error(`[breakwater] \`respond\` of ${stop.name} has failed`, outcome)
    } else {
      failure = found
    }
    const { category, status, requestId, retryAfterMs } = found
    failures.push({ target: stop.name, category, status, requestId })
    if (category === 'context_window' && !found.failover) route.outgrow(stop)
    const next = route.find(performance.now())
    const move = next && !isOver ? { from: stop.name, to: next.name } : undefined
    const isLeft = isBroken || shouldMove(found, move, settings, ctx.logger)
    health.hasFailed(stop, { outcome, failure: found, isLeft, isStale })
    if (!isBroken || standing === undefined) {
      drop(standing?.outcome)
      standing = { stop, outcome }
    }

    if (!isLeft || next === undefined || isOver) {
      // The SDK's own retry, if there is one, goes on where this had to stop.
      if (isLeft && next !== undefined) visit.at = next.index
      const hasTried = category !== 'context_window' || failures.length > 1
      if (isLeft && next === undefined && hasTried) {
        emit(call, { type: 'failover_exhausted', category, targets: [...failures, ...route.skipped] })
      }
      if (!isResponse(standing.outcome)) throw standing.outcome
      return servedBy(boundedResponse(standing.outcome), standing.stop)
    }
    if (category === 'not_found') {
      ctx.logger.error(
        `[breakwater] not_found: ${stop.name} does not exist, or not for this key; check its name`,
      )
    }
    const event = { from: stop.name, to: next.name, category, waitSavedMs: retryAfterMs, status, requestId }
    emit(call, { type: 'failover', ...event }, onFailover)
    await releaseHolds(call, outcome)
    stop = next
    reason = 'failover'
    tried = undefined
  }
}

function drop(outcome: unknown): void {
  if (isResponse(outcome)) discard(outcome)
}

/** The response, saying who gave it where that was not the primary. */
function servedBy(response: Response, { target }: Stop): Response {
  // Where somebody inside has read it, whoever reads it next says so.
  if (target === undefined || response.bodyUsed || response.body?.locked === true) return response
  const headers = new Headers(response.headers)
  const inner = headers.get(servedByHeader)
  headers.set(servedByHeader, inner === null ? target.name : `${target.name}, ${inner}`)
  return carryClassification(response, copyResponse(response, headers))
}
