import { estimateTokens } from './message.ts'
import { createBucket, type RateLimitBucket } from './rate-limit-bucket.ts'
import { rateLimitHeaders } from './rate-limit-headers.ts'
import type { RateLimitHeaders, Reply } from './reply.ts'
import type { FakeRequest } from './request.ts'
import { modelLine } from './routes.ts'

/** Rate limits per API key and model line, as token buckets; a limit that is not given does not apply. */
export interface RateLimitDynamics {
  /** Requests per minute. */
  requestsPerMinute?: number | undefined
  /** Input tokens per minute, estimated at four characters each. */
  inputTokensPerMinute?: number | undefined
  /** Output tokens per minute, charged when the answer is given. */
  outputTokensPerMinute?: number | undefined
  /** How much of its limit a bucket holds, as the time that it takes to flow in, in milliseconds. @default 60000 */
  burstMs?: number | undefined
}

/** What a rate limit says to a request. */
export interface Gate {
  reply: Reply | undefined
  headers: Readonly<Record<string, string>>
  spend: (outputTokens: number) => void
}

/** Lets a request pass. */
export const open: Gate = { reply: undefined, headers: {}, spend() {} }

type Limit = RateLimitBucket & { perMinute: number }

interface Buckets {
  requests: Limit | undefined
  inputTokens: Limit | undefined
  outputTokens: Limit | undefined
}

/** Creates the rate limits: a set of buckets for each API key and model line. */
export function createRateLimit(
  options: RateLimitDynamics,
  now: () => number,
): (request: FakeRequest) => Gate {
  const { requestsPerMinute, inputTokensPerMinute, outputTokensPerMinute, burstMs = 60_000 } = options
  const byOwner = new Map<string, Buckets>()
  function bucket(perMinute: number | undefined): Limit | undefined {
    return perMinute === undefined ? undefined : { perMinute, ...createBucket(perMinute, burstMs, now()) }
  }
  return (request) => {
    const owner = `${keyOf(request)} ${modelLine(request.model ?? '')}`
    const buckets = byOwner.get(owner) ?? {
      requests: bucket(requestsPerMinute),
      inputTokens: bucket(inputTokensPerMinute),
      outputTokens: bucket(outputTokensPerMinute),
    }
    byOwner.set(owner, buckets)
    const nowMs = now()
    const input = estimateTokens(request.text)
    // The output is not known yet: it is enough that the bucket is not overdrawn.
    const waits: [string, Limit | undefined, number][] = [
      ['requests', buckets.requests, 1],
      ['input tokens', buckets.inputTokens, input],
      ['output tokens', buckets.outputTokens, 1],
    ]
    let waitMs = 0
    let message = ''
    for (const [name, limit, amount] of waits) {
      const wait = limit?.waitMs(amount, nowMs) ?? 0
      if (wait > waitMs) {
        waitMs = wait
        message = `This request would exceed the rate limit for your organization of ${limit?.perMinute} ${name} per minute.`
      }
    }
    if (waitMs > 0) {
      const retryAfter = Math.ceil(waitMs / 1000)
      return { ...open, reply: { status: 429, message, retryAfter }, headers: headersOf(buckets, nowMs) }
    }
    buckets.requests?.take(1, nowMs)
    buckets.inputTokens?.take(input, nowMs)
    return {
      reply: undefined,
      headers: headersOf(buckets, nowMs),
      spend: (outputTokens) => buckets.outputTokens?.take(outputTokens, now()),
    }
  }
}

function headersOf(buckets: Buckets, nowMs: number): Record<string, string> {
  const requests = read(buckets.requests, nowMs)
  const inputTokens = roundTokens(read(buckets.inputTokens, nowMs))
  const outputTokens = roundTokens(read(buckets.outputTokens, nowMs))
  const families = { requests, tokens: tighter(inputTokens, outputTokens), inputTokens, outputTokens }
  const headers: Record<string, string> = {}
  for (const [family, limits] of Object.entries(families)) {
    if (limits !== undefined) Object.assign(headers, rateLimitHeaders(family, limits, nowMs))
  }
  return headers
}

function read(limit: Limit | undefined, nowMs: number): RateLimitHeaders | undefined {
  if (limit === undefined) return undefined
  const remaining = Math.max(0, Math.floor(limit.level(nowMs)))
  return { limit: limit.perMinute, remaining, resetMs: limit.waitMs(Infinity, nowMs) }
}

/** The real API rounds tokens to thousands; what is below one stays exact, so that small limits can be tested. */
function roundTokens(limits: RateLimitHeaders | undefined): RateLimitHeaders | undefined {
  if (limits === undefined || limits.remaining < 1000) return limits
  return { ...limits, remaining: Math.round(limits.remaining / 1000) * 1000 }
}

function tighter(
  first: RateLimitHeaders | undefined,
  second: RateLimitHeaders | undefined,
): RateLimitHeaders | undefined {
  if (first === undefined || second === undefined) return first ?? second
  return first.remaining / first.limit <= second.remaining / second.limit ? first : second
}

/** The API key of a request, from either header; empty when there is none. */
export function keyOf({ headers }: FakeRequest): string {
  return headers['x-api-key'] ?? headers['authorization']?.replace(/^bearer /i, '') ?? ''
}
