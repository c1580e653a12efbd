import { createHidden } from './hidden.ts'
import { isObject } from './is-object.ts'
import { carryAttempt } from './send.ts'

/**
 * Cancels a response that nobody will read, so that its socket is free again. It is never awaited: where
 * somebody has cloned the response, its cancel settles only when the clone has been read.
 */
export function discard(response: Response): void {
  const { body } = response
  if (body !== null && !body.locked) body.cancel().catch(ignore)
}

/** What a copy was made of: Node cancels a body that nobody reads yet when the response of the `fetch` is collected. */
const originals = createHidden<Response>()

/**
 * The same response under other headers, with the same body, which goes over to the copy. It stands for the attempt of the original.
 *
 * Never make one by `new Response(response.body, …)` alone: the body of a `fetch` ends when its own response is collected.
 */
export function copyResponse(response: Response, headers: Headers): Response {
  const { body, status, statusText } = response
  const copy = carryAttempt(response, new Response(body, { status, statusText, headers }))
  originals.set(copy, response)
  return copy
}

/**
 * Whether a request's body can be sent again: anything but a stream or an iterator, which is spent by the first
 * try. `FormData`, `Blob`, `URLSearchParams`, strings and bytes are made anew by every `fetch`.
 */
export function isReplayable(body: unknown): boolean {
  if (typeof body !== 'object' || body === null) return true
  return (
    body instanceof FormData ||
    body instanceof Blob ||
    body instanceof URLSearchParams ||
    body instanceof ArrayBuffer ||
    ArrayBuffer.isView(body)
  )
}

/** Whether an outcome is a response and not an error: by its looks, as a `fetch` may bring a class of its own. */
export function isResponse(outcome: unknown): outcome is Response {
  return isObject(outcome) && 'bodyUsed' in outcome
}

function ignore(): void {}
