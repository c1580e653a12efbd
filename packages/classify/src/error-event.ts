import type { Classification } from './classification.ts'
import { parseErrorBody } from './error-body.ts'
import { statusOfType, verdict } from './verdict.ts'

/**
 * What an `error` event inside a stream means, from its data. `headers` are those of the response that carries it: they
 * name the request, but what they say of retries was said before anything had failed.
 */
export function classifyErrorEvent(data: string | undefined, headers?: Pick<Headers, 'get'>): Classification {
  const requestId = headers?.get('request-id') ?? undefined
  return verdict({ ...(requestId !== undefined && { requestId }), ...parseErrorBody(data ?? '') })
}

/** The status that the API would have answered with for an `error.type`; 500 for one that it does not document. */
export function statusOfErrorType(type: string | undefined): number {
  return statusOfType.get(type ?? '') ?? 500
}
