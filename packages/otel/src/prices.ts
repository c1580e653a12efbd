import { assertOption } from '@breakwater/core'
import type { Answer } from './usage.ts'

/** The prices of one model, in USD per million tokens. */
export interface Price {
  /** Input tokens that the cache has no part in. */
  readonly input: number
  readonly output: number
  /** Input tokens read from the cache. @default 0.1 × `input` */
  readonly cacheRead?: number | undefined
  /** Input tokens written to the cache for 5 minutes. @default 1.25 × `input` */
  readonly cacheWrite?: number | undefined
  /** Input tokens written to the cache for an hour. @default 2 × `input` */
  readonly cacheWrite1h?: number | undefined
}

/** Prices by model name; a name stands for its dated versions too (`claude-haiku-5-5-20261015`). */
export type Prices = Readonly<Record<string, Price>>

/** What the tokens of an answer cost in USD; `undefined` where nothing was counted. */
export function costOf(answer: Answer, price: Price): number | undefined {
  const {
    input,
    output,
    cacheRead = input * 0.1,
    cacheWrite = input * 1.25,
    cacheWrite1h = input * 2,
  } = price
  if (answer.uncachedTokens === undefined && answer.outputTokens === undefined) return undefined
  const written = answer.cacheWriteTokens ?? 0
  const writtenFor1h = Math.min(answer.cacheWrite1hTokens ?? 0, written)
  const perMillion =
    (answer.uncachedTokens ?? 0) * input +
    (answer.cacheReadTokens ?? 0) * cacheRead +
    (written - writtenFor1h) * cacheWrite +
    writtenFor1h * cacheWrite1h +
    (answer.outputTokens ?? 0) * output
  return perMillion / 1_000_000
}

/** The price of a model, by its name or by that of which it is a dated version. */
export function priceOf(prices: Prices, model: string | undefined): Price | undefined {
  if (model === undefined) return undefined
  if (Object.hasOwn(prices, model)) return prices[model]
  const undated = model.replace(/-\d{8}$/, '')
  return Object.hasOwn(prices, undated) ? prices[undated] : undefined
}

/** @throws {TypeError} for a price that is none. */
export function assertPrices(prices: Prices | undefined): void {
  if (prices === undefined) return
  const isTable = typeof prices === 'object' && prices !== null && !Array.isArray(prices)
  assertOption(isTable, 'prices', 'an object of prices by model', prices)
  for (const [model, price] of Object.entries(prices)) {
    const name = `prices['${model}']`
    assertOption(
      typeof price === 'object' && price !== null,
      name,
      'an object with `input` and `output`',
      price,
    )
    const { input, output, cacheRead = 0, cacheWrite = 0, cacheWrite1h = 0 } = price
    for (const [key, value] of Object.entries({ input, output, cacheRead, cacheWrite, cacheWrite1h })) {
      const valid = typeof value === 'number' && value >= 0 && Number.isFinite(value)
      assertOption(valid, `${name}.${key}`, 'a number of USD per million tokens, 0 or more', value)
    }
  }
}
