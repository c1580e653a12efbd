import type { Description, Place, Position, Worst } from '@breakwater/core'
import type { Settings } from './options.ts'
import { rehearsalOf } from './rehearsal.ts'

/** What `modelFailover` says of itself for `describe`. */
export function descriptionOf(settings: Settings): Description {
  return {
    name: 'modelFailover',
    worst: (inside, place) => worstOf(settings, inside, place),
    rehearse: () => rehearsalOf(settings),
    warn: (position) => warnings(position),
  }
}

/** A `fetch` of a target passes by what stands inside; a `respond` sends nothing. */
function worstOf(
  { targets }: Settings,
  { maxRequests, maxWaitMs, maxWaitToMoveMs = maxWaitMs, turns = maxRequests }: Worst,
  { inside }: Place,
): Worst {
  const own = targets.filter(({ fetch }) => fetch !== undefined).length
  const through = 1 + targets.filter(({ fetch, respond }) => (fetch ?? respond) === undefined).length
  // Once a call it sends again what met a closed keep-alive connection, unless a retry inside has done so.
  const again = inside.includes('jitterRetry') ? 0 : 1
  const resent = own > 0 ? 1 : again
  return {
    maxRequests: through * maxRequests + own + resent,
    // All but the last one have a target after them.
    maxWaitMs: (through - 1) * maxWaitToMoveMs + (1 + again) * maxWaitMs,
    maxWaitToMoveMs: (through + again) * maxWaitToMoveMs,
    sentOnce: resent,
    turns: (through + again) * turns,
  }
}

const page = 'docs/choosing-an-order.md'

function warnings({ outside, inside, faults }: Position): string[] {
  const found: string[] = []
  if (outside.includes('jitterRetry')) {
    const here = faults().overloaded.requests
    const there = faults('jitterRetry').overloaded.requests
    const counts =
      here > there
        ? `: a 529 of them all sends ${here} requests here, and ${there} with the retry inside, where a patient wait gives way to the next target`
        : ''
    found.push(
      `\`jitterRetry\` outside \`modelFailover\` goes through all targets again on each of its tries${counts}; put it inside. See ${page}#retry-outside-the-failover`,
    )
  }
  if (inside.includes('betaRefusalFallbackMiddleware (not ours)')) {
    found.push(
      `The SDK's \`betaRefusalFallbackMiddleware\` inside \`modelFailover\` discards the model of a target: put it outside. See ${page}#refusal-fallback-inside-the-failover`,
    )
  }
  return found
}
