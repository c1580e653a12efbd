/** An object of JSON. */
export type JsonRecord = Readonly<Record<string, unknown>>

/** Whether a value of JSON is an object or an array. */
export function isRecord(value: unknown): value is JsonRecord {
  return typeof value === 'object' && value !== null
}

/** The value of a JSON text; `undefined`, which JSON does not know, where it is none. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
