import { rateLimitHeaders, wholeSeconds } from './rate-limit-headers.ts'
import type { ReplyFields } from './reply.ts'

/** What the headers of an answer depend on, besides the reply. */
export interface ReplyHeadersContext {
  status: number
  contentType: string
  streams: boolean
  requestId: string
  nowMs: number
  headers: Readonly<Record<string, string>>
}

const organizationId = '5b1c7a30-4c1e-4f0b-9d3a-7e6f2a90c1d4'

/** Builds the headers of an answer; what the reply says wins over the rate limits, and those over the rest. */
export function replyHeaders(reply: ReplyFields, context: ReplyHeadersContext): Record<string, string> {
  const { status } = context
  const headers: Record<string, string> = { 'content-type': reply.contentType ?? context.contentType }
  if (reply.html === undefined) {
    headers['request-id'] = context.requestId
    headers['anthropic-organization-id'] = organizationId
    if (context.streams) headers['cache-control'] = 'no-cache'
    if (status === 429 || status === 529) headers['x-should-retry'] = 'true'
  } else {
    headers['server'] = 'cloudflare'
  }
  Object.assign(headers, context.headers)
  for (const [family, limits] of Object.entries(reply.rateLimit ?? {})) {
    if (limits !== undefined) Object.assign(headers, rateLimitHeaders(family, limits, context.nowMs))
  }
  if (reply.retryAfter !== undefined) headers['retry-after'] = String(reply.retryAfter)
  if (reply.retryAfterDateMs !== undefined) {
    headers['retry-after'] = new Date(wholeSeconds(context.nowMs + reply.retryAfterDateMs)).toUTCString()
  }
  if (reply.retryAfterMs !== undefined) headers['retry-after-ms'] = String(reply.retryAfterMs)
  for (const [name, value] of Object.entries(reply.headers ?? {})) {
    if (value === null) delete headers[name.toLowerCase()]
    else headers[name.toLowerCase()] = value
  }
  return headers
}
