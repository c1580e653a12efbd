/** A limit of the API that its answers tell of. */
export type LimitName = 'requests' | 'tokens' | 'input_tokens' | 'output_tokens'

/** What the headers of an answer say of one limit. */
export interface Reading {
  readonly limit: LimitName
  /** What it allows in a minute. */
  readonly perMinute: number
  /** What is left of it; never above `perMinute`. `undefined` where it is not said. */
  readonly remaining: number | undefined
  /** When it is whole again, in milliseconds from the answer; `undefined` where it is not said, or makes no sense. */
  readonly resetMs: number | undefined
  /** The headers that say what is left. */
  readonly sources: readonly string[]
}

type Gettable = Pick<Headers, 'get'>

const families: readonly (readonly [limit: LimitName, name: string])[] = [
  ['requests', 'requests'],
  ['input_tokens', 'input-tokens'],
  ['output_tokens', 'output-tokens'],
]

const whole = /^\d{1,15}$/
const rfc3339 = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d+)?(?:Z|[+-]\d{2}:\d{2})$/i
/** A minute's limit is whole again in a minute; what says otherwise says something else. */
const longestResetMs = 3_600_000

/**
 * What the `anthropic-ratelimit-*` headers of an answer say. Requests of the Priority Tier may use its limit and the
 * standard one: both are added up. In fast mode its own limits of tokens count.
 */
export function readLimits(headers: Gettable, isFast = false): Reading[] {
  const readings: Reading[] = []
  for (const [limit, name] of families) {
    const isTokens = limit !== 'requests'
    const own = isFast && isTokens ? 'anthropic-fast' : 'anthropic-ratelimit'
    const prefixes = [`${own}-${name}`]
    if (isTokens && !isFast) prefixes.push(`anthropic-priority-${name}`)
    const reading = readFamily(headers, limit, prefixes)
    if (reading !== undefined) readings.push(reading)
  }
  // It repeats the tightest of the others, where these are given.
  if (!readings.some(({ limit }) => limit !== 'requests') && !isFast) {
    const reading = readFamily(headers, 'tokens', ['anthropic-ratelimit-tokens'])
    if (reading !== undefined) readings.push(reading)
  }
  return readings
}

/** The sum of what is left by these headers; `undefined` where the first does not say it. */
export function readRemaining(headers: Gettable, sources: readonly string[]): number | undefined {
  let sum: number | undefined
  for (const source of sources) {
    const value = wholeOf(headers.get(source))
    if (value !== undefined) sum = (sum ?? 0) + value
    else if (sum === undefined) return undefined
  }
  return sum
}

function readFamily(headers: Gettable, limit: LimitName, prefixes: readonly string[]): Reading | undefined {
  let perMinute = 0
  let resetMs: number | undefined
  const sources: string[] = []
  for (const prefix of prefixes) {
    const value = wholeOf(headers.get(`${prefix}-limit`))
    // Nothing at all is no pace: the API itself has to refuse that.
    if (value === undefined || value === 0) continue
    perMinute += value
    sources.push(`${prefix}-remaining`)
    resetMs ??= resetOf(headers, `${prefix}-reset`)
  }
  if (perMinute === 0) return undefined
  const remaining = readRemaining(headers, sources)
  return {
    limit,
    perMinute,
    remaining: remaining === undefined ? undefined : Math.min(remaining, perMinute),
    resetMs,
    sources,
  }
}

function resetOf(headers: Gettable, name: string): number | undefined {
  const reset = headers.get(name)?.trim() ?? ''
  if (!rfc3339.test(reset)) return undefined
  // By the clock of the server, where it is told: ours may be wrong.
  const sent = Date.parse(headers.get('date') ?? '')
  const ms = Date.parse(reset) - (Number.isNaN(sent) ? Date.now() : sent)
  if (Number.isNaN(ms) || ms > longestResetMs) return undefined
  return Math.max(0, ms)
}

function wholeOf(value: string | null): number | undefined {
  if (value === null) return undefined
  const text = value.trim()
  return whole.test(text) ? Number(text) : undefined
}
