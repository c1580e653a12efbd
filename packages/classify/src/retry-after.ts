import { maxTimerMs } from '@breakwater/core'

const decimal = /^\d+(?:\.\d+)?$/
/** The two date forms of RFC 9110 5.6.7 that name their zone; `Date.parse` alone would take almost any text. */
const httpDate = /^[A-Z][a-z]{2,8}, \d{2}[ -][A-Z][a-z]{2}[ -]\d{2,4} \d{2}:\d{2}:\d{2} GMT$/
const rfc3339 = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d+)?(?:Z|[+-]\d{2}:\d{2})$/i

/** The families of https://platform.claude.com/docs/en/api/rate-limits, each with `-remaining` and `-reset`. */
const families = [
  'anthropic-ratelimit-requests',
  'anthropic-ratelimit-tokens',
  'anthropic-ratelimit-input-tokens',
  'anthropic-ratelimit-output-tokens',
  'anthropic-priority-input-tokens',
  'anthropic-priority-output-tokens',
  'anthropic-fast-input-tokens',
  'anthropic-fast-output-tokens',
] as const

/**
 * The server's wait in ms from `retry-after-ms`, else `retry-after` (seconds or an HTTP date), rounded up.
 * A value that is malformed, negative, in the past or above 2^31 - 1 ms is passed over; 0 is 0.
 */
export function parseRetryAfter(headers: Pick<Headers, 'get'>, now: number = Date.now()): number | undefined {
  const seconds = headers.get('retry-after')
  return (
    sane(numberOf(headers.get('retry-after-ms'))) ??
    sane(numberOf(seconds) * 1000) ??
    sane(dateOf(seconds, httpDate) - now)
  )
}

/**
 * The longest wait in ms until a rate-limit family that has nothing remaining resets; undefined when none has.
 * Only for a 429 without `retry-after`.
 */
export function rateLimitResetMs(
  headers: Pick<Headers, 'get'>,
  now: number = Date.now(),
): number | undefined {
  let longest: number | undefined
  const consider = (ms: number): void => {
    const wait = sane(ms)
    if (wait !== undefined && wait >= (longest ?? 0)) longest = wait
  }
  for (const family of families) {
    if (numberOf(headers.get(`${family}-remaining`)) === 0) {
      consider(dateOf(headers.get(`${family}-reset`), rfc3339) - now)
    }
  }
  // Subscription tokens: this one reset is in unix seconds.
  if (headers.get('anthropic-ratelimit-unified-status')?.trim() === 'rejected') {
    consider(numberOf(headers.get('anthropic-ratelimit-unified-reset')) * 1000 - now)
  }
  return longest
}

/** Strict, unlike `parseFloat`: `12abc`, `0x10` and `1e3` are not numbers here. */
function numberOf(value: string | null): number {
  const text = value?.trim() ?? ''
  return decimal.test(text) ? Number(text) : NaN
}

function dateOf(value: string | null, format: RegExp): number {
  const text = value?.trim() ?? ''
  return format.test(text) ? Date.parse(text) : NaN
}

/** The longest wait that one timer can represent is also the SDK's own limit for a hint. */
function sane(ms: number): number | undefined {
  return ms >= 0 && ms <= maxTimerMs ? Math.ceil(ms) : undefined
}
