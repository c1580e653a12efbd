import type { BreakwaterEvent } from './event-types.ts'
import type { MiddlewareContext, MiddlewareRequest } from './middleware.ts'
import { registry } from './registry.ts'

/** Why an upstream attempt was made. */
export type AttemptReason = 'initial' | 'retry' | 'failover' | 'probe'

/** One request that reached upstream: a line of the call's ledger. */
export interface Attempt {
  readonly reason: AttemptReason
  /** When it was sent, in milliseconds of `performance.now()`. */
  readonly startedAt: number
  /** Time to the response's headers or to the error, in milliseconds. */
  readonly durationMs: number
  /** What the call waited for this attempt, in milliseconds. */
  readonly waitMs: number
  readonly model: string | undefined
  /** `undefined` when no response came. */
  readonly status: number | undefined
  readonly requestId: string | undefined
  /** The category of its failure, once somebody has classified it. */
  category: string | undefined
}

/** What all middlewares of one logical call share; it outlives the SDK's own retries of that call. */
export interface Call {
  /** When the call began, in milliseconds of `performance.now()`. */
  readonly startedAt: number
  /** When the call has to be over, on the same clock. */
  deadline: number | undefined
  /** The ledger: every upstream attempt, in the order in which they ended. */
  readonly attempts: Attempt[]
  /** The last events of this call. */
  readonly events: BreakwaterEvent[]
  /** The context of the SDK's latest attempt. */
  ctx: MiddlewareContext
  /** What {@link createCallKey} keeps. */
  values: Map<symbol, unknown> | undefined
  /** What is known of the next attempt: its line in the ledger takes it. */
  note: { reason: AttemptReason; waitMs: number } | undefined
  /** The innermost `send()` whose `next` is being called right now. */
  frame: Frame | undefined
  /** How many `send()` take themselves for the innermost right now: more than one needs telling apart. */
  recording: number
  /** The body whose model was looked for last, and what was found. */
  modelBody: unknown
  model: string | undefined
  /** Whether somebody who may send again has been entered, and sets it: whoever comes after sees tries, and not the call. */
  sendsAgain: boolean
}

/** One running `send()`. */
export interface Frame {
  /** Whether another `send()` began inside this one, which then writes the attempt. */
  outer: boolean
}

/**
 * The state of the call that `ctx` belongs to, made on first use.
 *
 * The SDK's own retries keep `ctx.options` and make a new `ctx`. One options object may also serve two calls at once,
 * so it is believed only from a request that says it is a retry.
 */
export function callOf(request: MiddlewareRequest, ctx: MiddlewareContext): Call {
  const { calls } = registry
  const key = ctx.options ?? ctx
  const known = calls.get(key)
  if (known === undefined) return newCall(key, ctx)
  if (known.ctx === ctx) return known
  const displaced = calls.get(ctx)
  if (displaced !== undefined) return displaced
  // From now on the older context finds its call by itself.
  calls.set(known.ctx, known)
  if (!(Number(request.headers.get('x-stainless-retry-count')) > 0)) return newCall(key, ctx)
  known.ctx = ctx
  return known
}

function newCall(key: object, ctx: MiddlewareContext): Call {
  const call: Call = {
    startedAt: performance.now(),
    deadline: undefined,
    attempts: [],
    events: [],
    ctx,
    values: undefined,
    note: undefined,
    frame: undefined,
    recording: 0,
    modelBody: undefined,
    model: undefined,
    sendsAgain: false,
  }
  registry.calls.set(key, call)
  return call
}

/** Names a value that middlewares share in the call state; see {@link createCallKey}. */
export interface CallKey<Value> {
  get(call: Call): Value | undefined
  set(call: Call, value: Value): void
}

/**
 * Makes a typed key for a value in the call state. Keys of the same name are the same key, also in two
 * installed copies of a package, so prefix the name with that of the package.
 *
 * @example
 * ```ts
 * import { callOf, createCallKey, type Middleware } from '@breakwater/core'
 *
 * const hops = createCallKey<number>('my-package.hops')
 *
 * export const countHops: Middleware = (request, next, ctx) => {
 *   const call = callOf(request, ctx)
 *   hops.set(call, (hops.get(call) ?? 0) + 1)
 *   return next(request)
 * }
 * ```
 */
export function createCallKey<Value>(name: string): CallKey<Value> {
  const key = Symbol.for(`breakwater.key/${name}`)
  return {
    // Whatever stands under this symbol was put there by `set` of a key of the same name.
    get: (call) => call.values?.get(key) as Value | undefined,
    set: (call, value) => {
      call.values ??= new Map()
      call.values.set(key, value)
    },
  }
}

/**
 * How many targets a failover still has: it sets the number before each `next`, and 0 when it is done. Whoever reads it
 * before it calls `next` itself learns of a failover outside, to which it can leave a long wait.
 */
export const targetsLeft: CallKey<number> = createCallKey('failover.targetsLeft')

/**
 * Ends the call at `at`, in milliseconds of `performance.now()`, unless an earlier deadline is set already.
 * Nobody is interrupted by it: retry and failover ask {@link remainingMs} before they wait.
 */
export function setDeadline(call: Call, at: number): void {
  if (call.deadline === undefined || at < call.deadline) call.deadline = at
}

/** The time left to the call's deadline in milliseconds: `Infinity` without one, never below 0. */
export function remainingMs(call: Call): number {
  return call.deadline === undefined ? Infinity : Math.max(0, call.deadline - performance.now())
}

/**
 * The signal that the caller aborts. In the SDK's seam it is not the request's: that one the SDK's own timer aborts too.
 * Under `createFetch` the two cannot be told apart.
 */
export function callerSignal(request: MiddlewareRequest, ctx: MiddlewareContext): AbortSignal | undefined {
  return (ctx.options === undefined ? request.signal : ctx.options.signal) ?? undefined
}

/**
 * The signal that the SDK's own timer has aborted, set by a `timeout` that gives the next attempt another one. All
 * attempts of the chain share that signal, so without it a retry outside would be useless.
 */
export const spentSignal: CallKey<AbortSignal> = createCallKey('timeout.spentSignal')

/** The signal that the next attempt, and the wait before it, has to obey: the request's, unless it is spent. */
export function activeSignal(request: MiddlewareRequest, ctx: MiddlewareContext): AbortSignal | undefined {
  const signal = request.signal ?? undefined
  if (signal?.aborted !== true || spentSignal.get(callOf(request, ctx)) !== signal) return signal
  return callerSignal(request, ctx)
}
