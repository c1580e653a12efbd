import type { Dice } from './dice.ts'
import { anyBody } from './garbage.ts'

/** What a stranger does with one request. */
export interface Exchange {
  /** Before the headers, in milliseconds; `Infinity`: they never come. */
  readonly delayMs: number
  /** What the `fetch` rejects with, in the place of an answer. */
  readonly error: { readonly value: unknown } | undefined
  readonly status: number
  readonly headers: readonly (readonly [name: string, value: string])[]
  readonly chunks: readonly Uint8Array[]
  /** Between the chunks, in milliseconds. */
  readonly gapMs: number
  /** After the last chunk. */
  readonly end: 'close' | 'error' | 'stall' | 'endless'
  /** What the body breaks with. */
  readonly broken: unknown
}

const statuses = [
  200, 200, 200, 200, 200, 201, 204, 206, 299, 300, 304, 400, 401, 402, 403, 404, 405, 408, 409, 413, 418,
  422, 425, 429, 429, 429, 431, 451, 499, 500, 500, 501, 502, 503, 504, 511, 520, 529, 529, 599,
] as const

/** Rolls what happens next. */
export function anyExchange(dice: Dice, isStream: boolean): Exchange {
  const isBroken = dice.chance(0.12)
  return {
    delayMs: dice.chance(0.02) ? Infinity : dice.chance(0.3) ? dice.below(40_000) : 0,
    error: isBroken ? { value: anyError(dice) } : undefined,
    status: dice.chance(0.9) ? dice.pick(statuses) : 200 + dice.below(400),
    headers: anyHeaders(dice, isStream),
    chunks: cut(anyBody(dice, isStream), dice),
    gapMs: dice.chance(0.3) ? dice.below(5000) : 0,
    end: dice.chance(0.85) ? 'close' : dice.pick(['error', 'stall', 'endless']),
    broken: anyError(dice),
  }
}

const codes = [
  'ECONNRESET',
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'ETIMEDOUT',
  'UND_ERR_SOCKET',
  'UND_ERR_HEADERS_TIMEOUT',
  'CERT_HAS_EXPIRED',
  'HPE_INVALID_CONSTANT',
  '',
  'X'.repeat(300),
] as const

/** What is thrown: errors of the network, of bugs, and what is no error at all. */
function anyError(dice: Dice): unknown {
  const cause = Object.assign(new Error(dice.pick(['read', 'other side closed', 'timed out', ''])), {
    code: dice.pick(codes),
    socket: dice.pick([null, undefined, { bytesRead: dice.below(3) }]),
  })
  const kind = dice.below(12)
  if (kind < 6)
    return new TypeError(dice.pick(['fetch failed', 'terminated', 'Failed to fetch', '']), { cause })
  if (kind === 6)
    return new DOMException('The operation was aborted', dice.pick(['AbortError', 'TimeoutError']))
  if (kind === 7) return Object.assign(new Error('looped'), { cause })
  if (kind === 8) return Object.freeze(new RangeError('frozen'))
  return dice.pick<unknown>([undefined, null, 'a string', 7, { status: 529 }, { message: {} }, Symbol('x')])
}

const amounts = [
  '0',
  '1',
  '2',
  '30',
  '61',
  '4000',
  '-5',
  '1e9',
  '99999999999999999999',
  '0.0001',
  'soon',
  '',
  ' 7 ',
  '0x10',
] as const
const dates = [
  '2026-01-01T00:00:10Z',
  '1970-01-01T00:00:00Z',
  '9999-12-31T23:59:59Z',
  'yesterday',
  'Thu, 01 Jan 2026 00:00:20 GMT',
] as const
const types = [
  'application/json',
  'text/event-stream',
  'text/event-stream; charset=utf-8',
  'text/html',
  '',
  'a/b; c',
] as const
const limited = ['requests', 'tokens', 'input-tokens', 'output-tokens', 'unified'] as const

function anyHeaders(dice: Dice, isStream: boolean): Exchange['headers'] {
  const headers: [string, string][] = []
  if (dice.chance(0.9))
    headers.push(['content-type', dice.chance(0.8) ? types[isStream ? 1 : 0] : dice.pick(types)])
  if (dice.chance(0.8))
    headers.push(['request-id', dice.chance(0.9) ? `req_${dice.below(50)}` : 'x'.repeat(5000)])
  if (dice.chance(0.25))
    headers.push(['retry-after', dice.chance(0.8) ? dice.pick(amounts) : dice.pick(dates)])
  if (dice.chance(0.1)) headers.push(['retry-after-ms', dice.pick(amounts)])
  if (dice.chance(0.15)) headers.push(['x-should-retry', dice.pick(['true', 'false', 'TRUE', ''])])
  // Not 0: then the SDK itself leaves a body that comes all the same, and nobody reads or cancels it.
  if (dice.chance(0.05)) headers.push(['content-length', dice.pick(['1', '-5', '1e9', 'soon', ''])])
  if (dice.chance(0.05)) headers.push(['breakwater-served-by', 'somebody else'])
  if (dice.chance(0.3)) {
    for (const family of limited) {
      if (dice.chance(0.4)) continue
      for (const part of ['limit', 'remaining'])
        headers.push([`anthropic-ratelimit-${family}-${part}`, dice.pick(amounts)])
      headers.push([
        `anthropic-ratelimit-${family}-reset`,
        dice.chance(0.5) ? dice.pick(dates) : dice.pick(amounts),
      ])
      headers.push([`anthropic-ratelimit-${family}-status`, dice.pick(['allowed', 'rejected', ''])])
    }
  }
  return headers
}

/** Anywhere, also to nothing. */
function cut(bytes: Uint8Array, dice: Dice): readonly Uint8Array[] {
  if (dice.chance(0.3)) return [bytes]
  const chunks: Uint8Array[] = []
  const most = dice.pick([1, 7, 100, 5000])
  let at = 0
  while (at < bytes.length && chunks.length < 200) {
    const length = dice.below(most) + (dice.chance(0.1) ? 0 : 1)
    chunks.push(bytes.slice(at, at + length))
    at += length
  }
  if (at < bytes.length) chunks.push(bytes.slice(at))
  return chunks
}
