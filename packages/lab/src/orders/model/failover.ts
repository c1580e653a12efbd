import { fallback, primary } from '../fault.ts'
import { longestMs, type Failure } from './verdicts.ts'
import type { Inner, Result, World } from './world.ts'

const cooldownMs = 30_000

/** The next target at once; what has failed cools down, and is tried last. */
export function failover(inner: Inner, world: World, model: string, place: number): Result {
  // A request for the target itself has nowhere to go.
  if (model !== primary) return inner(world, model)
  const { call } = world
  const cooling = world.cooling.get(place) ?? new Map<string, number>()
  world.cooling.set(place, cooling)
  const visit = call.visits.get(`${place} ${model}`) ?? { at: undefined, isResent: false }
  call.visits.set(`${place} ${model}`, visit)
  const inherited = call.targetsLeft
  const stops = [primary, fallback]
  if (visit.at !== undefined && visit.at !== stops[0]) stops.reverse()
  let left = stops
  for (;;) {
    const stop = left.find((target) => (cooling.get(target) ?? -1) <= world.now) ?? left[0] ?? model
    left = left.filter((target) => target !== stop)
    visit.at = stop
    call.targetsLeft = inherited + left.length
    const before = world.sent.length
    let result = ask(stop)
    if (isStale(result) && !visit.isResent && world.sent.length - before === 1) {
      visit.isResent = true
      result = ask(stop)
    }
    if (result.kind === 'answer') {
      cooling.delete(stop)
      return result
    }
    const { failure } = result
    const isTooLong = failure.hintMs !== undefined && failure.hintMs > longestMs && isOfServer(failure)
    const moves = failure.failover || isTooLong
    if (moves && !failure.isStale && failure.category !== 'circuit_open')
      cooling.set(stop, Math.max(cooling.get(stop) ?? 0, world.now + (failure.hintMs ?? cooldownMs)))
    else if (failure.status !== undefined && !failure.failover && failure.category !== 'circuit_open')
      cooling.delete(stop)
    if (!moves || left.length === 0) return result
  }

  function ask(stop: string): Result {
    try {
      return inner(world, stop)
    } catch (limit) {
      // The SDK's own retry, if there is one, goes on where this had to stop.
      if (limit !== world.abort) {
        cooling.set(stop, Math.max(cooling.get(stop) ?? 0, world.now + cooldownMs))
        visit.at = left[0] ?? stop
      }
      throw limit
    } finally {
      call.targetsLeft = inherited
    }
  }
}

function isStale(result: Result): boolean {
  return result.kind === 'failure' && result.failure.isStale
}

function isOfServer({ fault }: Failure): boolean {
  return fault === 'traffic' || fault === 'provider'
}
