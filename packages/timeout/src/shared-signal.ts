import {
  callerSignal,
  callOf,
  isBreakwaterError,
  spentSignal,
  type MiddlewareContext,
  type MiddlewareRequest,
} from '@breakwater/core'

/** Signals of the SDK that its own timer has aborted, with the milliseconds after which it did. */
const spent = new WeakMap<AbortSignal, number>()

/**
 * Call it when the request's signal aborts `elapsedMs` after an attempt began, before the headers: remembers the signal
 * where it was the SDK's own timer, and nobody else, that did it.
 */
export function noteAbort(request: MiddlewareRequest, ctx: MiddlewareContext, elapsedMs: number): void {
  const { signal, headers } = request
  if (signal == null || ctx.options === undefined || ctx.options.signal?.aborted === true) return
  // The helper takes an answer under an aborted signal for the caller's abort: nothing can be mended there.
  if (headers.get('x-stainless-helper-method') === 'stream') return
  // The SDK writes its limit there in whole seconds. Whatever aborts earlier is somebody else.
  const sdkMs = Number(headers.get('x-stainless-timeout')) * 1000
  if (elapsedMs < sdkMs - 1 || isBreakwaterError(signal.reason)) return
  spent.set(signal, elapsedMs)
  spentSignal.set(callOf(request, ctx), signal)
}

/** The signal that ends an attempt from outside, and a limit that the attempt takes over from the SDK. */
export interface OuterSignal {
  readonly signal: AbortSignal | null | undefined
  /** Whether it may outlive the call, and serve others: not the SDK's own, which is made for one attempt. */
  readonly isShared: boolean
  /** `Infinity` for none. */
  readonly sdkMs: number
}

/**
 * The signal to obey. The SDK's timer aborts the one signal that all attempts of the chain share: after that the
 * caller's own takes its place, so that the next attempt is healthy, and the SDK's limit is ours to keep.
 */
export function outerSignal(request: MiddlewareRequest, ctx: MiddlewareContext): OuterSignal {
  const { signal } = request
  const sdkMs = signal?.aborted === true ? spent.get(signal) : undefined
  if (sdkMs === undefined) return { signal, isShared: ctx.options === undefined, sdkMs: Infinity }
  return { signal: callerSignal(request, ctx), isShared: true, sdkMs }
}
