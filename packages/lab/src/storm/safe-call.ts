import { safeCall as callSafely } from '@breakwater/testing'
import type { Contender } from './contender.ts'

/** The handler of "The 7 Anthropic API Errors That Mean Different Things in Production". */
export const safeCall: Contender = {
  name: 'safe_call',
  note: 'the handler of "The 7 Anthropic API Errors", `max_retries=4` as there',
  isOurs: false,
  create(env) {
    const client = env.clientOf({ maxRetries: 4 })
    const { model, fallback } = env
    return (operation, signal) =>
      callSafely({
        create: () => operation(client, model, signal),
        fallback: fallback === undefined ? undefined : () => operation(client, fallback, signal),
      })
  },
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
