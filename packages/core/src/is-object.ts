/** Whether a value can be the key of a `WeakMap`, or have properties. */
export function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null
}
