import {
  assertFunction,
  assertOption,
  maxTimerMs,
  type AdmittedEvent,
  type GateEvent,
  type LimitsEvent,
  type MiddlewareContext,
  type MiddlewareRequest,
  type QueuedEvent,
  type QueueLeftEvent,
  type QueueRejectedEvent,
} from '@breakwater/core'
import { memoryStore } from './memory-store.ts'
import type { Limits, RateLimitStore, Rules, TokenCount } from './store.ts'

/** A function of the user's that looks at a call. */
export type OfCall<Value> = (request: MiddlewareRequest, ctx: MiddlewareContext) => Value

/** What is told of the queue and of the limits. */
export interface RateLimitObservers {
  /** Told of each call that has to wait. @default nobody is told */
  onQueue?: ((event: QueuedEvent) => void) | undefined
  /** Told when it may go on. @default nobody is told */
  onAdmit?: ((event: AdmittedEvent) => void) | undefined
  /** Told of each call that is refused. @default nobody is told */
  onReject?: ((event: QueueRejectedEvent) => void) | undefined
  /** Told of each call that was aborted while it waited. @default nobody is told */
  onLeave?: ((event: QueueLeftEvent) => void) | undefined
  /** Told when the gate closes, lets the first through, and is open again. @default nobody is told */
  onGate?: ((event: GateEvent) => void) | undefined
  /** Told of limits that were learned or have changed. @default nobody is told */
  onLimits?: ((event: LimitsEvent) => void) | undefined
}

/** Options of `rateLimit`. */
export interface RateLimitOptions extends RateLimitObservers {
  /** The most calls at once under one key; a stream counts until its end. @default no limit */
  concurrency?: number | undefined
  /** The most calls that wait under one key. @default 1000 */
  maxQueue?: number | undefined
  /** The longest wait of one call in milliseconds; one that would take longer fails at once. @default 60000 */
  maxWaitMs?: number | undefined
  /** The longest wait in milliseconds while a failover outside has another target for the call. @default 1000 */
  maxWaitToMoveMs?: number | undefined
  /**
   * How important a call is: a higher number goes first. Each step is worth 10 s of waiting, so that nobody waits for ever.
   * @default 0 for all
   */
  priority?: OfCall<number> | undefined
  /**
   * The tokens that a call will use: a number for its input, or both. What it has really used replaces it.
   * @default by the length of the body and the calls before
   */
  estimateTokens?: OfCall<number | Partial<TokenCount>> | undefined
  /**
   * Limits by class of models, such as `opus`, and `'*'` for all others. What is given here is not learned.
   * @default learned from the answers
   */
  limits?: Readonly<Record<string, Limits>> | undefined
  /**
   * How many calls a second may be sent under a key that nothing is known of yet, and the least after a time in which most failed; `Infinity` for all.
   * @default 10
   */
  startPerSecond?: number | undefined
  /**
   * Names what shares limits. It stands in events and errors: make it of nothing secret. One that throws is replaced by the default.
   * @default origin, class of models, and a number for each credential but the first
   */
  key?: OfCall<string> | undefined
  /** Where the state is kept. @default a `memoryStore()` of its own */
  store?: RateLimitStore | undefined
}

/** Default options of `rateLimit`. */
export const rateLimitDefaults: {
  readonly concurrency: number
  readonly maxQueue: number
  readonly maxWaitMs: number
  readonly maxWaitToMoveMs: number
  readonly startPerSecond: number
} = {
  concurrency: Infinity,
  maxQueue: 1000,
  maxWaitMs: 60_000,
  maxWaitToMoveMs: 1000,
  startPerSecond: 10,
}

/** The options of a `rateLimit`, checked and complete. */
export interface Settings {
  readonly maxWaitMs: number
  readonly maxWaitToMoveMs: number
  readonly priority: OfCall<number> | undefined
  readonly estimateTokens: OfCall<number | Partial<TokenCount>> | undefined
  readonly key: OfCall<string> | undefined
  readonly store: RateLimitStore
  readonly rulesOf: (modelClass: string) => Rules
  readonly observers: RateLimitObservers
}

/**
 * Checks the options and fills in the defaults.
 *
 * @throws {TypeError} for a bad option, naming it.
 */
