import type { FakeRequest, Reply, ReplyFields, ScriptFunction } from '@breakwater/testkit'
import { primary } from './client.ts'

/** Length of the cycle in which the API fails, in milliseconds. */
const cycleMs = 20_000
const limitPerMinute = 2000

/**
 * An API that has a bad day every 20 seconds: from second 3 the primary model is overloaded for two seconds, from second 7
 * everything is. In between it answers. A question that names a failure (`#429`, `#cut`) gets it, at any time.
 */
export function createScript(): ScriptFunction {
  const startedAt = performance.now()
  let served = 0
  return (request) => {
    const at = (performance.now() - startedAt) % cycleMs
    const named = failureOf(request)
    if (named !== undefined) return named
    if ((at >= 3000 && at < 5000 && request.model === primary) || (at >= 7000 && at < 9000))
      return { status: 529, delayMs: 50 }
    served += 1
    const delayMs = 50 + ((served * 37) % 200)
    return {
      delayMs,
      gapMs: 5,
      rateLimit: limitsAt(at),
      text: 'It depends on what you want to know. '.repeat(5),
    }
  }
}

const failures: Readonly<Record<string, Reply>> = {
  '429': { status: 429, retryAfterMs: 200 },
  '404': { status: 404, message: 'model: claude-retired-1' },
  spend: { status: 429, code: 'enforced_spend_limit_reached' },
  reset: { network: 'reset' },
  early: { fault: { kind: 'error', at: 1 } },
  cut: { fault: { kind: 'cut', at: 5 } },
  end: { fault: { kind: 'end', at: 5 } },
  stall: { fault: { kind: 'stall', at: 5 } },
}

function failureOf({ body, headers }: FakeRequest): Reply | undefined {
  const name = /#(\w+)/.exec(JSON.stringify(body) ?? '')?.[1] ?? ''
  const failure = failures[name] ?? (/^[45]\d\d$/.test(name) ? Number(name) : undefined)
  // Some failures are over at the next try, which says by its header that it is one.
  const isRetry = headers['x-stainless-retry-count'] !== '0'
  return isRetry && (name === '429' || name === '500' || name === 'early') ? undefined : failure
}

/** The limits of the account: nearly used up at the end of a cycle. */
function limitsAt(at: number): ReplyFields['rateLimit'] {
  const remaining = Math.round(limitPerMinute * (1 - (0.95 * at) / cycleMs))
  return {
    requests: { limit: limitPerMinute, remaining },
    inputTokens: { limit: limitPerMinute * 100, remaining: remaining * 100 },
    outputTokens: { limit: limitPerMinute * 20, remaining: remaining * 20 },
  }
}
