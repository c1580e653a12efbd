import type { BodyEnd } from '@breakwater/core'
import { classifyError, classifyErrorEvent, type Category } from '@breakwater/classify'

/** How a body that was watched has ended; `abandoned` is one that nobody has read. */
export type StreamEnd = BodyEnd | { readonly kind: 'abandoned' }

/** `error.type` of an answer, as the API documents it for its status, else the status. */
export function typeOfStatus(status: number): string {
  return types.get(status) ?? String(status)
}

/** `error.type` of a failure without an answer, or of one that the status does not tell. */
export function typeOfCategory(category: Category | string): string {
  return Object.hasOwn(typesByCategory, category) ? typesByCategory[category as Category] : category
}

/** `error.type` of a body by its end; `undefined` for one that came whole. */
export function typeOfEnd(end: StreamEnd): string | undefined {
  switch (end.kind) {
    case 'complete':
      return undefined
    case 'truncated':
      // Some gateways leave `message_stop` out.
      return end.hasStopReason ? undefined : 'stream_truncated'
    case 'empty':
      return 'stream_truncated'
    case 'error_event':
      return typeOfEvent(end.data)
    case 'failed':
      return typeOfCategory(classifyError(end.error).category)
    default:
      return 'canceled'
  }
}

/** The caller's own doing: on a span it is no error. */
export function isError(type: string | undefined): boolean {
  return type !== undefined && type !== 'canceled'
}

function typeOfEvent(data: string | undefined): string {
  const { type } = classifyErrorEvent(data)
  // Anybody can send any type: the values of a label have to be few.
  return type !== undefined && known.has(type) ? type : 'api_error'
}

const types: ReadonlyMap<number, string> = new Map([
  [400, 'invalid_request_error'],
  [401, 'authentication_error'],
  [402, 'billing_error'],
  [403, 'permission_error'],
  [404, 'not_found_error'],
  [409, 'conflict_error'],
  [413, 'request_too_large'],
  [429, 'rate_limit_error'],
  [500, 'api_error'],
  [504, 'timeout_error'],
  [529, 'overloaded_error'],
])

const known: ReadonlySet<string> = new Set(types.values())

/** The spelling of the API and of the SDK, where either has one. */
const typesByCategory: Readonly<Record<Category, string>> = {
  invalid_request: 'invalid_request_error',
  context_window: 'invalid_request_error',
  billing: 'billing_error',
  authentication: 'authentication_error',
  permission: 'permission_error',
  not_found: 'not_found_error',
  request_timeout: '408',
  conflict: 'conflict_error',
  precondition_failed: '412',
  request_too_large: 'request_too_large',
  unprocessable: '422',
  rate_limit: 'rate_limit_error',
  spend_limit: 'rate_limit_error',
  client_closed: '499',
  server_error: 'api_error',
  overloaded: 'overloaded_error',
  connection: 'connection_error',
  timeout: 'client_timeout_error',
  stream_interrupted: 'stream_truncated',
  circuit_open: 'breaker_open',
  aborted: 'canceled',
  unknown: 'client_error',
}
