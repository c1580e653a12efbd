/**
 * Refuses a bad option, for use in a factory.
 *
 * @throws {TypeError} naming the option and the value, unless `valid`.
 * @example
 * ```ts
 * import { assertOption } from '@breakwater/core'
 *
 * const maxWaitMs: number = 250
 * assertOption(maxWaitMs >= 0, 'maxWaitMs', 'a number of milliseconds, 0 or more', maxWaitMs)
 * ```
 */
export function assertOption(valid: boolean, name: string, expected: string, value: unknown): asserts valid {
  if (!valid) throw new TypeError(`Expected \`${name}\` to be ${expected}, got ${show(value)}.`)
}

/**
 * Refuses an option that is given and is no function, such as an observer.
 *
 * @throws {TypeError} naming the option and the value.
 */
export function assertFunction(name: string, value: unknown): void {
  assertOption(value === undefined || typeof value === 'function', name, 'a function', value)
}

/** Short, and safe for what may hold a secret: only the type of an object or a function is named. */
function show(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value.length > 60 ? `${value.slice(0, 60)}…` : value)
  if (Array.isArray(value)) return `an array of ${value.length}`
  if (typeof value === 'function') return 'a function'
  if (typeof value === 'object' && value !== null) return `an object`
  return String(value)
}
