import type { Description, Position, RehearsedMiddleware } from '@breakwater/core'
import type { GuardSettings } from './guarded-response.ts'

/** What `streamGuard` says of itself for `describe`. */
export function descriptionOf(settings: GuardSettings): Description {
  return {
    name: 'streamGuard',
    rehearse: () => rehearsalOf(settings),
    warn: (position) => warnings(settings, position),
  }
}

/** `streamGuard` in miniature: a stream that breaks while it is held is a failing response. */
function rehearsalOf({ commit, limits }: GuardSettings): RehearsedMiddleware {
  const holds = limits.maxMs > 0 && limits.maxBytes > 0
  return (_rehearsal, next) => {
    const result = next()
    if (result.kind !== 'broken_stream') return result
    return holds && (commit === 'end' || (commit === 'content' && result.isEarly))
      ? { kind: 'failure', category: 'server_error', status: 502 }
      : { kind: 'interrupted_stream' }
  }
}

const page = 'docs/choosing-an-order.md'

function warnings({ commit }: GuardSettings, { outside, inside }: Position): string[] {
  const found: string[] = []
  if (commit === 'end') {
    found.push(
      "`streamGuard` with `commit: 'end'` holds a stream until it is whole: its first text comes with its last; leave `commit` out where somebody reads along",
    )
    if (outside.includes('timeout') && !inside.includes('timeout')) {
      found.push(
        "`timeout` outside `streamGuard` with `commit: 'end'`: it sees nothing of a stream that is held, and takes all of it for the wait for its first content; put it inside",
      )
    }
  }
  const healers = inside.filter((name) => name === 'jitterRetry' || name === 'modelFailover')
  if (healers.length > 0) {
    const names = [...new Set(healers)].map((name) => `\`${name}\``).join(' and ')
    found.push(
      `\`streamGuard\` outside ${names}: they cannot heal the failures that it finds in streams; put it inside. See ${page}#guard-outside-the-retry`,
    )
  }
  if (outside.includes('streamGuard')) {
    found.push(
      `\`streamGuard\` inside another one does all the work, and the outer one none; remove one. See ${page}#a-second-copy`,
    )
  }
  return found
}
