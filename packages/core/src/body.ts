import { isObject } from './is-object.ts'

/**
 * Cancels a response that nobody will read, so that its socket is free again. It is never awaited: where
 * somebody has cloned the response, its cancel settles only when the clone has been read.
 */
export function discard(response: Response): void {
  const { body } = response
  if (body !== null && !body.locked) body.cancel().catch(ignore)
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
