import { modelOf, type MiddlewareContext, type MiddlewareRequest } from '@breakwater/core'

/** Names the circuit of a call. */
export type CircuitKey = (request: MiddlewareRequest, ctx: MiddlewareContext) => string

/** The keys of one URL. */
interface Keys {
  readonly origin: string
  readonly org: string
  /** By model. A key that is found again has its hash, where one that is put together anew needs it computed. */
  readonly byModel: Map<string, string>
}

/** URLs with an id in them have no end, and a model may be any text. */
const maxKept = 200
const keysByUrl = new Map<string, Keys>()

/** The default: origin and model, or the origin alone where no model is known. */
export function originAndModel(request: MiddlewareRequest, ctx: MiddlewareContext): string {
  const { origin, byModel } = keysOf(request.url)
  const model = modelOf(request, ctx)
  if (model === undefined) return origin
  let key = byModel.get(model)
  if (key === undefined) {
    if (byModel.size >= maxKept) byModel.clear()
    key = `${origin} ${model}`
    byModel.set(model, key)
  }
  return key
}

/** The circuit of a whole origin, for what concerns every model. */
export function orgKeyOf({ url }: MiddlewareRequest): string {
  return keysOf(url).org
}

/**
 * A user's own key, which must not break a call: one that throws, or gives no string, is replaced by the default, and a
 * warning is logged the first time.
 */
export function guardedKey(key: CircuitKey): CircuitKey {
  let isWarned = false
  return (request, ctx) => {
    let error: unknown
    try {
      const own: unknown = key(request, ctx)
      if (typeof own === 'string') return own
      error = new TypeError(`Expected \`key\` to return a string, got ${own === null ? 'null' : typeof own}.`)
    } catch (thrown) {
      error = thrown
    }
    if (!isWarned) {
      isWarned = true
      ctx.logger.warn(
        '[breakwater] `key` of circuitBreaker has failed: origin and model are used instead',
        error,
      )
    }
    return originAndModel(request, ctx)
  }
}

/** A URL is parsed once. */
function keysOf(url: string): Keys {
  let keys = keysByUrl.get(url)
  if (keys === undefined) {
    if (keysByUrl.size >= maxKept) keysByUrl.clear()
    const origin = URL.canParse(url) ? new URL(url).origin : 'relative'
    keys = { origin, org: `${origin} *`, byModel: new Map() }
    keysByUrl.set(url, keys)
  }
  return keys
}
