import { callOf } from './call.ts'
import { scanLimit, topLevelString } from './json-scan.ts'
import type { MiddlewareContext, MiddlewareRequest } from './middleware.ts'

/**
 * The model that a request asks for, without parsing its body: found by a bounded look at the top level of
 * the JSON, else in `ctx.options.body`. `undefined` where neither has it: Bedrock and Vertex through `fetch` name
 * the model in the URL, and other endpoints name none.
 */
export function modelOf(request: MiddlewareRequest, ctx: MiddlewareContext): string | undefined {
  const { body } = request
  if (typeof body !== 'string' && !(body instanceof Uint8Array)) return fromOptions(ctx.options?.body)
  const call = callOf(request, ctx)
  // A breaker, a failover and the ledger ask in turn.
  if (call.modelBody !== body) {
    call.modelBody = body
    // The body itself goes first: a failover may have changed it, while the options keep the original.
    call.model = fromBody(body) ?? fromOptions(ctx.options?.body)
  }
  return call.model
}

function fromBody(body: string | Uint8Array): string | undefined {
  return topLevelString(typeof body === 'string' ? body : decodeEnds(body), 'model')
}

function fromOptions(body: unknown): string | undefined {
  if (typeof body !== 'object' || body === null || !('model' in body)) return undefined
  return typeof body.model === 'string' ? body.model : undefined
}

/** As much of the bytes as the scan looks at. Every structural character of JSON is ASCII. */
function decodeEnds(bytes: Uint8Array): string {
  const decoder = new TextDecoder('latin1')
  if (bytes.length <= 2 * scanLimit) return decoder.decode(bytes)
  return decoder.decode(bytes.subarray(0, scanLimit)) + decoder.decode(bytes.subarray(-scanLimit))
}
