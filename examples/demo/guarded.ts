import Anthropic from '@anthropic-ai/sdk'
import { breakwater } from 'breakwater'
import type { Handler } from './handler.ts'
import { fallback, primary } from './storm.ts'

/**
 * The recipe as it comes, but for one number: a primary model that has failed is tried again after 2 seconds, not 30,
 * because here an outage lasts seconds, and everybody should see the primary model come back.
 */
export function guardedCall(baseURL: string, scale: number): Handler {
  const client = new Anthropic({
    ...breakwater({ fallbacks: [fallback], modelFailover: { cooldownMs: Math.max(500, 2000 * scale) } }),
    apiKey: 'not-a-key',
    baseURL,
    logLevel: 'off',
  })
  return (operation) => operation(client, primary)
}
