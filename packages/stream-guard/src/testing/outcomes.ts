/** What a promise is rejected with; a test that expects a failure fails by a success. */
export function failureOf(promise: PromiseLike<unknown>): Promise<unknown> {
  return Promise.resolve(promise).then(
    (value) => new Error(`It succeeded with ${String(value)}.`),
    (error: unknown) => error,
  )
}

/** The events of a stream, and the error that ends it. */
export async function eventsOf<Event>(
  stream: AsyncIterable<Event> | PromiseLike<AsyncIterable<Event>>,
): Promise<{ events: Event[]; error: unknown }> {
  const events: Event[] = []
  try {
    for await (const event of await stream) events.push(event)
  } catch (error) {
    return { events, error }
  }
  return { events, error: undefined }
}
