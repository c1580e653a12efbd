import type { MiddlewareContext, MiddlewareRequest } from '@breakwater/core'
import type { TokenCount } from './store.ts'

/** What earlier calls of a key have shown of their tokens. */
export interface Experience {
  /** Input tokens per character of the body. */
  inputRate: number
  outputTokens: number
}

/** Of English text, and nothing else. */
const firstInputRate = 0.25
const firstOutputTokens = 500
/** Weighs the last call against those before it. */
const weight = 0.2
/** No context window is larger. */
const maxInputTokens = 2_000_000

/** What is supposed of a key's first call. */
export function firstExperience(): Experience {
  return { inputRate: firstInputRate, outputTokens: firstOutputTokens }
}

/**
 * The tokens that a call is likely to use: by the length of its body, as calls before it did, and as many in the answer as theirs had,
 * up to its `max_tokens`. Images and what comes from the cache are so taken care of by and by.
 */
export function estimateOf(
  { body }: MiddlewareRequest,
  ctx: MiddlewareContext,
  { inputRate, outputTokens }: Experience,
): TokenCount {
  const input = Math.min(maxInputTokens, Math.ceil(lengthOf(body) * inputRate))
  return { input, output: Math.ceil(Math.min(outputTokens, maxTokensOf(body, ctx) ?? Infinity)) }
}

/** Learns from a call's tokens. */
export function learnTokens(experience: Experience, body: unknown, { input, output }: TokenCount): void {
  const length = lengthOf(body)
  if (length > 0) experience.inputRate += (input / length - experience.inputRate) * weight
  experience.outputTokens += (output - experience.outputTokens) * weight
}

function lengthOf(body: unknown): number {
  if (typeof body === 'string') return body.length
  return body instanceof Uint8Array ? body.byteLength : 0
}

const maxTokens = /"max_tokens"\s*:\s*(\d{1,9})/
/** Clients put their parameters at the ends of the body, around the messages. */
const endLength = 1024

/** `max_tokens`, as far as a look at the ends of the body finds it. */
function maxTokensOf(body: unknown, ctx: MiddlewareContext): number | undefined {
  const options = ctx.options?.body
  if (typeof options === 'object' && options !== null && 'max_tokens' in options) {
    return typeof options.max_tokens === 'number' ? options.max_tokens : undefined
  }
  if (typeof body !== 'string') return undefined
  const found = maxTokens.exec(body.slice(0, endLength)) ?? maxTokens.exec(body.slice(-endLength))
  return found === null ? undefined : Number(found[1])
}
