import { safeCall } from '@breakwater/testing'
import Anthropic from '@anthropic-ai/sdk'
import type { Handler } from './handler.ts'
import { fallback, primary } from './storm.ts'

/**
 * `safe_call` around a client of its own. What the article leaves open is decided in its favour: `fallback_call` asks the other
 * model, and nothing is sent any more once the caller has left.
 */
export function naiveHandler(baseURL: string): Handler {
  // client = Anthropic(max_retries=4)
  const client = new Anthropic({ apiKey: 'not-a-key', baseURL, maxRetries: 4, logLevel: 'off' })

  return function naiveHandler(operation) {
    return safeCall({
      create: () => operation(client, primary),
      fallback: () => operation(client, fallback),
      sleep,
    })
  }
}

/** Keeps no process alive: the storm is over before the last of these waits. */
function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms).unref()
  })
}
