/** What an error says. */
export interface ErrorFields {
  type?: string | undefined
  message?: string | undefined
  code?: string | undefined
  details?: object | undefined
}

/** The error body of the API, on its own and within a stream. */
export interface ErrorBody {
  type: 'error'
  error: { type: string; message: string; details: object | null }
  request_id: string
}

const byStatus: Readonly<Record<number, readonly [type: string, message: string]>> = {
  400: ['invalid_request_error', 'messages: at least one message is required'],
  401: ['authentication_error', 'invalid x-api-key'],
  402: ['billing_error', 'There is a problem with your billing. Please check your payment details.'],
  403: ['permission_error', 'Your API key does not have permission to use the specified resource.'],
  404: ['not_found_error', 'Not Found'],
  408: ['timeout_error', 'The request timed out.'],
  409: ['conflict_error', 'The request conflicts with another request.'],
  412: ['memory_precondition_failed_error', 'A precondition of the request is not met.'],
  413: ['request_too_large', 'Request exceeds the maximum allowed number of bytes.'],
  422: ['invalid_request_error', 'The request cannot be processed.'],
  429: ['rate_limit_error', 'This request would exceed the rate limit for your organization.'],
  431: ['invalid_request_error', 'Request header fields are too large.'],
  499: ['invalid_request_error', 'Client closed the request.'],
  500: ['api_error', 'Internal server error'],
  501: ['api_error', 'Not implemented'],
  502: ['api_error', 'Bad gateway'],
  503: ['api_error', 'Service unavailable'],
  504: ['timeout_error', 'The request timed out. Use streaming for long requests.'],
  529: ['overloaded_error', 'Overloaded'],
}

const byType = new Map(Object.values(byStatus).toReversed())

const byCode: Readonly<Record<string, string>> = {
  contract_spend_limit_reached: 'Your organization has reached the spend limit of its contract.',
  enforced_spend_limit_reached: 'You have reached your specified API usage limits.',
  organization_on_hold: 'This organization is on hold.',
  ramp_limit_exceeded: 'This request would exceed the acceleration limit for your organization.',
}

/** Builds the error body that the API sends with a status, with defaults for whatever is not given. */
export function errorBody(status: number, requestId: string, fields: ErrorFields = {}): ErrorBody {
  const fallback = byStatus[status] ?? byStatus[status >= 500 ? 500 : 400]
  const type = fields.type ?? fallback?.[0] ?? 'api_error'
  const ofCode =
    fields.code !== undefined && Object.hasOwn(byCode, fields.code) ? byCode[fields.code] : undefined
  const ofType = fields.type === undefined ? fallback?.[1] : byType.get(type)
  const details = fields.code === undefined ? fields.details : { error_code: fields.code, ...fields.details }
  return {
    type: 'error',
    error: { type, message: fields.message ?? ofCode ?? ofType ?? type, details: details ?? null },
    request_id: requestId,
  }
}

/** The page that a proxy in front of the API sends. */
export function htmlPage(status: number): string {
  return `<html>\r\n<head><title>${status}</title></head>\r\n<body>\r\n<center><h1>${status}</h1></center>\r\n<hr><center>cloudflare</center>\r\n</body>\r\n</html>\r\n`
}
