import { safeText, safeToken } from './safe-text.ts'

/** What an error body says. */
export interface ErrorBody {
  /** `error.type`, such as `overloaded_error`. */
  readonly type?: string
  /** `error.details.error_code`, such as `ramp_limit_exceeded`. */
  readonly code?: string
  /** The message, made safe for a log line. */
  readonly message?: string
  /** `request_id`. */
  readonly requestId?: string
}

/**
 * Reads an error body: Anthropic's JSON, the looser JSON of gateways and clouds, an HTML page (its title),
 * or plain text (its first 200 characters). JSON of no known shape gives no message: it may echo the request.
 */
export function parseErrorBody(text: string): ErrorBody {
  const trimmed = text.trim()
  if (trimmed === '') return {}
  let json: unknown
  try {
    json = JSON.parse(trimmed)
  } catch {
    const title = /<title[^>]{0,100}>([^<]{1,200})/i.exec(trimmed)?.[1]
    return { message: safeText(title ?? trimmed.slice(0, 200)) }
  }
  return errorBodyOf(json)
}

/** The same for a body that is already parsed. */
export function errorBodyOf(json: unknown): ErrorBody {
  const body: unknown = Array.isArray(json) ? json[0] : json
  if (typeof body === 'string') return { message: safeText(body.slice(0, 200)) }
  if (!isRecord(body)) return {}
  const error = body['error']
  const inner = isRecord(error) ? error : body
  const details = inner['details']
  const type = inner['type'] === 'error' ? undefined : safeToken(inner['type'])
  const code = isRecord(details) ? safeToken(details['error_code']) : undefined
  const message = [inner['message'], inner['Message'], error, body['message'], body['detail']].find(isText)
  const requestId = safeToken(body['request_id'])
  return {
    ...(type !== undefined && { type }),
    ...(code !== undefined && { code }),
    ...(message !== undefined && { message: safeText(message) }),
    ...(requestId !== undefined && { requestId }),
  }
}

/** Whether a value is an object whose properties can be read by name. */
export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== ''
}
