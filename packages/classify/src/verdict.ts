import type { Category } from './categories.ts'
import { classification } from './classification.ts'
import type { Classification, Details } from './classification.ts'
import { verdictOfCode } from './codes.ts'
import { parseRetryAfter, rateLimitResetMs } from './retry-after.ts'
import { safeToken } from './safe-text.ts'

/** What is known of a failure that the server reported. */
export interface Facts {
  /** The HTTP status; absent for an error event inside a stream. */
  readonly status?: number | undefined
  /** `error.type`. */
  readonly type?: string | undefined
  /** `error.details.error_code`. */
  readonly code?: string | undefined
  /** `error.message`. */
  readonly message?: string | undefined
  /** `request_id` of the body. */
  readonly requestId?: string | undefined
  /** The response's headers. */
  readonly headers?: Pick<Headers, 'get'> | undefined
  /** The current time in ms since 1970, for dates in headers. @default Date.now() */
  readonly now?: number | undefined
}

const categoryOfStatus: ReadonlyMap<number, Category> = new Map([
  [400, 'invalid_request'],
  [401, 'authentication'],
  [402, 'billing'],
  [403, 'permission'],
  [404, 'not_found'],
  [408, 'request_timeout'],
  [409, 'conflict'],
  [412, 'precondition_failed'],
  [413, 'request_too_large'],
  [422, 'unprocessable'],
  [429, 'rate_limit'],
  [431, 'request_too_large'],
  [499, 'client_closed'],
  [529, 'overloaded'],
])

/** The status that the API documents for each `error.type` (the SDK's `ErrorType`, and `request_too_large`). */
export const statusOfType: ReadonlyMap<string, number> = new Map([
  ['invalid_request_error', 400],
  ['authentication_error', 401],
  ['billing_error', 402],
  ['permission_error', 403],
  ['not_found_error', 404],
  ['conflict_error', 409],
  ['memory_path_conflict_error', 409],
  ['memory_precondition_failed_error', 412],
  ['request_too_large', 413],
  ['rate_limit_error', 429],
  ['api_error', 500],
  ['timeout_error', 504],
  ['overloaded_error', 529],
])

/** The types that say more than the status; 422 and others come with `invalid_request_error`. */
const strongTypes: ReadonlySet<string> = new Set([
  'overloaded_error',
  'rate_limit_error',
  'authentication_error',
  'permission_error',
  'billing_error',
  'not_found_error',
  'request_too_large',
  'conflict_error',
])

/** Gateways answer these when the request had already gone on: it may have been processed and billed. */
const ambiguousStatuses: ReadonlySet<number> = new Set([502, 504, 520, 521, 522, 523, 524])

// The API calls its texts unstable: they only refine a verdict that stands without them.
const contextText = /(?:prompt|input) is too long|exceeds? (?:the )?(?:model'?s )?(?:maximum )?context/i
const creditText = /credit balance is too low/i
const specifiedLimitText = /reached your specified (?:workspace )?API usage limit/i
const spendText = /\b(?:spend|spending|usage)[ -](?:limit|cap|threshold)|regain access/i

const notImplemented: Details = {
  retry: 'never',
  hint: 'The API or a gateway cannot do this: check the endpoint, the method and the parameters.',
}

/** Whether a text is an `error.type` that the API is known to send. */
export function isErrorType(type: unknown): type is string {
  return typeof type === 'string' && statusOfType.has(type)
}

/** The verdict on a failure that the server reported: error code, then type, then status; the text only refines. */
export function verdict(facts: Facts): Classification {
  const { status, headers, now } = facts
  const message = facts.message ?? ''
  const fromCode = verdictOfCode(facts.code)
  const effective = effectiveStatus(status, facts.type)
  const hintedMs = headers && parseRetryAfter(headers, now)
  const resetMs = headers && rateLimitResetMs(headers, now)
  const fromText = categoryOfText(effective, message, (hintedMs ?? resetMs) !== undefined)
  const category = fromCode?.category ?? fromText ?? categoryOf(effective)

  const details: Details = {
    ...(effective === 501 && notImplemented),
    // Without a status it came inside a stream: tokens had been produced.
    ...((status === undefined || ambiguousStatuses.has(status)) && { replay: 'ambiguous' }),
    ...fromCode,
    status,
    type: safeToken(facts.type),
    code: safeToken(facts.code),
    message,
    requestId: requestIdOf(facts),
    retryAfterMs: retryAfterOf(category, hintedMs, resetMs),
  }
  return obey(headers?.get('x-should-retry'), classification(category, details), !fromCode)
}

function effectiveStatus(status: number | undefined, type: string | undefined): number | undefined {
  const documented = type === undefined ? undefined : statusOfType.get(type)
  const typeDecides = status === undefined || strongTypes.has(type ?? '')
  return typeDecides ? (documented ?? status) : status
}

function categoryOf(status: number | undefined): Category {
  if (status === undefined) return 'unknown'
  return categoryOfStatus.get(status) ?? (status >= 500 && status < 600 ? 'server_error' : 'unknown')
}

function categoryOfText(status: number | undefined, text: string, hinted: boolean): Category | undefined {
  if (status === 400) {
    if (contextText.test(text)) return 'context_window'
    if (creditText.test(text)) return 'billing'
    if (specifiedLimitText.test(text)) return 'spend_limit'
  }
  return status === 429 && !hinted && spendText.test(text) ? 'spend_limit' : undefined
}

function retryAfterOf(
  category: Category,
  hintedMs: number | undefined,
  resetMs: number | undefined,
): number | undefined {
  if (category === 'spend_limit') return undefined
  return hintedMs ?? (category === 'rate_limit' ? resetMs : undefined)
}

function requestIdOf({ headers, requestId }: Facts): string | undefined {
  return (
    safeToken(headers?.get('request-id')) ??
    safeToken(requestId) ??
    safeToken(headers?.get('x-amzn-requestid'))
  )
}

/**
 * `x-should-retry: false` always wins; `true` lifts what no code decided and is not ours to fix,
 * which leaves out all that a text decides.
 */
function obey(header: string | null | undefined, verdict: Classification, liftable: boolean): Classification {
  if (header === 'false') return { ...verdict, retry: 'never' }
  const own = verdict.fault === 'input' || verdict.fault === 'config'
  return header === 'true' && verdict.retry === 'never' && liftable && !own
    ? { ...verdict, retry: 'once' }
    : verdict
}
