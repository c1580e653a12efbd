import Anthropic from '@anthropic-ai/sdk'
import { createFetch } from '@breakwater/core'

/**
 * @typedef {import('@breakwater/core').Middleware} Middleware
 * @typedef {(url: string, middleware: Middleware | Middleware[], options?: object) => Anthropic} ClientOf
 */

const common = { apiKey: 'not-a-key', maxRetries: 0, logLevel: /** @type {const} */ ('off') }

/** Both seams of the SDK. */
export const seams = /** @type {[name: string, clientOf: ClientOf][]} */ ([
  [
    'middleware',
    (url, middleware, options) =>
      new Anthropic({ ...common, baseURL: url, middleware: [middleware].flat(), ...options }),
  ],
  [
    'fetch',
    (url, middleware, options) =>
      new Anthropic({ ...common, baseURL: url, fetch: createFetch(middleware), ...options }),
  ],
])

export const primary = 'claude-opus-5-5'
export const fallback = 'claude-haiku-5-5'
export const question = {
  model: primary,
  max_tokens: 100,
  messages: [{ role: /** @type {const} */ ('user'), content: 'Hello' }],
}

/**
 * Asks, and gives the text of the answer.
 * @param {Anthropic} client
 * @param {AbortSignal} [signal]
 */
export async function ask(client, signal) {
  const { content } = await client.messages.create(question, { signal })
  return content.map((block) => (block.type === 'text' ? block.text : '')).join('')
}

/**
 * Asks for a stream, and gives the text of the answer.
 * @param {Anthropic} client
 * @param {AbortSignal} [signal]
 * @param {() => void} [onText]
 */
export async function askStream(client, signal, onText) {
  let text = ''
  for await (const event of await client.messages.create({ ...question, stream: true }, { signal })) {
    if (event.type !== 'content_block_delta' || event.delta.type !== 'text_delta') continue
    text += event.delta.text
    onText?.()
  }
  return text
}

/** Both kinds of call. */
export const kinds =
  /** @type {[name: string, (client: Anthropic, signal?: AbortSignal) => Promise<string>][]} */ ([
    ['JSON', ask],
    ['stream', askStream],
  ])
