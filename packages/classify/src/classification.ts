import { categories } from './categories.ts'
import type { Category, Fault, Replay, RetryAdvice, Severity, Trips } from './categories.ts'
import { safeText } from './safe-text.ts'

/** What went wrong, whose fault it is, and what to do next. */
export interface Classification {
  /** What went wrong. */
  readonly category: Category
  /** Whose side it is on. */
  readonly fault: Fault
  /** How soon a person has to look at it. */
  readonly severity: Severity
  /** How to send the same request again. */
  readonly retry: RetryAdvice
  /** Whether another model or provider is worth trying. */
  readonly failover: boolean
  /** What a circuit breaker counts it as. */
  readonly trips: Trips
  /** Whether the first try may have been billed. */
  readonly replay: Replay
  /** The HTTP status, when there was a response. */
  readonly status?: number
  /** `error.type` of the response, such as `overloaded_error`. */
  readonly type?: string
  /** `error.details.error_code` of the response, or the code of the network error or of our own error. */
  readonly code?: string
  /** What the failure says of itself: credentials redacted, one line, at most 1,000 characters. */
  readonly message: string
  /** The id to quote to Anthropic's support. */
  readonly requestId?: string
  /** The wait that the server asks for, in ms. */
  readonly retryAfterMs?: number
  /** One sentence: the owner's next step. */
  readonly hint: string
}

/** What differs from the category's row, and what is known of this one failure. */
export type Details = {
  readonly [Key in Exclude<keyof Classification, 'category'>]?: Classification[Key] | undefined
}

/** Builds a classification from its category's row and the details of one failure. */
export function classification(category: Category, details: Details = {}): Classification {
  const row = categories[category]
  const { status, type, code, requestId, retryAfterMs } = details
  const fallback = status === undefined ? category.replaceAll('_', ' ') : `HTTP ${status}`
  return {
    category,
    fault: details.fault ?? row.fault,
    severity: details.severity ?? row.severity,
    retry: details.retry ?? row.retry,
    failover: details.failover ?? row.failover,
    trips: details.trips ?? row.trips,
    replay: details.replay ?? row.replay,
    ...(status !== undefined && { status }),
    ...(type !== undefined && { type }),
    ...(code !== undefined && { code }),
    message: safeText(details.message ?? '') || fallback,
    ...(requestId !== undefined && { requestId }),
    ...(retryAfterMs !== undefined && { retryAfterMs }),
    hint: details.hint ?? row.hint,
  }
}
