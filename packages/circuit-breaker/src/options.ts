import { categories, type Category } from '@breakwater/classify'
import {
  assertFunction,
  assertOption,
  type BreakerRejectedEvent,
  type BreakerStateEvent,
} from '@breakwater/core'
import { guardedKey, originAndModel, type CircuitKey } from './circuit-key.ts'
import type { CircuitsSettings } from './circuits.ts'
import { assertSnapshot, type CircuitBreakerSnapshot } from './snapshot.ts'

/** Options of `circuitBreaker`. */
export interface CircuitBreakerOptions {
  /**
   * Names the circuit of a call. It stands in events and errors: make it of nothing secret. One that throws is replaced by
   * the default.
   * @default origin and model, such as `https://api.anthropic.com claude-haiku-5-5`
   */
  key?: CircuitKey | undefined
  /** How many successes and failures the window must hold before a circuit can open. @default 10 */
  volumeThreshold?: number | undefined
  /** A circuit opens when at least this share of them are failures, in percent. @default 50 */
  errorThresholdPercentage?: number | undefined
  /**
   * A circuit also opens after so many failures in a row, whatever the window holds; `windowMs` without a failure breaks the
   * row. `false`: the share alone decides.
   * @default 10, or `volumeThreshold` where that is more
   */
  consecutiveFailures?: number | false | undefined
  /** For how long an outcome counts, in milliseconds, forgotten by tenths. @default 30000 */
  windowMs?: number | undefined
  /** For how long a circuit opens when the server does not say, in milliseconds. @default 2000 */
  resetMs?: number | undefined
  /** Up to what that doubles while probes fail, in milliseconds. @default `resetMs`: it does not grow */
  maxResetMs?: number | undefined
  /** How many calls at once may try whether an open circuit can close. @default 1 */
  probes?: number | undefined
  /**
   * Categories of which one failure is enough: it opens a circuit of the whole origin, for every model. Such as
   * `['billing', 'authentication', 'permission', 'spend_limit']`.
   * @default []
   */
  orgCategories?: readonly Category[] | undefined
  /** The most circuits that are kept; the least recently used one goes. @default 1000 */
  maxCircuits?: number | undefined
  /** What `snapshot()` gave, in this process or an earlier one. @default nothing */
  restore?: CircuitBreakerSnapshot | undefined
  /** Told of each change of a circuit's state. @default nobody is told */
  onStateChange?: ((event: BreakerStateEvent) => void) | undefined
  /** Told of each call that is refused. @default nobody is told */
  onReject?: ((event: BreakerRejectedEvent) => void) | undefined
}

/** Default options of `circuitBreaker`. */
export const circuitBreakerDefaults: {
  readonly volumeThreshold: number
  readonly errorThresholdPercentage: number
  readonly consecutiveFailures: number
  readonly windowMs: number
  readonly resetMs: number
  readonly probes: number
  readonly orgCategories: readonly Category[]
  readonly maxCircuits: number
} = {
  volumeThreshold: 10,
  errorThresholdPercentage: 50,
  consecutiveFailures: 10,
  windowMs: 30_000,
  resetMs: 2000,
  probes: 1,
  orgCategories: [],
  maxCircuits: 1000,
}

/** The options of a breaker, checked and complete. */
export interface Settings extends CircuitsSettings {
  readonly key: CircuitKey
  /** `undefined` where no category has such a circuit. */
  readonly orgCategories: ReadonlySet<Category> | undefined
  readonly onReject: ((event: BreakerRejectedEvent) => void) | undefined
}

/**
 * Checks the options and fills in the defaults.
 *
 * @throws {TypeError} for a bad option, naming it.
 */
export function settingsOf({
  key,
  volumeThreshold = circuitBreakerDefaults.volumeThreshold,
  errorThresholdPercentage = circuitBreakerDefaults.errorThresholdPercentage,
  consecutiveFailures = Math.max(circuitBreakerDefaults.consecutiveFailures, volumeThreshold),
  windowMs = circuitBreakerDefaults.windowMs,
  resetMs = circuitBreakerDefaults.resetMs,
  maxResetMs = resetMs,
  probes = circuitBreakerDefaults.probes,
  orgCategories = circuitBreakerDefaults.orgCategories,
  maxCircuits = circuitBreakerDefaults.maxCircuits,
  restore,
  onStateChange,
  onReject,
}: CircuitBreakerOptions): Settings {
  assertFunction('key', key)
  assertWhole('volumeThreshold', volumeThreshold, 0)
  const isShare =
    Number.isFinite(errorThresholdPercentage) &&
    errorThresholdPercentage >= 0 &&
    errorThresholdPercentage <= 100
  assertOption(isShare, 'errorThresholdPercentage', 'a number from 0 to 100', errorThresholdPercentage)
  if (consecutiveFailures !== false) assertWhole('consecutiveFailures', consecutiveFailures, 1)
  const isWindow = windowMs > 0 && Number.isFinite(windowMs)
  assertOption(isWindow, 'windowMs', 'a number of milliseconds above 0', windowMs)
  const isReset = resetMs >= 0 && Number.isFinite(resetMs)
  assertOption(isReset, 'resetMs', 'a number of milliseconds, 0 or more', resetMs)
  const isMost = maxResetMs >= resetMs && Number.isFinite(maxResetMs)
  assertOption(isMost, 'maxResetMs', 'a number of milliseconds, `resetMs` or more', maxResetMs)
  assertWhole('probes', probes, 1)
  assertWhole('maxCircuits', maxCircuits, 1)
  const areCategories =
    Array.isArray(orgCategories) && orgCategories.every((category) => Object.hasOwn(categories, category))
  assertOption(areCategories, 'orgCategories', 'an array of categories', orgCategories)
  if (restore !== undefined) assertSnapshot(restore)
  assertFunction('onStateChange', onStateChange)
  assertFunction('onReject', onReject)
  return {
    key: key === undefined ? originAndModel : guardedKey(key),
    circuit: {
      volumeThreshold,
      errorThresholdPercentage,
      consecutiveFailures: consecutiveFailures === false ? Infinity : consecutiveFailures,
      windowMs,
      resetMs,
      maxResetMs,
      probes,
    },
    orgCategories: orgCategories.length === 0 ? undefined : new Set(orgCategories),
    maxCircuits,
    restore,
    onStateChange,
    onReject,
  }
}

function assertWhole(name: string, value: number, least: number): void {
  assertOption(Number.isSafeInteger(value) && value >= least, name, `a whole number, ${least} or more`, value)
}
