/** What an answer says of one limit of the account. */
export interface Headroom {
  readonly type: 'requests' | 'tokens' | 'input_tokens' | 'output_tokens'
  readonly limit: number | undefined
  readonly remaining: number | undefined
  /** When the limit is whole again, in seconds since 1970. */
  readonly resetTime: number | undefined
}

const families = [
  ['requests', 'anthropic-ratelimit-requests'],
  ['tokens', 'anthropic-ratelimit-tokens'],
  ['input_tokens', 'anthropic-ratelimit-input-tokens'],
  ['output_tokens', 'anthropic-ratelimit-output-tokens'],
] as const

/** The limits that an answer names in its `anthropic-ratelimit-*` headers. */
export function headroomOf(headers: Pick<Headers, 'get'>): Headroom[] {
  const found: Headroom[] = []
  for (const [type, prefix] of families) {
    const limit = numberOf(headers.get(`${prefix}-limit`))
    const remaining = numberOf(headers.get(`${prefix}-remaining`))
    if (limit === undefined && remaining === undefined) continue
    found.push({ type, limit, remaining, resetTime: secondsOf(headers.get(`${prefix}-reset`)) })
  }
  return found
}

function numberOf(value: string | null): number | undefined {
  return value !== null && /^\d+$/.test(value) ? Number(value) : undefined
}

function secondsOf(value: string | null): number | undefined {
  if (value === null || !/^\d{4}-\d{2}-\d{2}T/.test(value)) return undefined
  const ms = Date.parse(value)
  return Number.isNaN(ms) ? undefined : ms / 1000
}
