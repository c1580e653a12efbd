import { categories, type Category, type Classification } from '@breakwater/classify'
import { assertOption } from '@breakwater/core'

/** Retries whose waits grow. */
export interface BackoffRow {
  /** Retries after the first try. */
  readonly retries: number
  /** The range of the first wait in milliseconds; it doubles each time. */
  readonly baseMs: number
  /** The longest wait in milliseconds. */
  readonly capMs: number
}

/** Retries with a wait for each, drawn from its upper half. */
export interface StepsRow {
  /** Retries after the first try; beyond the steps the last one repeats. */
  readonly retries: number
  /** The waits in milliseconds. */
  readonly stepsMs: readonly number[]
}

/** How often a category is retried, and after which waits. */
export type RetryRow = BackoffRow | StepsRow

/** The rows in force. A category without a row is not retried. */
export type RetryPolicy = { readonly [Key in Category]?: RetryRow }

/** Changes to one row: what is left out stays as it is in the {@link retryPolicy}. */
export interface RetryRowOptions {
  /** Retries after the first try, 0 to 100. */
  readonly retries?: number | undefined
  /** The range of the first wait in milliseconds; it doubles each time. */
  readonly baseMs?: number | undefined
  /** The longest wait in milliseconds. */
  readonly capMs?: number | undefined
  /** Instead of `baseMs` and `capMs`: a wait in milliseconds for each retry. */
  readonly stepsMs?: readonly number[] | undefined
}

/** Changes to the {@link retryPolicy}, by category. */
export type RetryPolicyOptions = { readonly [Key in Category]?: RetryRowOptions | undefined }

/** The default policy, by category; all others are not retried. */
export const retryPolicy: RetryPolicy = {
  rate_limit: { retries: 5, baseMs: 1000, capMs: 60_000 },
  overloaded: { retries: 6, stepsMs: [500, 1000, 2000, 5000, 15_000, 45_000] },
  server_error: { retries: 1, baseMs: 1000, capMs: 60_000 },
  connection: { retries: 3, baseMs: 500, capMs: 60_000 },
  timeout: { retries: 1, baseMs: 1000, capMs: 60_000 },
  request_timeout: { retries: 2, baseMs: 1000, capMs: 60_000 },
  conflict: { retries: 1, baseMs: 500, capMs: 60_000 },
  // The circuit says how long, and the caller how often: these waits are for one that does not.
  circuit_open: { retries: 100, baseMs: 1000, capMs: 5000 },
}

/** What a row takes from when neither the user nor the default policy says it. */
const plain: BackoffRow = { retries: 1, baseMs: 1000, capMs: 60_000 }

/**
 * The default policy with a user's changes.
 *
 * @throws {TypeError} for a bad row, naming the option.
 */
export function mergePolicy(changes: RetryPolicyOptions): RetryPolicy {
  assertOption(isRecord(changes), 'policy', 'an object of rows by category', changes)
  const policy: { [Key in Category]?: RetryRow } = { ...retryPolicy }
  for (const [name, row] of Object.entries(changes)) {
    assertOption(isCategory(name), `policy.${name}`, 'named after a category of classify', row)
    if (row !== undefined) policy[name] = mergeRow(`policy.${name}`, row, policy[name])
  }
  return policy
}

/**
 * Whether a failure gets one retry at most, whatever its row says: the verdict is narrower than its category's own,
 * because it says `once`, or because the first try may have been billed (`ambiguous`).
 */
export function isOnce({ category, retry, replay }: Classification): boolean {
  const own = categories[category]
  if (own.retry === 'once') return false
  return retry === 'once' || (replay === 'ambiguous' && own.replay === 'safe')
}

/** The most retries of one call that go upstream: those of the largest row. Waits for a circuit send nothing. */
export function mostRetries(policy: RetryPolicy): number {
  return Object.entries(policy).reduce(
    (most, [category, { retries }]) => (category === 'circuit_open' ? most : Math.max(most, retries)),
    0,
  )
}

/** The longest wait of a row in milliseconds. */
export function longestWaitMs(row: RetryRow): number {
  return 'stepsMs' in row ? Math.max(...row.stepsMs) : row.capMs
}

function mergeRow(name: string, changes: RetryRowOptions, base: RetryRow = plain): RetryRow {
  assertOption(isRecord(changes), name, 'a row of retries and waits', changes)
  const { retries, baseMs, capMs, stepsMs } = changes
  if (retries !== undefined) assertRetries(`${name}.retries`, retries)
  if (baseMs !== undefined) assertMs(`${name}.baseMs`, baseMs)
  if (capMs !== undefined) assertMs(`${name}.capMs`, capMs)
  const isBackoff = baseMs !== undefined || capMs !== undefined
  if (stepsMs !== undefined) {
    assertOption(!isBackoff, `${name}.stepsMs`, 'given without `baseMs` and `capMs`', stepsMs)
    assertSteps(`${name}.stepsMs`, stepsMs)
    return { retries: retries ?? stepsMs.length, stepsMs: [...stepsMs] }
  }
  if ('stepsMs' in base && !isBackoff) return { retries: retries ?? base.retries, stepsMs: base.stepsMs }
  const from = 'stepsMs' in base ? { ...plain, retries: base.retries } : base
  return {
    retries: retries ?? from.retries,
    baseMs: baseMs ?? from.baseMs,
    capMs: capMs ?? from.capMs,
  }
}

function assertRetries(name: string, retries: number): void {
  const valid = Number.isInteger(retries) && retries >= 0 && retries <= 100
  assertOption(valid, name, 'a whole number from 0 to 100', retries)
}

function assertSteps(name: string, steps: readonly number[]): void {
  const valid = Array.isArray(steps) && steps.length > 0
  assertOption(valid, name, 'an array of one wait in milliseconds or more', steps)
  for (const [index, step] of steps.entries()) assertMs(`${name}[${index}]`, step)
}

function assertMs(name: string, value: number): void {
  assertOption(Number.isFinite(value) && value >= 0, name, 'a number of milliseconds, 0 or more', value)
}

function isCategory(name: string): name is Category {
  return Object.hasOwn(categories, name)
}

function isRecord(value: unknown): boolean {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
