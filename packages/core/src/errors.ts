import { isObject } from './is-object.ts'

const brand = Symbol.for('breakwater.error')

/** Details of a {@link BreakwaterError}. */
export interface BreakwaterErrorDetails {
  /** Machine-readable, in snake case: what `error.details.error_code` says under {@link createFetch}. */
  code: string
  /** The category of `@breakwater/classify`. */
  category: string
  /** When a new call may succeed, in milliseconds from now. */
  retryAfterMs?: number | undefined
  /** The last error of the network or of the API. Never in `cause`: the SDK retries what it finds there. */
  lastError?: unknown
}

/**
 * The base of the errors that Breakwater makes. No name or text of one matches the SDK's test for time-outs
 * unless it is one: the SDK would retry and replace it.
 */
export class BreakwaterError extends Error {
  override name = 'BreakwaterError'
  readonly code: string
  readonly category: string
  readonly retryAfterMs: number | undefined
  readonly lastError: unknown

  constructor(message: string, { code, category, retryAfterMs, lastError }: BreakwaterErrorDetails) {
    super(message)
    this.code = code
    this.category = category
    this.retryAfterMs = retryAfterMs
    this.lastError = lastError
  }
}

// Of the class, not of each error: to define a property of its own costs a microsecond.
Object.defineProperty(BreakwaterError.prototype, brand, { value: true })

/** Whether `error` is one of ours, of any installed copy of this package. */
export function isBreakwaterError(error: unknown): error is BreakwaterError {
  return isObject(error) && brand in error && error[brand] === true
}

/**
 * The synthetic response that stands for one of our errors under `createFetch`, where the SDK would retry and
 * disguise a thrown one: 503, `x-should-retry: false`, `retry-after`, and a body like the API's own.
 */
export function errorResponse(error: BreakwaterError): Response {
  const headers = new Headers({ 'content-type': 'application/json', 'x-should-retry': 'false' })
  if (error.retryAfterMs !== undefined) {
    headers.set('retry-after', String(Math.ceil(error.retryAfterMs / 1000)))
    headers.set('retry-after-ms', String(Math.ceil(error.retryAfterMs)))
  }
  const body = {
    type: 'error',
    error: { type: 'api_error', message: error.message, details: { error_code: error.code } },
    request_id: null,
  }
  return new Response(JSON.stringify(body), { status: 503, headers })
}
