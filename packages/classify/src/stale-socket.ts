import { attemptOf } from '@breakwater/core'

/** A closed keep-alive connection shows within a round trip; later the request has been worked on. */
const soonMs = 1000

/**
 * Whether an error is a keep-alive connection that the server had closed before this request came: nobody has seen the
 * request. undici's `SocketError` tells: it has read bytes of an earlier answer on that socket, none on a new one. An
 * `ECONNRESET` carries no socket and stays ambiguous.
 */
export function isStaleSocket(error: unknown): boolean {
  const cause = field(error, 'cause')
  if (field(cause, 'code') !== 'UND_ERR_SOCKET' || field(cause, 'message') !== 'other side closed')
    return false
  const bytesRead = field(field(cause, 'socket'), 'bytesRead')
  const attempt = attemptOf(error)
  return (
    typeof bytesRead === 'number' && bytesRead > 0 && attempt !== undefined && attempt.durationMs < soonMs
  )
}

function field(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined
}
