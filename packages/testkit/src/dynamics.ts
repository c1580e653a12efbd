import type { Random } from './random.ts'
import { createRateLimit, type Gate, keyOf, open, type RateLimitDynamics } from './rate-limit.ts'
import type { Reply } from './reply.ts'
import type { FakeRequest, ReplySource } from './request.ts'
import { isMessageRequest } from './routes.ts'

/** A time in which the API fails. */
export interface Outage {
  /** Begin, in milliseconds since the fake was created. @default 0 */
  fromMs?: number | undefined
  /** End, in milliseconds since the fake was created. @default never */
  toMs?: number | undefined
  /** What the API answers meanwhile. */
  reply: Reply
  /** Share of the requests that fail, 0 to 1. @default 1 */
  share?: number | undefined
  /** Only requests for this model fail. */
  model?: string | undefined
}

/** An API key and when it is valid. */
export interface KeyWindow {
  /** The key. */
  key: string
  /** First moment, in milliseconds since the fake was created. @default 0 */
  fromMs?: number | undefined
  /** First moment at which it is no longer valid. @default never */
  toMs?: number | undefined
}

/** Behaviour of the whole API, checked before the script in this order: outages, keys, rateLimit, capacity. */
export interface Dynamics {
  /** Times in which the API fails; the first that applies decides. */
  outages?: readonly Outage[] | undefined
  /** Keys that are accepted; without it every request is. */
  keys?: readonly (string | KeyWindow)[] | undefined
  /** Rate limits, answered with 429 beyond them. */
  rateLimit?: RateLimitDynamics | undefined
  /** Messages in work at once, answered with 529 beyond them; a stream counts until its end. */
  capacity?: { concurrent: number } | undefined
}

/** What the dynamics say to a request. */
export interface Admission {
  /** The answer; undefined when the script decides. */
  reply: Reply | undefined
  source: ReplySource
  headers: Readonly<Record<string, string>>
  /** Charges the tokens of the answer. */
  spend: (outputTokens: number) => void
  /** Gives the place of the request back; call it once. */
  release: () => void
}

/** Creates the gate that every request passes before the script. */
export function createDynamics(
  { outages = [], keys, rateLimit, capacity }: Dynamics,
  now: () => number,
): (request: FakeRequest, random: Random) => Admission {
  const limit = rateLimit === undefined ? undefined : createRateLimit(rateLimit, now)
  let inWork = 0
  function answer(source: ReplySource, { reply, headers, spend }: Gate): Admission {
    return { reply, source, headers, spend, release() {} }
  }
  return (request, random) => {
    const outage = outages.find((one) => applies(one, request, random))
    if (outage !== undefined) return answer('outage', { ...open, reply: outage.reply })
    if (keys !== undefined && !keys.some((key) => isValid(key, request))) {
      const message = keyOf(request) === '' ? 'x-api-key header is required' : 'invalid x-api-key'
      return answer('keys', { ...open, reply: { status: 401, message } })
    }
    if (!isMessageRequest(request)) return answer('script', open)
    const limited = limit?.(request) ?? open
    if (limited.reply !== undefined) return answer('rateLimit', limited)
    if (capacity === undefined) return answer('script', limited)
    if (inWork >= capacity.concurrent) return answer('capacity', { ...limited, reply: { status: 529 } })
    inWork += 1
    return {
      ...answer('script', limited),
      release() {
        inWork -= 1
      },
    }
  }
}

function applies(outage: Outage, request: FakeRequest, random: Random): boolean {
  const { fromMs = 0, toMs = Infinity, share = 1, model } = outage
  if (request.at < fromMs || request.at >= toMs) return false
  return (model === undefined || model === request.model) && random() < share
}

function isValid(key: string | KeyWindow, request: FakeRequest): boolean {
  const { key: name, fromMs = 0, toMs = Infinity } = typeof key === 'string' ? { key } : key
  return name === keyOf(request) && request.at >= fromMs && request.at < toMs
}
