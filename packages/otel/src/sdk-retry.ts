import { isResponse, type MiddlewareContext, type MiddlewareRequest } from '@breakwater/core'

/**
 * Whether the SDK will try again by itself, as far as can be told from here. Only in its own seam: under `createFetch` each
 * of its retries is a call.
 */
export function willSdkRetry(
  outcome: unknown,
  category: string | undefined,
  request: MiddlewareRequest,
  ctx: MiddlewareContext,
  maxRetries: number,
): boolean {
  const { options } = ctx
  if (options === undefined || options.signal?.aborted === true) return false
  const perCall: unknown = Reflect.get(options, 'maxRetries')
  const limit = typeof perCall === 'number' ? perCall : maxRetries
  if (!(Number(request.headers.get('x-stainless-retry-count') ?? 0) < limit)) return false
  if (!isResponse(outcome)) return category === 'connection' || category === 'timeout'
  const { status, headers } = outcome
  const asked = headers.get('x-should-retry')
  if (asked === 'true' || asked === 'false') return asked === 'true'
  return status === 408 || status === 409 || status === 429 || status >= 500
}
