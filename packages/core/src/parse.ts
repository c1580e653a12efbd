/** One read serves all middlewares that ask. */
const parsed = new WeakMap<Response, Promise<unknown>>()

/**
 * `ctx.parse` under `createFetch`: JSON as its value, `null` for 204, anything else as text, read from a clone.
 * An event stream is refused: reading its clone would hold back the caller's own.
 */
export function parse<T>(response: Response): Promise<T> {
  let value = parsed.get(response)
  if (value === undefined) {
    value = read(response)
    parsed.set(response, value)
  }
  return value as Promise<T>
}

async function read(response: Response): Promise<unknown> {
  if (response.bodyUsed || response.body?.locked === true) {
    throw new TypeError(
      'ctx.parse() needs a response whose body nobody has read: call it first, or read a clone.',
    )
  }
  if (response.status === 204) return null
  const mediaType = response.headers.get('content-type')?.split(';')[0]?.trim() ?? ''
  if (mediaType === 'text/event-stream') {
    throw new TypeError(
      'ctx.parse() cannot read an event stream under createFetch: watch `response.body` as it passes.',
    )
  }
  const copy = response.clone()
  return mediaType.includes('application/json') || mediaType.endsWith('+json') ? copy.json() : copy.text()
}
