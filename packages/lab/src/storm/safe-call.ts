import Anthropic from '@anthropic-ai/sdk'
import type { Contender, Env, Operation } from './contender.ts'

/**
 * The handler of "The 7 Anthropic API Errors That Mean Different Things in Production" with its helpers, line by line.
 * `fallback_call` of the article is not written out: here it asks the other model, or there is none and it throws.
 */
export const safeCall: Contender = {
  name: 'safe_call',
  note: 'the handler of "The 7 Anthropic API Errors", `max_retries=4` as there',
  isOurs: false,
  create(env) {
    const client = env.clientOf({ maxRetries: 4 })
    return async (operation, signal) => {
      const create = (): ReturnType<typeof operation> => operation(client, env.model, signal)
      try {
        return await create()
      } catch (error) {
        // 401, 403, 404 and 400 become errors of the application's own there.
        if (error instanceof Anthropic.RateLimitError) return callWithJitter(create)
        if (error instanceof Anthropic.InternalServerError) {
          if (error.status === 529) return callWithFailover(create, env, client, operation, signal)
          return callOnceRetry(create)
        }
        throw error
      }
    }
  },
}

async function callWithJitter<Value>(create: () => Promise<Value>, attempts = 5): Promise<Value> {
  for (let attempt = 0; ; attempt++) {
    try {
      return await create()
    } catch (error) {
      if (!(error instanceof Anthropic.RateLimitError) || attempt === attempts - 1) throw error
      await sleep(2 ** attempt * 1000 + Math.random() * 1000)
    }
  }
}

async function callWithFailover<Value>(
  create: () => Promise<Value>,
  { fallback }: Env,
  client: Anthropic,
  operation: Operation<Value>,
  signal: AbortSignal,
): Promise<Value> {
  try {
    return await create()
  } catch (error) {
    const isOverloaded = error instanceof Anthropic.APIError && error.status === 529
    if (isOverloaded && fallback !== undefined) return operation(client, fallback, signal)
    throw error
  }
}

async function callOnceRetry<Value>(create: () => Promise<Value>): Promise<Value> {
  try {
    return await create()
  } catch (error) {
    if (!(error instanceof Anthropic.InternalServerError)) throw error
    await sleep(1000)
    return create()
  }
}

/** The handler of "Anthropic API HTTP errors": three tries, whatever it was. */
export const naiveLoop: Contender = {
  name: 'naive loop',
  note: 'three tries of anything, as in "Common Anthropic API HTTP errors", around the SDK\'s default',
  isOurs: false,
  create(env) {
    const client = env.clientOf({})
    return async (operation, signal) => {
      for (let attempt = 0; ; attempt++) {
        try {
          return await operation(client, env.model, signal)
        } catch (error) {
          await sleep(2 ** attempt * 1000)
          if (attempt === 2) throw error
        }
      }
    }
  },
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}
