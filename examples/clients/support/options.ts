import type { BreakwaterOptions } from 'breakwater'

/** The model that is asked. */
export const primary = 'claude-opus-5-5'
/** The model that stands in for it. */
export const fallback = 'claude-haiku-5-5'

/**
 * The recommended stack, but that the waits are shorter than the defaults, for an example: those after a 529 go from 0.5 to
 * 45 s, and a rate limit's hint gets up to a second of jitter on top.
 */
export const options: BreakwaterOptions = {
  fallbacks: [fallback],
  jitterRetry: { policy: { overloaded: { stepsMs: [20, 40] }, rate_limit: { baseMs: 50 } } },
  timeout: { totalMs: 20_000 },
}
