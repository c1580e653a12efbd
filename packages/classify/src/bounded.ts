import { carryAttempt, discard } from '@breakwater/core'
import { arrivedOf, recallRuled, rememberRuled } from './cache.ts'

/**
 * The failing response to pass on after `classifyOutcome` has seen it: the very same where its body came whole, else
 * one with what had arrived, while the rest is discarded. The client reads an error body to its end, which a server may
 * never send.
 */
export function boundedResponse(response: Response): Response {
  const chunks = arrivedOf(response)
  if (chunks === undefined) return response
  discard(response)
  const { status, statusText } = response
  const headers = new Headers(response.headers)
  headers.delete('content-length')
  const cut = carryAttempt(response, new Response(new Blob([...chunks]), { status, statusText, headers }))
  const verdict = recallRuled(response)
  if (verdict !== undefined) rememberRuled(cut, verdict)
  return cut
}
