import Anthropic from '@anthropic-ai/sdk'

const transientTypes: ReadonlySet<string> = new Set(['overloaded_error', 'rate_limit_error', 'api_error'])

/** What a careful user throws at the end of a limit of his own, so that it is tried again. */
export class StalledError extends Error {
  override readonly name = 'StalledError'
}

/** What a careful user of a retry library retries: as the SDK's documentation lists it, and errors within streams. */
export function isTransient(error: unknown): boolean {
  if (error instanceof Anthropic.APIUserAbortError) return false
  if (error instanceof Anthropic.APIConnectionError || error instanceof StalledError) return true
  if (!(error instanceof Anthropic.APIError)) return false
  const { status, type } = error
  if (status === undefined || status < 400) return transientTypes.has(type ?? '')
  return status === 408 || status === 409 || status === 429 || status >= 500
}

/** What a careful user counts against a circuit: the provider's own failures. */
export function isDown(error: unknown): boolean {
  return isTransient(error) && !(error instanceof Anthropic.RateLimitError)
}

/** `retry-after` of an error in milliseconds; 0 without one. */
export function retryAfterMs(error: unknown): number {
  if (!(error instanceof Anthropic.APIError)) return 0
  const seconds = Number(error.headers?.get('retry-after') ?? 0)
  return Number.isFinite(seconds) ? seconds * 1000 : 0
}
