import type { RateLimitHeaders } from './reply.ts'

/** Writes the three `anthropic-ratelimit-*` headers of one family, given by its name in camel case. */
export function rateLimitHeaders(
  family: string,
  { limit, remaining, resetMs = 60_000 }: RateLimitHeaders,
  nowMs: number,
): Record<string, string> {
  const prefix = `anthropic-ratelimit-${family.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`
  return {
    [`${prefix}-limit`]: String(limit),
    [`${prefix}-remaining`]: String(remaining),
    [`${prefix}-reset`]: rfc3339(nowMs + resetMs),
  }
}

/** Rounds a time up to whole seconds, so that nobody who reads it comes too early. */
export function wholeSeconds(ms: number): number {
  return Math.ceil(ms / 1000) * 1000
}

function rfc3339(ms: number): string {
  return new Date(wholeSeconds(ms)).toISOString().replace('.000Z', 'Z')
}
