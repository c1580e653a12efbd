import { errorBodyOf, isRecord, parseErrorBody } from './error-body.ts'
import type { ErrorBody } from './error-body.ts'
import type { Ruling } from './network-errors.ts'
import { isErrorType } from './verdict.ts'
import type { Facts } from './verdict.ts'

type Properties = Readonly<Record<string, unknown>>

/**
 * What the server said, read off an error that carries it, of any SDK copy (duck-typed: `status`, `headers`, `error`)
 * or of the AI SDK (`statusCode`, `responseHeaders`, `responseBody`); undefined for an error that carries none.
 */
export function factsOfError(error: Properties): Facts | undefined {
  const status = [error['status'], error['statusCode']].find(isHttpStatus)
  const body = bodyOfError(error, status)
  const type = [error['type'], body.type].find(isErrorType) ?? body.type
  if (status === undefined && !isErrorType(type)) return undefined
  return {
    status,
    type,
    code: textOf(error['errorCode']) ?? body.code,
    message: textOf(error['apiMessage']) ?? body.message,
    requestId: textOf(error['requestID']) ?? textOf(error['request_id']) ?? body.requestId,
    headers: headersOf(error['headers'] ?? error['responseHeaders']),
  }
}

/** What an error that the SDK raised by itself, without an answer of the server, means; undefined for any other. */
export function rulingOfSdkError(error: Properties): Ruling | undefined {
  const message = textOf(error['message']) ?? ''
  // A minifier renames classes; the SDK's texts stay.
  const isCalled = (name: string, text: string): boolean =>
    isNamed(error, name) || (isUnanswered(error) && message === text)
  if (isCalled('APIUserAbortError', 'Request was aborted.')) return { category: 'aborted' }
  if (isCalled('APIConnectionTimeoutError', 'Request timed out.')) return { category: 'timeout' }
  if (/^(?:stream|request) ended without|^Unexpected event order/.test(message)) {
    return { category: 'stream_interrupted' }
  }
  return message.startsWith('Could not resolve authentication method')
    ? { category: 'authentication' }
    : undefined
}

/** Whether it is the SDK's `APIConnectionError`, which says only that something failed: its cause says what. */
export function isSdkConnectionError(error: Properties): boolean {
  return isUnanswered(error) || isNamed(error, 'APIConnectionError')
}

/** Whether an error goes by a class name: SDK 1.x sets `name`, older ones leave it `Error`. */
export function isNamed(error: Properties, name: string): boolean {
  const constructor: unknown = error['constructor']
  return error['name'] === name || (typeof constructor === 'function' && constructor.name === name)
}

/** The properties of the SDK's `APIError`, none of them set: no response stands behind it. */
function isUnanswered(error: Properties): boolean {
  return 'requestID' in error && error['status'] === undefined && error['headers'] === undefined
}

/** A text; undefined for anything else. */
export function textOf(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined
}

function bodyOfError(error: Properties, status: number | undefined): ErrorBody {
  const raw = textOf(error['responseBody'])
  if (raw !== undefined) return parseErrorBody(raw)
  if (isRecord(error['error'])) return errorBodyOf(error['error'])
  // The SDK puts a body that is not JSON behind the status in its message.
  const text = textOf(error['message'])
  if (status !== undefined && text !== undefined) {
    return parseErrorBody(text.replace(/^\d{3} (?:status code \(no body\)$)?/, ''))
  }
  // A bare error event of a stream, as the AI SDK hands it on.
  return isErrorType(error['type']) ? errorBodyOf(error) : {}
}

function isHttpStatus(value: unknown): value is number {
  return typeof value === 'number' && value >= 400 && value < 600
}

function headersOf(value: unknown): Pick<Headers, 'get'> | undefined {
  if (!isRecord(value)) return undefined
  const get: unknown = value['get']
  const read = (name: string): unknown =>
    typeof get === 'function'
      ? get.call(value, name)
      : value[Object.keys(value).find((key) => key.toLowerCase() === name) ?? '']
  return {
    get: (name) => {
      try {
        return textOf(read(name)) ?? null
      } catch {
        return null
      }
    },
  }
}
