import type { MiddlewareRequest } from '@breakwater/core'
import type { Tally } from './decide.ts'

const name = 'x-stainless-retry-count'

/** How often the SDK itself has retried this call, by its own account; `undefined` when it does not say. */
export function sdkRetries({ headers }: MiddlewareRequest): number | undefined {
  const value = headers.get(name)
  const retries = Number(value)
  return value !== null && Number.isInteger(retries) && retries >= 0 ? retries : undefined
}

/**
 * The request with the true count: the SDK's own retries and ours. A request that carries no count stays without.
 */
export function countRetries(request: MiddlewareRequest, tally?: Tally): MiddlewareRequest {
  // Of all tries the SDK counts those that it has made itself.
  const ours = tally === undefined ? 0 : tally.sent - tally.resumed
  const already = ours === 0 ? undefined : sdkRetries(request)
  if (already === undefined) return request
  // The headers belong to everybody outside.
  const headers = new Headers(request.headers)
  headers.set(name, String(already + ours))
  return { ...request, headers }
}
