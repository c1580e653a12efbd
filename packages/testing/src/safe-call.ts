import { APIError, InternalServerError, RateLimitError } from '@anthropic-ai/sdk'

/** What `safe_call` calls. */
export interface SafeCallParts<Value> {
  /** `client.messages.create(…)`, of a client with `max_retries=4`. */
  readonly create: () => Promise<Value>
  /** The `fallback_call` that the article does not write out: another model; without one a 529 is thrown. */
  readonly fallback?: (() => Promise<Value>) | undefined
  /** In place of `setTimeout`. */
  readonly sleep?: (ms: number) => Promise<void>
}

/**
 * The handler of the article "The 7 Anthropic API Errors That Mean Different Things in Production" with its three helpers,
 * line by line in TypeScript.
 */
export async function safeCall<Value>({
  create,
  fallback,
  sleep = later,
}: SafeCallParts<Value>): Promise<Value> {
  try {
    return await create()
  } catch (error) {
    // 401, 403, 404 and 400 become errors of the application's own there: one request, as here.
    if (error instanceof RateLimitError) return callWithJitter(create, sleep)
    if (error instanceof InternalServerError) {
      if (error.status === 529) return callWithFailover(create, fallback)
      return callOnceRetry(create, sleep)
    }
    throw error
  }
}

async function callWithJitter<Value>(
  create: () => Promise<Value>,
  sleep: (ms: number) => Promise<void>,
  attempts = 5,
): Promise<Value> {
  for (let attempt = 0; ; attempt++) {
    try {
      return await create()
    } catch (error) {
      if (!(error instanceof RateLimitError) || attempt === attempts - 1) throw error
      await sleep(2 ** attempt * 1000 + Math.random() * 1000)
    }
  }
}

async function callWithFailover<Value>(
  create: () => Promise<Value>,
  fallback: (() => Promise<Value>) | undefined,
): Promise<Value> {
  try {
    return await create()
  } catch (error) {
    const isOverloaded = error instanceof APIError && error.status === 529
    if (isOverloaded && fallback !== undefined) return fallback()
    throw error
  }
}

async function callOnceRetry<Value>(
  create: () => Promise<Value>,
  sleep: (ms: number) => Promise<void>,
): Promise<Value> {
  try {
    return await create()
  } catch (error) {
    if (!(error instanceof InternalServerError)) throw error
    await sleep(1000)
    return create()
  }
}

function later(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}
