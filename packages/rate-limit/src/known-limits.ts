import type { LimitName } from './headers.ts'
import { createLimit, type Limit } from './limit.ts'
import type { Limits, Rules, TokenCount } from './store.ts'

/** How much of a limit may be used at once, where nobody says otherwise. Requests: one second, as the API may count by the second. */
const burstMs: Readonly<Record<LimitName, number>> = {
  requests: 1000,
  tokens: 15_000,
  input_tokens: 15_000,
  output_tokens: 15_000,
}

/** The limits that the user has given. */
export function fixedLimits(given: Limits, now: number): Limit[] {
  const { requestsPerMinute, inputTokensPerMinute, outputTokensPerMinute, tokensPerMinute } = given
  const wanted: readonly (readonly [LimitName, number | undefined])[] = [
    ['requests', requestsPerMinute],
    ['input_tokens', inputTokensPerMinute],
    ['output_tokens', outputTokensPerMinute],
    ['tokens', tokensPerMinute],
  ]
  return wanted.flatMap(([name, perMinute]) =>
    perMinute === undefined ? [] : createLimit(name, perMinute, given.burstMs ?? burstMs[name], now, true),
  )
}

/** A limit that an answer has told of. */
export function learnedLimit(name: LimitName, perMinute: number, { limits }: Rules, now: number): Limit {
  return createLimit(
    name,
    perMinute,
    limits.burstMs ?? burstMs[name],
    now,
    false,
    limits.burstMs === undefined,
  )
}

/** What a call takes of a limit. */
export function amountOf(name: LimitName, { input, output }: TokenCount): number {
  if (name === 'requests') return 1
  if (name === 'input_tokens') return input
  return name === 'output_tokens' ? output : input + output
}
