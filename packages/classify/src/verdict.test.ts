import { describe, expect, it } from 'vitest'
import { errorCodes } from './codes.ts'
import { verdict } from './verdict.ts'
import type { Facts } from './verdict.ts'

const now = Date.parse('2026-11-21T12:00:00Z')
const fake = ['sk', 'ant', 'test', 'aBcD1234'].join('-')
const of = ({ headers, ...facts }: Omit<Facts, 'headers'> & { headers?: Record<string, string> }) =>
  verdict({ now, ...facts, ...(headers && { headers: new Headers(headers) }) })

describe('verdict', () => {
  it.each([
    [302, 'unknown', 'never'],
    [400, 'invalid_request', 'never'],
    [401, 'authentication', 'never'],
    [402, 'billing', 'never'],
    [403, 'permission', 'never'],
    [404, 'not_found', 'never'],
    [408, 'request_timeout', 'backoff'],
    [409, 'conflict', 'once'],
    [412, 'precondition_failed', 'never'],
    [413, 'request_too_large', 'never'],
    [418, 'unknown', 'never'],
    [422, 'unprocessable', 'never'],
    [425, 'unknown', 'never'],
    [429, 'rate_limit', 'backoff'],
    [431, 'request_too_large', 'never'],
    [499, 'client_closed', 'never'],
    [500, 'server_error', 'once'],
    [501, 'server_error', 'never'],
    [502, 'server_error', 'once'],
    [503, 'server_error', 'once'],
    [504, 'server_error', 'once'],
    [520, 'server_error', 'once'],
    [524, 'server_error', 'once'],
    [529, 'overloaded', 'patient'],
    [599, 'server_error', 'once'],
    [600, 'unknown', 'never'],
  ])('of %i is %s, retried %s', (status, category, retry) => {
    expect(of({ status })).toMatchObject({ status, category, retry, message: `HTTP ${status}` })
  })

  it.each([
    [500, 'safe'],
    [502, 'ambiguous'],
    [503, 'safe'],
    [504, 'ambiguous'],
    [520, 'ambiguous'],
    [521, 'ambiguous'],
    [524, 'ambiguous'],
    [529, 'safe'],
    [429, 'safe'],
  ])('says of a replay after %i that it is %s', (status, replay) => {
    expect(of({ status }).replay).toBe(replay)
  })

  it.each([
    [500, 'overloaded_error', 'overloaded'],
    [400, 'rate_limit_error', 'rate_limit'],
    [400, 'authentication_error', 'authentication'],
    [401, 'permission_error', 'permission'],
    [400, 'billing_error', 'billing'],
    [400, 'not_found_error', 'not_found'],
    [400, 'request_too_large', 'request_too_large'],
    [500, 'conflict_error', 'conflict'],
    // These say less than the status.
    [422, 'invalid_request_error', 'unprocessable'],
    [413, 'invalid_request_error', 'request_too_large'],
    [529, 'api_error', 'overloaded'],
    [429, 'error_of_2030', 'rate_limit'],
  ])('of %i with %s is %s', (status, type, category) => {
    expect(of({ status, type })).toMatchObject({ status, type, category })
  })

  it.each([
    ['invalid_request_error', 'invalid_request'],
    ['authentication_error', 'authentication'],
    ['billing_error', 'billing'],
    ['permission_error', 'permission'],
    ['not_found_error', 'not_found'],
    ['rate_limit_error', 'rate_limit'],
    ['timeout_error', 'server_error'],
    ['api_error', 'server_error'],
    ['overloaded_error', 'overloaded'],
    ['memory_precondition_failed_error', 'precondition_failed'],
    ['memory_path_conflict_error', 'conflict'],
    ['conflict_error', 'conflict'],
    ['request_too_large', 'request_too_large'],
    ['error_of_2030', 'unknown'],
  ])('of %s inside a stream is %s and ambiguous to replay', (type, category) => {
    const found = of({ type })
    expect(found).toMatchObject({ category, replay: 'ambiguous' })
    expect(found).not.toHaveProperty('status')
  })

  it.each(Object.entries(errorCodes))(
    'follows the table for %s',
    (code, { status, category, ...overrides }) => {
      // The weakest other evidence, and the strongest: the code beats both.
      expect(of({ status, code })).toMatchObject({ ...overrides, category, status, code })
      expect(of({ status: 500, type: 'overloaded_error', code })).toMatchObject({ ...overrides, category })
    },
  )

  it.each([
    [
      400,
      'external_key_validation_timed_out',
      { category: 'server_error', retry: 'once', failover: false, trips: 'neutral' },
    ],
    [400, 'organization_on_hold', { category: 'billing', severity: 'page', failover: false }],
    [429, 'enforced_spend_limit_reached', { category: 'spend_limit', retry: 'never' }],
    [429, 'ramp_limit_exceeded', { category: 'rate_limit', retry: 'backoff' }],
    [409, 'concurrent_membership_change', { category: 'conflict', retry: 'once' }],
    [409, 'scan_pending', { category: 'conflict', retry: 'never' }],
    [503, 'cmek_context_unavailable', { category: 'server_error', retry: 'patient', failover: false }],
    [
      503,
      'registration_pending',
      { category: 'server_error', retry: 'never', failover: false, trips: 'neutral' },
    ],
    [529, 'compaction_unavailable', { category: 'overloaded', retry: 'patient' }],
    [503, 'circuit_open', { category: 'circuit_open', failover: true, trips: 'neutral' }],
  ])('of %i with %s', (status, code, expected) => {
    expect(of({ status, code })).toMatchObject(expected)
  })

  it('falls back to the status for a code it does not know, and passes the code on', () => {
    expect(of({ status: 429, code: 'code_of_2030' })).toMatchObject({
      category: 'rate_limit',
      code: 'code_of_2030',
    })
  })

  it.each([
    [400, 'prompt is too long: 210000 tokens > 200000 maximum', 'context_window'],
    [400, 'input length and `max_tokens` exceed context limit: 199000 + 8192 > 200000', 'context_window'],
    [400, 'Input is too long for requested model.', 'context_window'],
    [400, 'Your credit balance is too low to access the Anthropic API.', 'billing'],
    [
      400,
      'You have reached your specified API usage limits. You will regain access on 2026-12-01.',
      'spend_limit',
    ],
    [400, 'You have reached your specified workspace API usage limits.', 'spend_limit'],
    [400, 'max_tokens: Field required', 'invalid_request'],
    [500, 'prompt is too long', 'server_error'],
    [429, 'You have reached your usage limit. You will regain access on 2026-12-01.', 'spend_limit'],
    [429, 'Monthly spend limit reached', 'spend_limit'],
    [
      429,
      "This request would exceed your organization's rate limit of 50,000 input tokens per minute.",
      'rate_limit',
    ],
  ])('refines %i by the text: %s', (status, message, category) => {
    expect(of({ status, type: 'invalid_request_error', message })).toMatchObject({ category, message })
  })

  it('refines an error event of a stream by its text too', () => {
    expect(of({ type: 'invalid_request_error', message: 'prompt is too long' }).category).toBe(
      'context_window',
    )
  })

  it.each([
    { 'retry-after': '30' },
    {
      'anthropic-ratelimit-tokens-remaining': '0',
      'anthropic-ratelimit-tokens-reset': '2026-11-21T12:00:30Z',
    },
  ])('leaves a 429 with a hint a rate limit, whatever its text (%j)', (headers) => {
    expect(of({ status: 429, message: 'usage limit reached', headers })).toMatchObject({
      category: 'rate_limit',
      retryAfterMs: 30_000,
    })
  })

  it('gives the hint of any response, and the reset of an exhausted family to a rate limit only', () => {
    const reset = {
      'anthropic-ratelimit-requests-remaining': '0',
      'anthropic-ratelimit-requests-reset': '2026-11-21T12:00:09Z',
    }
    expect(of({ status: 503, headers: { 'retry-after': '2' } }).retryAfterMs).toBe(2000)
    expect(of({ status: 429, headers: { 'retry-after': '2', ...reset } }).retryAfterMs).toBe(2000)
    expect(of({ status: 429, headers: reset }).retryAfterMs).toBe(9000)
    expect(of({ status: 529, headers: reset })).not.toHaveProperty('retryAfterMs')
  })

  it('gives no hint for a spend limit: it ends with the period', () => {
    const found = of({ status: 429, code: 'contract_spend_limit_reached', headers: { 'retry-after': '2' } })
    expect(found).not.toHaveProperty('retryAfterMs')
  })

  it.each([
    [529, {}, 'false', 'never'],
    [503, { code: 'cmek_context_unavailable' }, 'false', 'never'],
    [501, {}, 'true', 'once'],
    [425, {}, 'true', 'once'],
    [529, {}, 'true', 'patient'],
    // Only the exact text counts, as in the SDK.
    [529, {}, 'False', 'patient'],
    // Whose fault is on our side, what a code decided, and what the text decided, is not lifted.
    [400, {}, 'true', 'never'],
    [401, {}, 'true', 'never'],
    [503, { code: 'registration_pending' }, 'true', 'never'],
    [429, { code: 'enforced_spend_limit_reached' }, 'true', 'never'],
    [429, { message: 'usage limit reached' }, 'true', 'never'],
  ])('of %i %j obeys x-should-retry: %s', (status, facts, header, retry) => {
    expect(of({ status, ...facts, headers: { 'x-should-retry': header } }).retry).toBe(retry)
  })

  it.each([
    [{ 'request-id': 'req_h', 'x-amzn-requestid': 'aws' }, 'req_body', 'req_h'],
    [{ 'x-amzn-requestid': 'aws' }, 'req_body', 'req_body'],
    [{ 'x-amzn-requestid': 'aws' }, undefined, 'aws'],
    [{ 'request-id': 'not an id' }, undefined, undefined],
  ])('takes the request id from %j, body %s', (headers, requestId, expected) => {
    expect(of({ status: 500, headers, requestId }).requestId).toBe(expected)
  })

  it('redacts its message and drops a code that is no identifier', () => {
    const found = of({ status: 401, message: `bad key ${fake}\nnext`, code: 'a b', type: 'x\ny' })
    expect(found.message).toBe('bad key [redacted] next')
    expect(found).not.toHaveProperty('code')
    expect(found).not.toHaveProperty('type')
  })

  it('has one order of keys, so that logs compare', () => {
    const full = of({
      status: 429,
      type: 'rate_limit_error',
      code: 'ramp_limit_exceeded',
      message: 'm',
      requestId: 'r',
      headers: { 'retry-after': '1' },
    })
    expect(Object.keys(full).join(' ')).toBe(
      'category fault severity retry failover trips replay status type code message requestId retryAfterMs hint',
    )
  })
})
