import { BreakwaterError, isBreakwaterError } from '@breakwater/core'

/** Details of a {@link QueueFullError} or a {@link QueueWaitError}. */
export interface QueueErrorDetails {
  /** Which limit the call stood under: origin and class of models. */
  readonly key: string
  /** Calls that wait. */
  readonly queueLength: number
  /** How long the call would have had to wait, in milliseconds; `undefined` where nobody can tell. */
  readonly expectedWaitMs?: number | undefined
}

/**
 * No room to wait: nothing was sent. The SDK does not retry it; under `createFetch` the caller gets a
 * `ServiceUnavailableError` with `errorCode: 'queue_full'`.
 */
export class QueueFullError extends BreakwaterError {
  override name = 'QueueFullError'
  /** Which limit the call stood under: origin and class of models. */
  readonly key: string
  /** Calls that wait. */
  readonly queueLength: number

  constructor(message: string, { key, queueLength, expectedWaitMs }: QueueErrorDetails) {
    super(message, { code: 'queue_full', category: 'rate_limit', retryAfterMs: expectedWaitMs })
    this.key = key
    this.queueLength = queueLength
  }
}

/**
 * The call would wait longer than `maxWaitMs` or its deadline allows: nothing was sent. The SDK does not retry it; under `createFetch`
 * the caller gets a `ServiceUnavailableError` with `errorCode: 'queue_wait'`.
 */
export class QueueWaitError extends BreakwaterError {
  override name = 'QueueWaitError'
  /** Which limit the call stood under: origin and class of models. */
  readonly key: string
  /** Calls that wait. */
  readonly queueLength: number
  /** What would have been exceeded: the option, or the deadline of the call. */
  readonly reason: 'max_wait' | 'deadline'

  constructor(
    message: string,
    { key, queueLength, expectedWaitMs, reason }: QueueErrorDetails & { reason: 'max_wait' | 'deadline' },
  ) {
    super(message, { code: 'queue_wait', category: 'rate_limit', retryAfterMs: expectedWaitMs })
    this.key = key
    this.queueLength = queueLength
    this.reason = reason
  }
}

/** Whether `error` is a {@link QueueFullError} or a {@link QueueWaitError}, of any installed copy of this package. */
export function isQueueError(error: unknown): error is QueueFullError | QueueWaitError {
  return isBreakwaterError(error) && (error.code === 'queue_full' || error.code === 'queue_wait')
}

/** What the SDK takes for a time-out of its own, retries, and replaces. */
const looksLikeTimeout = /timed? ?out/i

/** The error for a call that found no room. */
export function queueFull(details: QueueErrorDetails): QueueFullError {
  const { key, queueLength, expectedWaitMs } = details
  return new QueueFullError(
    `${nameOf(key)} is full, with ${calls(queueLength)}: nothing was sent.${advice(expectedWaitMs)}`,
    details,
  )
}

/** The error for a call that cannot be served in time. */
export function queueWait(
  details: QueueErrorDetails & { readonly reason: 'max_wait' | 'deadline' },
): QueueWaitError {
  const { key, queueLength, expectedWaitMs, reason } = details
  const than = reason === 'max_wait' ? '`maxWaitMs`' : 'the deadline of the call'
  return new QueueWaitError(
    `${nameOf(key)}, with ${calls(queueLength)}, takes longer than ${than} allows: nothing was sent.${advice(expectedWaitMs)}`,
    details,
  )
}

function advice(expectedWaitMs: number | undefined): string {
  return expectedWaitMs === undefined ? '' : ` Its turn would come in ${expectedWaitMs} ms.`
}

function calls(count: number): string {
  return count === 1 ? '1 call' : `${count} calls`
}

function nameOf(key: string): string {
  if (looksLikeTimeout.test(key)) return 'The queue of this call'
  return `The queue of \`${key.length > 120 ? `${key.slice(0, 120)}…` : key}\``
}
