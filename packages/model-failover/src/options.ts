import type { Classification } from '@breakwater/classify'
import {
  assertFunction,
  assertOption,
  maxTimerMs,
  type CooldownEvent,
  type FailoverEvent,
} from '@breakwater/core'
import { targetsOf, type FailoverTarget, type Target } from './targets.ts'

/** Where a call would move: the names of the target that failed and of the next one. */
export interface Move {
  readonly from: string
  readonly to: string
}

/** Options of `modelFailover`. */
export interface ModelFailoverOptions {
  /** Where a call goes when its own model fails, in this order. */
  to: readonly FailoverTarget[]
  /**
   * Whether a failure moves the call to the next target; replaces the default. Never asked about an abort, nor after the
   * deadline.
   * @default the classifier's `failover`, a hint above `maxRetryAfterMs`, and a prompt too long where the next window is larger
   */
  when?: ((failure: Classification, move: Move) => boolean) | undefined
  /**
   * How long a target that failed is left alone where the server gives no hint, in milliseconds. 0: the next call tries it
   * again, hint or not.
   * @default 30000
   */
  cooldownMs?: number | undefined
  /** Whether a 404 moves the call. Each one is logged as an error: a name is wrong. @default false */
  notFound?: boolean | undefined
  /** Context windows in tokens by model. A target that is known to be too small is skipped. @default none is known */
  windows?: Readonly<Record<string, number>> | undefined
  /**
   * The tokens that a request needs, answer included, from its parsed body, for `windows`.
   * @default a quarter of the characters, files left out, plus `max_tokens`
   */
  estimateTokens?: ((body: Readonly<Record<string, unknown>>) => number) | undefined
  /**
   * The time that is kept for the next target where the call has a deadline, in milliseconds; never more than half of
   * what is left.
   * @default 10000
   */
  reserveMs?: number | undefined
  /** The longest wait that a server may ask for before the call moves all the same, in milliseconds. @default 60000 */
  maxRetryAfterMs?: number | undefined
  /** Told when a call moves. @default nobody is told */
  onFailover?: ((event: FailoverEvent) => void) | undefined
  /** Told when a target cools down, is probed, and is back. @default nobody is told */
  onCooldown?: ((event: CooldownEvent) => void) | undefined
}

/** Default options of `modelFailover`. */
export const modelFailoverDefaults = {
  cooldownMs: 30_000,
  notFound: false,
  reserveMs: 10_000,
  maxRetryAfterMs: 60_000,
} as const

/** The options, checked and filled up. */
export interface Settings extends Omit<ModelFailoverOptions, 'to' | 'windows'> {
  readonly targets: readonly Target[]
  readonly cooldownMs: number
  readonly notFound: boolean
  readonly windows: ReadonlyMap<string, number>
  readonly reserveMs: number
  readonly maxRetryAfterMs: number
}

/**
 * Checks the options and fills in the defaults.
 *
 * @throws {TypeError} for a bad option, naming it.
 */
export function settingsOf({
  to,
  when,
  cooldownMs = modelFailoverDefaults.cooldownMs,
  notFound = modelFailoverDefaults.notFound,
  windows = {},
  estimateTokens,
  reserveMs = modelFailoverDefaults.reserveMs,
  maxRetryAfterMs = modelFailoverDefaults.maxRetryAfterMs,
  onFailover,
  onCooldown,
}: ModelFailoverOptions): Settings {
  const targets = targetsOf(to)
  for (const [name, value] of Object.entries({ cooldownMs, reserveMs, maxRetryAfterMs })) {
    const isDuration = typeof value === 'number' && value >= 0 && value <= maxTimerMs
    assertOption(isDuration, name, `a number of milliseconds from 0 to ${maxTimerMs}`, value)
  }
  for (const [name, value] of Object.entries({ when, estimateTokens, onFailover, onCooldown })) {
    assertFunction(name, value)
  }
  assertOption(typeof notFound === 'boolean', 'notFound', 'true or false', notFound)
  const isObject = typeof windows === 'object' && windows !== null && !Array.isArray(windows)
  assertOption(isObject, 'windows', 'an object of tokens by model', windows)
  for (const [model, tokens] of Object.entries(windows)) {
    const isWindow = typeof tokens === 'number' && tokens > 0
    assertOption(isWindow, `windows['${model}']`, 'a number of tokens above 0', tokens)
  }
  return {
    targets,
    when,
    cooldownMs,
    notFound,
    windows: new Map(Object.entries(windows)),
    estimateTokens,
    reserveMs,
    maxRetryAfterMs,
    onFailover,
    onCooldown,
  }
}
