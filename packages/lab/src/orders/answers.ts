import type { ReplyFields } from '@breakwater/testkit'
import type { Fault } from './fault.ts'
import { secrets } from './fault.ts'
import { failure, longestMs, type Failure } from './model/verdicts.ts'

/** What the API says of a request may quote it. */
const message = `Refused: ${secrets.prompt}`

interface Row {
  readonly name: string
  readonly group: Fault['group']
  readonly reply: ReplyFields
  readonly failure: Failure
}

function byStatus(status: number, category: string, details: Partial<Failure> = {}): Row {
  return {
    name: String(status),
    group: 'status',
    reply: { status, message },
    failure: failure(category, { status, ...details }),
  }
}

function byCode(status: number, code: string, category: string, details: Partial<Failure> = {}): Row {
  const reply = { status, code, message }
  return {
    name: `${status} ${code}`,
    group: 'code',
    reply,
    failure: failure(category, { status, ...details }),
  }
}

function byHeaders(
  name: string,
  reply: ReplyFields & { status: number },
  category: string,
  details: Partial<Failure> = {},
): Row {
  const { status } = reply
  return {
    name,
    group: 'header',
    reply: { message, ...reply },
    failure: failure(category, { status, ...details }),
  }
}

function byBody(
  name: string,
  reply: ReplyFields & { status: number },
  category: string,
  details: Partial<Failure> = {},
): Row {
  const { status } = reply
  return { name, group: 'body', reply, failure: failure(category, { status, ...details }) }
}

const never = { retry: 'never' } as const
const ambiguous = { isAmbiguous: true } as const

