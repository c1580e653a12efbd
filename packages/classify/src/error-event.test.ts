import { describe, expect, it } from 'vitest'
import { classifyErrorEvent, statusOfErrorType } from './error-event.ts'

const data = (type: string, details: object = {}): string =>
  JSON.stringify({
    type: 'error',
    error: { type, message: 'Something.', ...details },
    request_id: 'req_body',
  })

describe('classifyErrorEvent', () => {
  it.each([
    ['overloaded_error', 'overloaded'],
    ['rate_limit_error', 'rate_limit'],
    ['api_error', 'server_error'],
    ['timeout_error', 'server_error'],
    ['invalid_request_error', 'invalid_request'],
    ['authentication_error', 'authentication'],
    ['something_new', 'unknown'],
  ])('calls %s %s', (type, category) => {
    expect(classifyErrorEvent(data(type))).toMatchObject({ category, type, requestId: 'req_body' })
  })

  it('takes the request id of the response where the event has none, and no status', () => {
    const headers = new Headers({ 'request-id': 'req_header' })
    const verdict = classifyErrorEvent('{"error":{"type":"overloaded_error"}}', headers)
    expect(verdict).toMatchObject({ category: 'overloaded', requestId: 'req_header', replay: 'ambiguous' })
    expect(verdict).not.toHaveProperty('status')
  })

  it('obeys an error code', () => {
    const event = data('rate_limit_error', { details: { error_code: 'enforced_spend_limit_reached' } })
    expect(classifyErrorEvent(event).category).toBe('spend_limit')
  })

  it.each([undefined, '', 'not JSON', 'null'])('knows nothing of %j', (text) => {
    expect(classifyErrorEvent(text).category).toBe('unknown')
  })
})

describe('statusOfErrorType', () => {
  it('is what the API documents, and 500 for what it does not', () => {
    expect(
      ['overloaded_error', 'rate_limit_error', 'billing_error', 'new', undefined].map(statusOfErrorType),
    ).toEqual([529, 429, 402, 500, 500])
  })
})
