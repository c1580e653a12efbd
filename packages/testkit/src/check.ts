/** Checks one value; throws a TypeError that names its path. */
export type Check = (value: unknown, path: string) => void

/** Throws the TypeError of a wrong value. */
export function fail(path: string, expected: string, value: unknown): never {
  throw new TypeError(`Expected \`${path}\` to be ${expected}, got ${show(value)}.`)
}

/** Makes a check of a condition. */
export function check(expected: string, isRight: (value: unknown) => boolean): Check {
  return (value, path) => {
    if (!isRight(value)) fail(path, expected, value)
  }
}

/** Makes a check for whole numbers. */
export function integer(min: number, max: number = Number.MAX_SAFE_INTEGER): Check {
  const range = max === Number.MAX_SAFE_INTEGER ? `of at least ${min}` : `between ${min} and ${max}`
  return check(
    `an integer ${range}`,
    (value) => Number.isInteger(value) && Number(value) >= min && Number(value) <= max,
  )
}

/** Makes a check for one of some values. */
export function oneOf(...values: readonly unknown[]): Check {
  return check(`one of ${values.map(show).join(', ')}`, (value) => values.includes(value))
}

/** Makes a check for an object with known fields, each of which may be undefined unless it is required. */
export function fields(known: Readonly<Record<string, Check>>, required: readonly string[] = []): Check {
  return (value, path) => {
    if (!isObject(value)) fail(path, 'an object', value)
    for (const [name, inner] of Object.entries(value)) {
      const checkField = Object.hasOwn(known, name) ? known[name] : undefined
      if (checkField === undefined) {
        throw new TypeError(
          `Unknown field \`${join(path, name)}\`; known are ${Object.keys(known).join(', ')}.`,
        )
      }
      if (inner !== undefined) checkField(inner, join(path, name))
    }
    for (const name of required) {
      if (value[name] === undefined) throw new TypeError(`Missing field \`${join(path, name)}\`.`)
    }
  }
}

/** Makes a check for a list. */
export function list(entry: Check): Check {
  return (value, path) => {
    if (!Array.isArray(value)) fail(path, 'a list', value)
    for (const [index, inner] of value.entries()) entry(inner, `${path}[${index}]`)
  }
}

/** Says whether a value is an object that is no list. */
export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** Writes a path. */
export function join(path: string, name: string): string {
  return path === '' ? name : `${path}.${name}`
}

/** Writes a value for a message, on one short line. */
export function show(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value.length > 60 ? `${value.slice(0, 60)}…` : value)
  if (Array.isArray(value)) return 'a list'
  if (typeof value === 'object' && value !== null) return 'an object'
  return typeof value === 'function' ? 'a function' : String(value)
}

/** A check for any text. */
export const text: Check = check('a string', (value) => typeof value === 'string')

/** A check for true or false. */
export const flag: Check = check('true or false', (value) => typeof value === 'boolean')

/** A check for any object that is no list. */
export const object: Check = check('an object', isObject)

/** A check for a function. */
export const callback: Check = check('a function', (value) => typeof value === 'function')

/** A check for a duration that a timer can wait. */
export const duration: Check = check(
  'a number of milliseconds between 0 and 2147483647',
  (value) => typeof value === 'number' && value >= 0 && value <= 2_147_483_647,
)

/** A check for a duration without an upper limit. */
export const amount: Check = check(
  'a number of at least 0',
  (value) => typeof value === 'number' && Number.isFinite(value) && value >= 0,
)
