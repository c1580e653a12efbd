import { classifyRehearsed } from '@breakwater/classify'
import type { Logger, Rehearsal, Rehearsed, RehearsedMiddleware, RehearsedTarget } from '@breakwater/core'
import { shouldMove } from './decide.ts'
import type { Settings } from './options.ts'
import { shareMs } from './reserve.ts'
import type { Target } from './targets.ts'

/** `modelFailover` in miniature: its targets one after the other, from where the call stood before. */
export function rehearsalOf(settings: Settings): RehearsedMiddleware {
  const { targets, reserveMs } = settings
  const stops: readonly (Target | undefined)[] = [undefined, ...targets]
  /** By what was asked of it, the stop that was tried last. */
  const visits = new Map<string, number>()

  return (rehearsal, next) => {
    const { target: asked, targetsLeft, deadlineMs } = rehearsal
    const key = `${asked.origin} ${asked.model}`
    const from = visits.get(key) ?? 0
    const route = [...stops.slice(from), ...stops.slice(0, from)]
    let result: Rehearsed = { kind: 'answer' }
    try {
      for (const [index, stop] of route.entries()) {
        const left = route.length - 1 - index
        visits.set(key, (from + index) % route.length)
        rehearsal.target = targetOf(stop, asked)
        rehearsal.targetsLeft = targetsLeft + left
        const leftMs = deadlineMs - rehearsal.nowMs
        const isShared = left > 0 && leftMs > 0 && leftMs < Infinity
        rehearsal.deadlineMs = isShared ? rehearsal.nowMs + shareMs(leftMs, reserveMs) : deadlineMs
        result = ask(stop, rehearsal, next)
        const failure = classifyRehearsed(result)
        if (failure === undefined || left === 0) return result
        const move = { from: nameOf(stop), to: nameOf(route[index + 1]) }
        if (!shouldMove(failure, move, settings, silent)) return result
        rehearsal.move()
        rehearsal.release(result)
      }
      return result
    } finally {
      Object.assign(rehearsal, { target: asked, targetsLeft, deadlineMs })
    }
  }
}

function ask(stop: Target | undefined, rehearsal: Rehearsal, next: () => Rehearsed): Rehearsed {
  if (stop?.respond !== undefined) return { kind: 'answer' }
  // Who limits the call outside does not know where a `fetch` of a target leads.
  return stop?.fetch === undefined ? (rehearsal.renew() ?? next()) : rehearsal.upstream()
}

function targetOf(stop: Target | undefined, asked: RehearsedTarget): RehearsedTarget {
  if (stop === undefined) return asked
  const { baseURL, model = asked.model } = stop
  return { origin: baseURL === undefined ? asked.origin : new URL(baseURL).origin, model, isPrimary: false }
}

/** The model of the caller's request is not known here. */
function nameOf(stop: Target | undefined): string {
  return stop?.name ?? 'primary'
}

const silent: Logger = { error: nothing, warn: nothing, info: nothing, debug: nothing }

function nothing(): void {}
