import type { MiddlewareContext } from '@breakwater/core'

type Json = Readonly<Record<string, unknown>>

/** About how many tokens a request needs with its answer: a quarter of its characters, files left out, plus `max_tokens`. */
export function estimateTokens(body: Json): number {
  const answer = body['max_tokens']
  return Math.ceil(characters(body) / 4) + (typeof answer === 'number' ? answer : 0)
}

/** The tokens that a request needs, by the user's estimate where it gives a number. */
export function tokensOf(
  body: Json,
  estimate: ((body: Json) => number) | undefined,
  { logger }: MiddlewareContext,
): number {
  if (estimate === undefined) return estimateTokens(body)
  try {
    const tokens: unknown = estimate(body)
    if (typeof tokens === 'number' && tokens >= 0) return tokens
    logger.warn('[breakwater] `estimateTokens` of modelFailover gave no number; the default is used')
  } catch (error) {
    logger.warn('[breakwater] `estimateTokens` of modelFailover failed; the default is used', error)
  }
  return estimateTokens(body)
}

/** The characters of all strings in a value. By hand and not by recursion: what a tool returned may be nested deep. */
function characters(root: unknown): number {
  let count = 0
  const stack = [root]
  while (stack.length > 0) {
    const value = stack.pop()
    if (typeof value === 'string') {
      count += value.length
    } else if (typeof value === 'object' && value !== null) {
      const isFile = 'type' in value && value.type === 'base64'
      for (const [key, part] of Object.entries(value)) {
        if (!isFile || key !== 'data') stack.push(part)
      }
    }
  }
  return count
}
