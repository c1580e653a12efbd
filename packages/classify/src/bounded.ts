import { carryAttempt, discard } from '@breakwater/core'
import { arrivedOf, recallRuled, rememberRuled } from './cache.ts'
import { classification, type Details } from './classification.ts'

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
  return carryClassification(response, new Response(new Blob([...chunks]), { status, statusText, headers }))
}

/**
 * Lets a new object (a stamped response) stand for the failure that it was made from: in the ledger, and with its
 * verdict, of which `changes` may change a part.
 */
export function carryClassification<Outcome extends object>(
  from: object,
  to: Outcome,
  changes: Details = {},
): Outcome {
  const verdict = recallRuled(from)
  if (verdict !== undefined) rememberRuled(to, classification(verdict.category, { ...verdict, ...changes }))
  return carryAttempt(from, to)
}
