/** What a promise is rejected with; a test that expects a failure fails by a success. */
export function failureOf(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    (value) => new Error(`It succeeded with ${String(value)}.`),
    (error: unknown) => error,
  )
}

/** Reads a stream to its end, and gives the types of its events. */
export async function typesOf(stream: AsyncIterable<{ type: string }>): Promise<string[]> {
  const types: string[] = []
  for await (const { type } of stream) types.push(type)
  return types
}
