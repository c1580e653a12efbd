import {
  assertFunction,
  assertOption,
  attemptOf,
  callerSignal,
  callOf,
  discard,
  emit,
  isCredentialExchange,
  modelOf,
  notify,
  send,
  withDescription,
  type Middleware,
  type MiddlewareContext,
  type MiddlewareRequest,
} from '@breakwater/core'
import { boundedResponse } from './bounded.ts'
import { isFirstReport } from './cache.ts'
import type { Classification } from './classification.ts'
import { description } from './description.ts'
import { classifyOutcome } from './outcome.ts'
import { rulesOf, type ClassifyRule } from './rules.ts'

/** A failure as `onFailure` gets it. */
export interface Failure extends Classification {
  /** The model that the request asked for. */
  readonly model?: string | undefined
}

/** Options of {@link classify}. */
export interface ClassifyOptions {
  /**
   * Override verdicts, or extend the vocabulary, for every middleware of the call. The first rule that answers decides.
   * @default []
   */
  rules?: readonly ClassifyRule[] | undefined
  /**
   * Told of each failure once. Its `message` is the API's own text, which may quote the prompt: mind where it goes.
   * @default nobody is told
   */
  onFailure?: ((failure: Failure) => void) | undefined
}

/**
 * Classifies every failure that passes. It sets the rules of the call, logs one line per failure with its request id to
 * the client's logger, and tells `onFailure` and the listeners of `onEvent`.
 *
 * The caller gets the same response or error, an error body with what arrived of it in 64 KiB and 1 s.
 *
 * @throws {TypeError} for a bad option, naming it.
 * @example
 * ```ts
 * import Anthropic from '@anthropic-ai/sdk'
 * import { classify } from '@breakwater/classify'
 *
 * const client = new Anthropic({
 *   middleware: [classify({ onFailure: ({ category, hint }) => console.error(category, hint) })],
 * })
 * ```
 */
export function classify({ rules = [], onFailure }: ClassifyOptions = {}): Middleware {
  assertOption(
    Array.isArray(rules) && rules.every((rule) => typeof rule === 'function'),
    'rules',
    'an array of functions',
    rules,
  )
  assertFunction('onFailure', onFailure)
  const told = new WeakSet<object>()
  const hasRules = rules.length > 0

  async function report(outcome: unknown, request: MiddlewareRequest, ctx: MiddlewareContext): Promise<void> {
    const verdict = await classifyOutcome(outcome, request, ctx)
    if (verdict === undefined) return
    const failure: Failure = { ...verdict, model: modelOf(request, ctx) }
    // One upstream attempt is one failure, whatever made a new response or error of it on the way.
    const key = attemptOf(outcome) ?? (typeof outcome === 'object' && outcome !== null ? outcome : {})
    if (isFirstReport(key)) publish(failure, request, ctx)
    if (onFailure !== undefined && !told.has(key)) {
      told.add(key)
      notify(callOf(request, ctx), () => onFailure(failure))
    }
  }

  return withDescription(async function classify(request, next, ctx) {
    if (isCredentialExchange(request, ctx)) return next(request)
    if (hasRules) rulesOf.set(callOf(request, ctx), rules)
    let response: Response
    try {
      response = await send(request, next, ctx)
    } catch (error) {
      await report(error, request, ctx)
      throw error
    }
    if (response.status < 400) return response
    await classifyOutcome(response, request, ctx)
    const signal = callerSignal(request, ctx)
    if (signal?.aborted === true) {
      // Nobody knows what of the failure the abort has made, and nobody waits for it.
      discard(response)
      await report(signal.reason, request, ctx)
      throw signal.reason
    }
    await report(response, request, ctx)
    return boundedResponse(response)
  }, description)
}

/** At which level of the client's logger a failure is written. */
const levels = { page: 'error', ticket: 'error', warn: 'warn', info: 'info' } as const

/** Texts of the API stay out of the log and the event: they may quote the prompt. */
function publish(failure: Failure, request: MiddlewareRequest, ctx: MiddlewareContext): void {
  const { category, fault, severity, retry, status, type, code, model, requestId, retryAfterMs, hint } =
    failure
  const facts = [
    status && `status=${status}`,
    type && `type=${type}`,
    code && `code=${code}`,
    model && `model=${model}`,
    requestId && `request_id=${requestId}`,
    retryAfterMs !== undefined && `retry_after_ms=${retryAfterMs}`,
    `fault=${fault}`,
    `retry=${retry}`,
  ]
  ctx.logger[levels[severity]](`[breakwater] ${category} ${facts.filter(Boolean).join(' ')} | ${hint}`)
  const event = {
    type: 'failure',
    category,
    fault,
    severity,
    status,
    code,
    model,
    requestId,
    retryAfterMs,
  } as const
  emit(callOf(request, ctx), event)
}
