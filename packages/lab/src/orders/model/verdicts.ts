/** What the design says of each category: section 3 of it, row by row, and nothing read from a package. */

/** How often a category is worth another try. */
export type Retry = 'never' | 'once' | 'backoff' | 'patient'

/** What a failure means to the middlewares of a stack. */
export interface Failure {
  readonly category: string
  /** The HTTP status with which it reaches the caller; `undefined` where no answer came. */
  readonly status: number | undefined
  readonly retry: Retry
  /** Whether another model is worth trying. */
  readonly failover: boolean
  /** Whether a breaker counts it. */
  readonly trips: boolean
  readonly fault: 'input' | 'config' | 'traffic' | 'provider' | 'network' | 'caller'
  /** The first try may have been billed: one more at most. */
  readonly isAmbiguous: boolean
  /** What the server asks to wait, in milliseconds. */
  readonly hintMs: number | undefined
  /** Whether it asks in `retry-after`, which the SDK knows too. */
  readonly isHeader: boolean
  /** A keep-alive connection that was closed before the request came. */
  readonly isStale: boolean
  /** What the SDK makes of `x-should-retry`. */
  readonly shouldRetry: boolean | undefined
  /** How long a look at the body takes, in milliseconds: at most a second of one that does not end. */
  readonly readMs: number
}

type Row = Pick<Failure, 'retry' | 'failover' | 'trips' | 'fault'>

/** Each row of the table: retry, failover, trips, fault. */
const rows: Readonly<Record<string, Row>> = {
  invalid_request: row('never', false, false, 'input'),
  context_window: row('never', false, false, 'input'),
  billing: row('never', false, false, 'config'),
  authentication: row('never', false, false, 'config'),
  permission: row('never', false, false, 'config'),
  not_found: row('never', false, false, 'config'),
  request_timeout: row('backoff', true, true, 'network'),
  conflict: row('once', false, false, 'traffic'),
  precondition_failed: row('never', false, false, 'input'),
  request_too_large: row('never', false, false, 'input'),
  unprocessable: row('never', false, false, 'input'),
  rate_limit: row('backoff', true, false, 'traffic'),
  spend_limit: row('never', false, false, 'config'),
  client_closed: row('never', false, false, 'caller'),
  server_error: row('once', true, true, 'provider'),
  overloaded: row('patient', true, true, 'provider'),
  connection: row('backoff', true, true, 'network'),
  timeout: row('once', true, true, 'network'),
  stream_interrupted: row('never', false, true, 'provider'),
  circuit_open: row('backoff', true, false, 'provider'),
  unknown: row('never', false, false, 'provider'),
}

function row(retry: Retry, failover: boolean, trips: boolean, fault: Failure['fault']): Row {
  return { retry, failover, trips, fault }
}

/** A failure of a category, with what differs from its row. */
export function failure(category: string, details: Partial<Failure> = {}): Failure {
  const found = rows[category]
  if (found === undefined) throw new Error(`The design has no category ${category}.`)
  return {
    category,
    status: undefined,
    isAmbiguous: false,
    hintMs: undefined,
    isHeader: true,
    isStale: false,
    shouldRetry: undefined,
    readMs: 0,
    ...found,
    ...details,
  }
}

/** Retries and waits by category: section 4, `jitter-retry`. `stepsMs` are drawn from their upper half, the others from 0. */
export const policy: Readonly<
  Record<string, { readonly retries: number; readonly baseMs?: number; readonly stepsMs?: readonly number[] }>
> = {
  rate_limit: { retries: 5, baseMs: 1000 },
  overloaded: { retries: 6, stepsMs: [500, 1000, 2000, 5000, 15_000, 45_000] },
  server_error: { retries: 1, baseMs: 1000 },
  connection: { retries: 3, baseMs: 500 },
  timeout: { retries: 1, baseMs: 1000 },
  request_timeout: { retries: 2, baseMs: 1000 },
  conflict: { retries: 1, baseMs: 500 },
  circuit_open: { retries: 100, baseMs: 1000 },
}

/** The most retries of one call that reach upstream: the largest row. */
export const mostRetries = 6
/** Of a backoff, the longest wait; and the longest hint that is waited for. */
export const longestMs = 60_000
