import {
  attemptOf,
  callerSignal,
  callOf,
  isBreakwaterError,
  isResponse,
  modelOf,
  type MiddlewareContext,
  type MiddlewareRequest,
} from '@breakwater/core'
import { recallRuled, rememberRuled } from './cache.ts'
import { classification, type Classification } from './classification.ts'
import { classifyError } from './classify-error.ts'
import { classifyResponse } from './classify-response.ts'
import { applyRules, rulesOf } from './rules.ts'

/**
 * What is wrong with a response that `next` returned or an error that it threw, under the rules of the call;
 * `undefined` when nothing is. For authors of middleware: the verdict is found once per failure, however many ask, and
 * its category is written to the call's ledger. Pass the response on with `boundedResponse`.
 *
 * An abort is the caller's only when the caller's own signal says so: the SDK's timer aborts the request's as well.
 */
export async function classifyOutcome(
  outcome: unknown,
  request: MiddlewareRequest,
  ctx: MiddlewareContext,
): Promise<Classification | undefined> {
  const key = typeof outcome === 'object' && outcome !== null ? outcome : undefined
  const known = key && recallRuled(key)
  if (known !== undefined) return known
  const response = isResponse(outcome) ? outcome : undefined
  const found = response === undefined ? ofError(outcome, request, ctx) : await classifyResponse(response)
  if (found === undefined) return undefined
  const rules = rulesOf.get(callOf(request, ctx))
  const facts = {
    headers: response?.headers,
    error: response ? undefined : outcome,
    model: modelOf(request, ctx),
  }
  const failure = rules === undefined ? found : applyRules(found, rules, facts, ctx)
  const attempt = attemptOf(outcome)
  if (attempt !== undefined) attempt.category = failure.category
  if (key !== undefined) rememberRuled(key, failure)
  return failure
}

function ofError(error: unknown, request: MiddlewareRequest, ctx: MiddlewareContext): Classification {
  // Our own errors know what they are, also when they were what aborted the rest.
  if (isBreakwaterError(error)) return classifyError(error)
  const signal = callerSignal(request, ctx)
  if (signal?.aborted === true) {
    // An outer middleware of ours may have put its limit where the caller's signal was.
    return isBreakwaterError(signal.reason) ? classifyError(signal.reason) : classification('aborted')
  }
  const found = classifyError(error)
  // The caller did not abort: then it was the SDK's timer, or an outer middleware's.
  return found.category === 'aborted' && request.signal?.aborted === true ? classification('timeout') : found
}
