import type { Reply } from '@breakwater/testkit'

/** One failure of the demo. */
export interface DemoFailure {
  /** What the API sends back. */
  readonly name: string
  readonly reply: Reply
  /** Whether the call streams. */
  readonly stream?: boolean
  /** The SDK's own `timeout`, in milliseconds. */
  readonly timeoutMs?: number
  /** When the caller gives up, in milliseconds. */
  readonly abortAfterMs?: number
}

const usageLimit = 'You have reached your specified API usage limits. You will regain access on 2026-12-01.'

/** Every failure that the demo shows: the documented ones, their disguises, and what happens on the way. */
export const failures: readonly DemoFailure[] = [
  { name: '400', reply: 400 },
  {
    name: '400 prompt too long',
    reply: { status: 400, message: 'prompt is too long: 210000 tokens > 200000 maximum' },
  },
  {
    name: '400 low credit',
    reply: { status: 400, message: 'Your credit balance is too low to access the API.' },
  },
  { name: '400 usage limit', reply: { status: 400, message: usageLimit } },
  { name: '400 organization_on_hold', reply: { status: 400, code: 'organization_on_hold' } },
  { name: '401', reply: 401 },
  { name: '402', reply: 402 },
  { name: '403', reply: 403 },
  { name: '404 retired model', reply: { status: 404, message: 'model: claude-haiku-5-5' } },
  { name: '408', reply: 408 },
  { name: '409', reply: 409 },
  { name: '409 plugin_name_taken', reply: { status: 409, code: 'plugin_name_taken' } },
  { name: '412', reply: 412 },
  { name: '413', reply: 413 },
  { name: '422', reply: 422 },
  { name: '429, retry-after 30', reply: { status: 429, retryAfter: 30 } },
  { name: '429, retry-after 1e400', reply: { status: 429, retryAfter: '1e400' } },
  { name: '429 ramp_limit_exceeded', reply: { status: 429, code: 'ramp_limit_exceeded', retryAfter: 5 } },
  { name: '429 enforced_spend_limit', reply: { status: 429, code: 'enforced_spend_limit_reached' } },
  { name: '431', reply: 431 },
  { name: '499', reply: 499 },
  { name: '500', reply: 500 },
  { name: '501', reply: 501 },
  { name: '502, a page of a proxy', reply: { status: 502, html: true } },
  { name: '503', reply: 503 },
  { name: '503 registration_pending', reply: { status: 503, code: 'registration_pending' } },
  { name: '504', reply: 504 },
  { name: '500, a body without end', reply: { status: 500, endless: true } },
  { name: '524 of a CDN', reply: { status: 524, html: true } },
  { name: '529', reply: 529 },
  { name: '529 compaction_unavailable', reply: { status: 529, code: 'compaction_unavailable' } },
  { name: '418', reply: 418 },
  { name: 'reset', reply: { network: 'reset' } },
  { name: 'no answer, SDK timeout', reply: { network: 'hang' }, timeoutMs: 100 },
  { name: 'no answer, caller aborts', reply: { network: 'hang' }, abortAfterMs: 100 },
  { name: 'JSON cut half way', reply: { fault: 'cut' } },
  { name: '200, overloaded in stream', reply: { fault: { kind: 'error', at: 'start' } }, stream: true },
  { name: '200, api_error mid-stream', reply: { fault: { kind: 'error', type: 'api_error' } }, stream: true },
  { name: 'stream cut', reply: { fault: 'cut' }, stream: true },
  { name: 'stream ends half way', reply: { fault: { kind: 'end', at: 1 } }, stream: true },
]
