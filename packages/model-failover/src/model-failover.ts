import {
  callOf,
  emit,
  isCredentialExchange,
  modelOf,
  send,
  targetsLeft,
  withDescription,
  type Middleware,
  type MiddlewareContext,
  type MiddlewareRequest,
} from '@breakwater/core'
import { createCooldowns, type CoolingTarget } from './cooldowns.ts'
import { descriptionOf } from './description.ts'
import { failOver } from './fail-over.ts'
import { settingsOf, type ModelFailoverOptions } from './options.ts'
import type { Pass, Tried } from './pass.ts'
import { lowerDeadline } from './reserve.ts'
import { keyOf } from './route.ts'
import { isSame } from './targets.ts'
import { hasVisited, visitOf } from './visit.ts'

/** A `modelFailover` and what it knows of its targets. */
export interface ModelFailover extends Middleware {
  /** The targets that are cooling down, or due to be probed. */
  snapshot(): readonly CoolingTarget[]
  /** Ends the cooldown of the target of this name, or all. */
  reset(target?: string): void
}

/**
 * Moves a call to another model, region, provider or a degraded answer when its own fails. A target that has failed cools
 * down: meanwhile calls go to the next one at once, and then one call finds out whether it is back.
 *
 * An answer that is not the primary's says whose it is in the header `breakwater-served-by`. When all fail, the caller
 * gets the failure of the last one.
 *
 * @throws {TypeError} for a bad option, naming it.
 * @example
 * ```ts
 * import Anthropic from '@anthropic-ai/sdk'
 * import { modelFailover } from '@breakwater/model-failover'
 *
 * const client = new Anthropic({
 *   middleware: [modelFailover({ to: ['claude-sonnet-5-5', { model: 'claude-haiku-5-5', patch: { thinking: null } }] })],
 * })
 * ```
 */
export function modelFailover(options: ModelFailoverOptions): ModelFailover {
  const settings = settingsOf(options)
  const { targets, reserveMs, cooldownMs, onCooldown } = settings
  const cooldowns = createCooldowns(cooldownMs)
  /** How many targets ask for nothing else than a request for a model does anyway. */
  const same = new Map<string, number>()
  for (const { model } of targets.filter((target) => isSame(target, target.model))) {
    if (model !== undefined) same.set(model, (same.get(model) ?? 0) + 1)
  }
  let hasWarned = false
  let expectsDeadline = false

  function warnOfUrl(request: MiddlewareRequest, ctx: MiddlewareContext): void {
    if (hasWarned || !isModelInUrl.test(request.url)) return
    hasWarned = true
    ctx.logger.warn(
      '[breakwater] modelFailover lets calls to Bedrock and Vertex pass in a `fetch`: the model stands in a URL that is signed. Give it to the client as `middleware`.',
    )
  }

  /** Goes on where the short way of a call in good times ends. */
  function goOn(
    parts: Omit<Pass, 'settings' | 'cooldowns' | 'expectsDeadline'>,
    first?: Tried,
  ): Promise<Response> {
    const visit = visitOf(parts.call, settings, keyOf(parts.request.url, parts.model))
    return failOver({ ...parts, settings, cooldowns, expectsDeadline }, visit, first)
  }

  const middleware: Middleware = async function modelFailover(request, next, ctx) {
    if (isCredentialExchange(request, ctx)) return next(request)
    const { body } = request
    const model = typeof body === 'string' || body instanceof Uint8Array ? modelOf(request, ctx) : undefined
    if (model === undefined) {
      warnOfUrl(request, ctx)
      return send(request, next, ctx)
    }
    const left = targets.length - (same.get(model) ?? 0)
    if (left === 0) return send(request, next, ctx)

    const call = callOf(request, ctx)
    call.sendsAgain = true
    const inherited = targetsLeft.get(call) ?? 0
    if (cooldowns.size > 0 || expectsDeadline || call.deadline !== undefined || hasVisited(call, settings)) {
      return goOn({ request, next, ctx, call, model, inherited })
    }
    const attemptsBefore = call.attempts.length
    let outcome: unknown
    let restore: (() => void) | undefined
    targetsLeft.set(call, inherited + left)
    try {
      const sending = send(request, next, ctx)
      // A `timeout` inside tells the deadline only now.
      if (call.deadline !== undefined) {
        expectsDeadline = true
        restore = lowerDeadline(call, reserveMs)
      }
      const response = await sending
      if (response.status < 400) return response
      outcome = response
    } catch (error) {
      outcome = error
    } finally {
      restore?.()
      targetsLeft.set(call, inherited)
    }
    return goOn({ request, next, ctx, call, model, inherited }, { outcome, attemptsBefore, request })
  }

  const failover: ModelFailover = Object.assign(middleware, {
    snapshot: () => cooldowns.list(performance.now()),
    reset(target?: string) {
      for (const name of cooldowns.reset(target, performance.now())) {
        emit(undefined, { type: 'cooldown', target: name, state: 'ended' }, onCooldown)
      }
    },
  })
  withDescription(failover, descriptionOf(settings))
  return failover
}

/** Bedrock's and Vertex's own wire, which only a `fetch` sees. */
const isModelInUrl = /\/model\/[^/]+\/(?:invoke|converse)|:(?:streamR|r)awPredict(?:\?|$)/
