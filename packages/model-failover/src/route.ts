import { isMessageRequest, type TargetFailure } from '@breakwater/core'
import type { Pass } from './pass.ts'
import { movedUrl } from './target-request.ts'
import { isSame, type Target } from './targets.ts'
import { jsonOf, type Visit } from './visit.ts'
import { tokensOf } from './window.ts'

/** Somewhere a call can go: the primary, or a target. */
export interface Stop {
  readonly index: number
  readonly name: string
  readonly model: string
  /** What its cooldown is known by: two that ask the same of the same have one. */
  readonly key: string
  /** `undefined` for the primary. */
  readonly target: Target | undefined
}

/** The order in which one call goes from target to target. */
export interface Route {
  readonly first: Stop
  /** How many are still to come. */
  readonly left: number
  /** Those that were left out because the request does not fit. */
  readonly skipped: TargetFailure[]
  /** Where to go next: what cools down goes last. */
  find(now: number): Stop | undefined
  /** Takes a stop off the list, as it is being tried. */
  leave(stop: Stop): void
  /** Says that the prompt is too long for a stop: only larger windows are left. */
  outgrow(stop: Stop): void
}

/** What the primary's cooldown is known by. */
export function keyOf(url: string, model: string): string {
  const query = url.indexOf('?')
  return `${query < 0 ? url : url.slice(0, query)} ${model}`
}

/** Makes the {@link Route} of a call, which begins where the call stood before. */
export function createRoute({ request, ctx, model, settings, cooldowns }: Pass, visit: Visit): Route {
  const { targets, windows, estimateTokens } = settings
  const stops = [primaryOf(request.url, model)]
  for (const target of targets) {
    if (!isSame(target, model)) stops.push(stopOf(target, request.url, model))
  }
  const at = stops.findIndex(({ index }) => index === visit.at)
  let remaining = at > 0 ? [...stops.slice(at), ...stops.slice(0, at)] : stops
  const [first = primaryOf(request.url, model)] = remaining
  const skipped: TargetFailure[] = []
  let outgrown: number | undefined
  let needed: number | undefined

  function fits(stop: Stop): boolean {
    const { target, name } = stop
    const window = windows.get(stop.model)
    if (
      outgrown !== undefined &&
      !(target?.respond === undefined && window !== undefined && window > outgrown)
    ) {
      return skip(name, 'the prompt is too long, and its window is not known to be larger')
    }
    if (target === undefined) return true
    if (target.respond !== undefined) {
      return isMessageRequest(request) || skip(name, 'it answers only requests for a message')
    }
    const json = jsonOf(request.body, visit)
    if (json === undefined) {
      const isPlain = target.model === undefined && target.patch === undefined
      return isPlain || skip(name, 'the body of the request cannot be read as JSON')
    }
    if (window === undefined) return true
    needed ??= tokensOf(json, estimateTokens, ctx)
    if (needed <= window) return true
    skipped.push({ target: name, category: 'context_window' })
    return skip(name, `the request needs about ${needed} tokens, and its window has ${window}`)
  }

  function skip(name: string, why: string): false {
    ctx.logger.debug(`[breakwater] modelFailover skips ${name}: ${why}`)
    return false
  }

  /** Drops what does not fit, so that each is said once. */
  function check(stop: Stop): boolean {
    const isFit = fits(stop)
    if (!isFit) remaining = remaining.filter((other) => other !== stop)
    return isFit
  }

  return {
    first,
    get left() {
      return remaining.length
    },
    skipped,
    find(now) {
      // Over the list as it is: `check` replaces it.
      const open = remaining.find((stop) => cooldowns.isOpen(stop.key, now) && check(stop))
      return open ?? remaining.find(check)
    },
    leave(stop) {
      remaining = remaining.filter((other) => other !== stop)
      // What is counted from now on should be what is to come. The primary alone is not worth reading the body for.
      if (visit.parsed !== undefined) for (const other of remaining) check(other)
    },
    outgrow(stop) {
      outgrown = Math.max(outgrown ?? 0, windows.get(stop.model) ?? Infinity)
    },
  }
}

function primaryOf(url: string, model: string): Stop {
  return { index: 0, name: model, model, key: keyOf(url, model), target: undefined }
}

function stopOf(target: Target, url: string, ofRequest: string): Stop {
  const { index, name, baseURL, headers, fetch, respond } = target
  const model = target.model ?? ofRequest
  const there = keyOf(baseURL === undefined ? url : movedUrl(url, baseURL), model)
  // Another key, another `fetch` or another patch of the same model is another capacity.
  const isOwn =
    headers !== undefined ||
    fetch !== undefined ||
    respond !== undefined ||
    (baseURL === undefined && model === ofRequest)
  return { index, name, model, key: isOwn ? `${there} ${index}` : there, target }
}