export function settingsOf({
  concurrency = rateLimitDefaults.concurrency,
  maxQueue = rateLimitDefaults.maxQueue,
  maxWaitMs = rateLimitDefaults.maxWaitMs,
  maxWaitToMoveMs = rateLimitDefaults.maxWaitToMoveMs,
  priority,
  estimateTokens,
  limits = {},
  startPerSecond = rateLimitDefaults.startPerSecond,
  key,
  store,
  ...observers
}: RateLimitOptions): Settings {
  const isCount = concurrency === Infinity || (Number.isSafeInteger(concurrency) && concurrency >= 1)
  assertOption(isCount, 'concurrency', 'a whole number, 1 or more, or Infinity', concurrency)
  const isLength = Number.isSafeInteger(maxQueue) && maxQueue >= 0
  assertOption(isLength, 'maxQueue', 'a whole number, 0 or more', maxQueue)
  const isWait = Number.isFinite(maxWaitMs) && maxWaitMs >= 0 && maxWaitMs <= maxTimerMs
  assertOption(isWait, 'maxWaitMs', `a number of milliseconds from 0 to ${maxTimerMs}`, maxWaitMs)
  const isMove = typeof maxWaitToMoveMs === 'number' && maxWaitToMoveMs >= 0
  assertOption(isMove, 'maxWaitToMoveMs', 'a number of milliseconds, 0 or more', maxWaitToMoveMs)
  const isPace = typeof startPerSecond === 'number' && startPerSecond > 0
  assertOption(isPace, 'startPerSecond', 'a number above 0', startPerSecond)
  assertFunction('priority', priority)
  assertFunction('estimateTokens', estimateTokens)
  assertFunction('key', key)
  assertOption(isRecord(limits), 'limits', 'an object of limits by class of models', limits)
  for (const [name, entry] of Object.entries(limits)) assertLimits(`limits.${name}`, entry)
  const isStore =
    store === undefined ||
    [store?.acquire, store?.settle, store?.penalise].every((method) => typeof method === 'function')
  assertOption(isStore, 'store', 'a `memoryStore()` or another store', store)
  for (const name of observerNames) assertFunction(name, observers[name])
  return {
    maxWaitMs,
    maxWaitToMoveMs,
    priority,
    estimateTokens,
    key,
    store: store ?? memoryStore(),
    rulesOf: rulesByClass({ concurrency, maxQueue, startPerSecond }, limits),
    observers,
  }
}

const observerNames = ['onQueue', 'onAdmit', 'onReject', 'onLeave', 'onGate', 'onLimits'] as const
const limitNames = [
  'requestsPerMinute',
  'tokensPerMinute',
  'inputTokensPerMinute',
  'outputTokensPerMinute',
  'burstMs',
] as const

/** Models may have any name. */
const maxKept = 200

function rulesByClass(
  common: Pick<Rules, 'concurrency' | 'maxQueue' | 'startPerSecond'>,
  limits: Readonly<Record<string, Limits>>,
): Settings['rulesOf'] {
  const given = new Map(Object.entries(limits))
  const rules = new Map<string, Rules>()
  return (modelClass) => {
    let found = rules.get(modelClass)
    if (found === undefined) {
      if (rules.size >= maxKept) rules.clear()
      const isFast = modelClass.endsWith(' fast')
      // Counting tokens has limits of its own.
      const fallback = modelClass === 'count_tokens' ? undefined : given.get('*')
      found = { ...common, limits: { ...(given.get(modelClass) ?? fallback) }, isFast }
      rules.set(modelClass, found)
    }
    return found
  }
}

function assertLimits(name: string, limits: unknown): void {
  assertOption(isRecord(limits), name, 'an object of limits', limits)
  for (const [field, value] of Object.entries(limits)) {
    const isKnown = limitNames.some((known) => known === field)
    assertOption(isKnown, `${name}.${field}`, `one of ${limitNames.join(', ')}`, value)
    const least = field === 'burstMs' ? 'a number of milliseconds, 0 or more' : 'a number above 0'
    const isValid = typeof value === 'number' && Number.isFinite(value) && (value > 0 || field === 'burstMs')
    assertOption(value === undefined || (isValid && value >= 0), `${name}.${field}`, least, value)
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