const rows: readonly Row[] = [
  byStatus(400, 'invalid_request'),
  byStatus(401, 'authentication'),
  byStatus(402, 'billing'),
  byStatus(403, 'permission'),
  byStatus(404, 'not_found'),
  byStatus(408, 'request_timeout'),
  byStatus(409, 'conflict'),
  byStatus(412, 'precondition_failed'),
  byStatus(413, 'request_too_large'),
  byStatus(418, 'unknown', ambiguous),
  byStatus(422, 'unprocessable'),
  byStatus(429, 'rate_limit'),
  byStatus(431, 'request_too_large'),
  byStatus(499, 'client_closed', ambiguous),
  byStatus(500, 'server_error'),
  byStatus(501, 'server_error', never),
  byStatus(502, 'server_error', ambiguous),
  byStatus(503, 'server_error'),
  byStatus(504, 'server_error', ambiguous),
  byStatus(522, 'server_error', ambiguous),
  byStatus(529, 'overloaded'),

  byCode(429, 'enforced_spend_limit_reached', 'spend_limit'),
  byCode(429, 'contract_spend_limit_reached', 'spend_limit'),
  byCode(429, 'ramp_limit_exceeded', 'rate_limit'),
  byCode(403, 'organization_on_hold', 'billing'),
  byCode(409, 'scan_pending', 'conflict', never),
  byCode(409, 'external_key_changed', 'conflict'),
  byCode(503, 'registration_pending', 'server_error', { ...never, failover: false, trips: false }),
  byCode(503, 'cmek_context_unavailable', 'server_error', { retry: 'patient', failover: false }),
  byCode(529, 'compaction_unavailable', 'overloaded'),

  byHeaders('429, in 2 s', { status: 429, retryAfter: 2 }, 'rate_limit', { hintMs: 2000 }),
  byHeaders('429, in 0 s', { status: 429, retryAfter: 0 }, 'rate_limit', { hintMs: 0 }),
  byHeaders('429, in 1500 ms', { status: 429, retryAfterMs: 1500, retryAfter: 9 }, 'rate_limit', {
    hintMs: 1500,
  }),
  byHeaders('429, in 4 days', { status: 429, retryAfter: 403_973 }, 'rate_limit', { hintMs: 403_973_000 }),
  byHeaders('429, in minus 5 s', { status: 429, retryAfter: -5 }, 'rate_limit'),
  byHeaders('429, in 1e300 s', { status: 429, retryAfter: '1e300' }, 'rate_limit'),
  byHeaders('429, soon', { status: 429, retryAfter: 'soon', retryAfterMs: 'NaN' }, 'rate_limit'),
  byHeaders(
    '429, by the reset of a limit',
    { status: 429, rateLimit: { tokens: { limit: 10_000, remaining: 0, resetMs: 4000 } } },
    'rate_limit',
    // A moment in time, on the second: the model has it from the clock.
    { hintMs: NaN, isHeader: false },
  ),
  byHeaders('503, in 3 s', { status: 503, retryAfter: 3 }, 'server_error', { hintMs: 3000 }),
  byHeaders('529, in 7 s', { status: 529, retryAfter: 7 }, 'overloaded', { hintMs: 7000 }),
  byHeaders('529, in 2 hours', { status: 529, retryAfter: 7200 }, 'overloaded', { hintMs: 7_200_000 }),
  byHeaders('529, not to be retried', { status: 529, headers: { 'x-should-retry': 'false' } }, 'overloaded', {
    ...never,
    shouldRetry: false,
  }),
  byHeaders('529, to be retried', { status: 529, headers: { 'x-should-retry': 'true' } }, 'overloaded', {
    shouldRetry: true,
  }),
  byHeaders('400, to be retried', { status: 400, headers: { 'x-should-retry': 'true' } }, 'invalid_request', {
    shouldRetry: true,
  }),
  byHeaders('500 of type overloaded_error', { status: 500, type: 'overloaded_error' }, 'overloaded'),
  byHeaders(
    'headers without sense',
    {
      status: 500,
      headers: {
        'content-length': '99999999999',
        'retry-after': '',
        'x-should-retry': 'perhaps',
        'request-id': 'x'.repeat(4000),
        'anthropic-ratelimit-requests-limit': '-1',
        'anthropic-ratelimit-requests-remaining': '1e309',
        'anthropic-ratelimit-requests-reset': 'never',
      },
    },
    'server_error',
  ),

  byBody('a page, 502', { status: 502, html: true }, 'server_error', ambiguous),
  byBody('a page, 429', { status: 429, html: true }, 'rate_limit'),
  byBody('an empty 500', { status: 500, body: '' }, 'server_error'),
  byBody('an empty 529', { status: 529, body: '' }, 'overloaded'),
  byBody('JSON without sense, 503', { status: 503, body: [null, { error: 3 }] }, 'server_error'),
  byBody('an error of 200 kB', { status: 500, body: 'x'.repeat(200_000) }, 'server_error'),
  byBody('an endless 500', { status: 500, endless: true, chunkBytes: 100, gapMs: 400 }, 'server_error', {
    readMs: 1000,
  }),
  byBody('an endless 429', { status: 429, endless: true, chunkBytes: 100, gapMs: 400 }, 'rate_limit', {
    readMs: 1000,
  }),
]

/** Failing answers: each for ever; where that may heal or move, a status also once and from the primary alone. */
export const answers: readonly Fault[] = rows.flatMap(({ name, group, reply, failure }) => {
  const common = { group, reply, means: { kind: 'failure', failure } } as const
  // Nobody ends a body that nobody bounds.
  const abort = failure.readMs > 0 ? ({ abort: { kind: 'at', ms: 290_250 } } as const) : {}
  const isTooLong = (failure.hintMs ?? 0) > longestMs
  const mayHeal =
    failure.retry !== 'never' && (group === 'status' || failure.hintMs !== undefined || failure.readMs > 0)
  const mayMove = isTooLong || (failure.failover && group === 'status')
  return [
    { name: `${name}, for ever`, ...common, ...abort },
    ...(mayMove ? [{ name: `${name}, of the primary`, ...common, ...abort, isPrimaryOnly: true }] : []),
    ...(mayHeal ? [{ name: `${name}, once`, ...common, ...abort, times: 1 }] : []),
  ]
})
