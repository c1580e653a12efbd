import {
  assertFunction,
  assertOption,
  isCredentialExchange,
  withDescription,
  type Middleware,
  type TimeoutEvent,
} from '@breakwater/core'
import { limitedAttempt, type Limits } from './attempt.ts'
import { descriptionOf } from './description.ts'

/** Options of {@link timeout}. A limit is a number of milliseconds above 0; `false` or `Infinity` turns it off. */
export interface TimeoutOptions {
  /**
   * The time to the headers of one attempt. An answer that is no stream has its headers when it is complete.
   * @default 590_000
   */
  attemptMs?: number | false | undefined
  /**
   * The time to the first content of a stream, from the beginning of the attempt. Pings and `message_start` are no
   * content; the start of a content block is, also of silent thinking.
   * @default 300_000
   */
  firstTokenMs?: number | false | undefined
  /**
   * The longest silence: between the content events of a stream, between the bytes of any other body. It runs only while
   * somebody waits for the body.
   * @default 300_000
   */
  idleMs?: number | false | undefined
  /**
   * The whole call, its retries, waits and answer included, wherever this middleware stands. Retry and failover plan
   * with it: it is the deadline in the call state.
   * @default false
   */
  totalMs?: number | false | undefined
  /**
   * Told of each limit that is reached.
   * @default nobody is told
   */
  onTimeout?: ((event: TimeoutEvent) => void) | undefined
}

/** Default limits of {@link timeout}: none ends an answer that is on its way. */
export const timeoutDefaults = {
  attemptMs: 590_000,
  firstTokenMs: 300_000,
  idleMs: 300_000,
  totalMs: false,
} as const

/**
 * Ends an attempt that stalls: before its headers, before its first content, in the middle of its answer; and a call that
 * takes too long. It ends its own attempt only: a retry outside sends the next one as if nothing had happened.
 *
 * The caller gets a {@link TimeoutError}, before the headers in the SDK's words: `APIConnectionTimeoutError`.
 *
 * @throws {TypeError} for a bad option, naming it.
 * @example
 * ```ts
 * import Anthropic from '@anthropic-ai/sdk'
 * import { timeout } from '@breakwater/timeout'
 *
 * const client = new Anthropic({ middleware: [timeout({ firstTokenMs: 30_000, totalMs: 120_000 })] })
 * ```
 */
export function timeout({
  attemptMs = timeoutDefaults.attemptMs,
  firstTokenMs = timeoutDefaults.firstTokenMs,
  idleMs = timeoutDefaults.idleMs,
  totalMs = timeoutDefaults.totalMs,
  onTimeout,
}: TimeoutOptions = {}): Middleware {
  const limits: Limits = {
    attempt: msOf('attemptMs', attemptMs),
    firstToken: msOf('firstTokenMs', firstTokenMs),
    idle: msOf('idleMs', idleMs),
    total: msOf('totalMs', totalMs),
  }
  assertFunction('onTimeout', onTimeout)
  const hasLimits = Object.values(limits).some(isLimit)
  /** A token has no first token, and its exchange is a call of its own. */
  const exchangeLimits: Limits = {
    attempt: limits.attempt,
    firstToken: Infinity,
    idle: Infinity,
    total: Infinity,
  }

  return withDescription(
    function timeout(request, next, ctx) {
      if (!hasLimits) return next(request)
      if (!isCredentialExchange(request, ctx)) return limitedAttempt(request, next, ctx, limits, onTimeout)
      if (!isLimit(limits.attempt)) return next(request)
      return limitedAttempt(request, next, ctx, exchangeLimits, onTimeout)
    },
    descriptionOf(limits, { attempt: timeoutDefaults.attemptMs, firstToken: timeoutDefaults.firstTokenMs }),
  )
}

function msOf(name: string, value: number | false): number {
  const valid = value === false || (typeof value === 'number' && value > 0)
  assertOption(valid, name, 'a number of milliseconds above 0, or false', value)
  return value === false ? Infinity : value
}

function isLimit(ms: number): boolean {
  return ms !== Infinity
}
