import type { Description, Position, RehearsedMiddleware } from '@breakwater/core'
import type { Limits } from './attempt.ts'

/** What `timeout` says of itself for `describe`; `usual` are the limits that nobody has asked for. */
export function descriptionOf(limits: Limits, usual: Pick<Limits, 'attempt' | 'firstToken'>): Description {
  return {
    name: 'timeout',
    deadlineMs: limits.total,
    rehearse: () => rehearsalOf(limits),
    warn: (position) => warning(position, limits, usual),
  }
}

/** `timeout` in miniature: an attempt is whatever happens in one `next`, with a retry inside also its waits. */
function rehearsalOf({ attempt, firstToken }: Limits): RehearsedMiddleware {
  return (rehearsal, next) => {
    const isStream = rehearsal.fault === 'stream_cut' || rehearsal.fault === 'stream_cut_early'
    const limitMs = isStream ? Math.min(attempt, firstToken) : attempt
    return rehearsal.within(limitMs, next) ?? { kind: 'failure', category: 'timeout' }
  }
}

function warning(
  { inside }: Position,
  { attempt, firstToken, total }: Limits,
  usual: Pick<Limits, 'attempt' | 'firstToken'>,
): string | undefined {
  const repeater = inside.find((name) => name === 'jitterRetry' || name === 'modelFailover')
  if (repeater === undefined || Math.min(attempt, firstToken) >= total) return undefined
  if (attempt >= usual.attempt && firstToken >= usual.firstToken) return undefined
  return `\`timeout\` outside \`${repeater}\` takes all its tries and waits for one attempt: put \`timeout\` inside; \`totalMs\` holds from there too. See docs/choosing-an-order.md#limit-of-an-attempt-outside-the-retry`
}
