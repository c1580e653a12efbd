import Anthropic from '@anthropic-ai/sdk'
import type { Handler } from './handler.ts'
import { fallback, primary } from './storm.ts'

/**
 * The handler of the article "The 7 Anthropic API Errors That Mean Different Things in Production" with its three helpers,
 * line by line in TypeScript. Two things the article leaves open, and both are decided in its favour: `fallback_call` asks the
 * other model, and nothing is sent any more once the caller has left.
 */
export function safeCall(baseURL: string): Handler {
  // client = Anthropic(max_retries=4)
  const client = new Anthropic({ apiKey: 'not-a-key', baseURL, maxRetries: 4, logLevel: 'off' })

  return async function safeCall(operation) {
    const create = (): Promise<Anthropic.Message> => operation(client, primary)
    try {
      return await create()
    } catch (error) {
      // 401, 403, 404 and 400 become errors of the application's own there: one request, as here.
      if (error instanceof Anthropic.RateLimitError) return callWithJitter(create)
      if (error instanceof Anthropic.InternalServerError) {
        if (error.status === 529) return callWithFailover(create, () => operation(client, fallback))
        return callOnceRetry(create)
      }
      throw error
    }
  }
}

type Create = () => Promise<Anthropic.Message>

async function callWithJitter(create: Create, attempts = 5): Promise<Anthropic.Message> {
  for (let attempt = 0; ; attempt++) {
    try {
      return await create()
    } catch (error) {
      if (!(error instanceof Anthropic.RateLimitError) || attempt === attempts - 1) throw error
      await sleep(2 ** attempt * 1000 + Math.random() * 1000)
    }
  }
}

async function callWithFailover(primaryCall: Create, fallbackCall: Create): Promise<Anthropic.Message> {
  try {
    return await primaryCall()
  } catch (error) {
    if (error instanceof Anthropic.APIError && error.status === 529) return fallbackCall()
    throw error
  }
}

async function callOnceRetry(create: Create): Promise<Anthropic.Message> {
  try {
    return await create()
  } catch (error) {
    if (!(error instanceof Anthropic.InternalServerError)) throw error
    await sleep(1000)
    return create()
  }
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms).unref()
  })
}
