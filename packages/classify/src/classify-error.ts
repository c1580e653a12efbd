import { isCategory } from './categories.ts'
import { recall, remember } from './cache.ts'
import { classification } from './classification.ts'
import type { Classification } from './classification.ts'
import { verdictOfCode } from './codes.ts'
import { isRecord } from './error-body.ts'
import { isLostConnection, rulingOfNetworkCode, rulingOfNetworkText } from './network-errors.ts'
import type { Ruling } from './network-errors.ts'
import { safeToken } from './safe-text.ts'
import { factsOfError, isNamed, isSdkConnectionError, rulingOfSdkError, textOf } from './sdk-errors.ts'
import { verdict } from './verdict.ts'

type Properties = Readonly<Record<string, unknown>>

const brand = Symbol.for('breakwater.error')

/** How many errors of a cause chain (with the parts of aggregate errors) are looked at. */
const longestChain = 16

/** The request may or may not have been received. */
const unexplained: Ruling = { category: 'connection', retry: 'once', replay: 'ambiguous' }

/**
 * What an error means: fetch errors, SDK errors of any copy, the AI SDK's, our own, and errors caused by one of them.
 * For any `catch` block: synchronous, never throws. With `signal`, the signal's own reason is the caller's abort.
 */
export function classifyError(error: unknown, signal?: AbortSignal): Classification {
  if (signal?.aborted === true && error === signal.reason) return classification('aborted')
  if (!isRecord(error)) return notAnError(error === null ? 'null' : typeof error)
  const known = recall(error)
  if (known !== undefined && 'category' in known) return known
  try {
    const found = examine(error)
    // Of a response only status and headers were seen: `classifyResponse` may still learn more.
    if (!('bodyUsed' in error)) remember(error, found)
    return found
  } catch {
    // A getter or a proxy that throws.
    return classification('unknown')
  }
}

function examine(error: Properties): Classification {
  const chain = chainOf(error)
  for (const link of chain) {
    const found = whatItSays(link, chain)
    if (found !== undefined) return found
  }
  // Only now: a failed fetch that no link of the chain explains.
  if (chain.some((link) => isFailedFetch(link))) return ofRuling(unexplained, error)
  return typeof error['message'] === 'string'
    ? ofRuling({ category: 'unknown' }, error)
    : notAnError('object')
}

/** The error, then what caused it, breadth first; bounded, so that cycles and endless chains end. */
function chainOf(error: Properties): readonly Properties[] {
  const chain = new Set([error])
  for (const link of chain) {
    for (const cause of [link['lastError'], link['cause'], ...partsOf(link)]) {
      if (isRecord(cause) && chain.size < longestChain) chain.add(cause)
    }
  }
  return [...chain]
}

function whatItSays(link: Properties, chain: readonly Properties[]): Classification | undefined {
  if (Reflect.get(link, brand) === true) return ofOurOwn(link)
  const facts = factsOfError(link)
  if (facts !== undefined) return verdict(facts)
  const ruling = rulingOfSdkError(link) ?? rulingOfName(link, chain) ?? rulingOfCode(link)
  return ruling && ofRuling(ruling, link)
}

function rulingOfName(link: Properties, chain: readonly Properties[]): Ruling | undefined {
  switch (link['name']) {
    case 'AbortError':
      return { category: 'aborted' }
    case 'TimeoutError':
      return { category: 'timeout' }
    case 'TypeError': {
      const ruling = rulingOfNetworkText(textOf(link['message']) ?? '')
      if (ruling?.category !== 'stream_interrupted') return undefined
      return chain.some(({ code }) => code === 'UND_ERR_BODY_TIMEOUT') ? { category: 'timeout' } : ruling
    }
    case 'SyntaxError':
      // The SDK's own parsing of a stream. Any other may be the application's.
      return chain.some((other) => isNamed(other, 'AnthropicError'))
        ? { category: 'stream_interrupted' }
        : undefined
    default:
      return undefined
  }
}

/** An aggregate repeats the code of its first part without the details: the part itself comes next. */
function rulingOfCode(link: Properties): Ruling | undefined {
  return partsOf(link).length > 0 ? undefined : rulingOfNetworkCode(link['code'], link['syscall'])
}

function isFailedFetch(link: Properties): boolean {
  const { name } = link
  const text = textOf(link['message']) ?? ''
  const failed = name === 'TypeError' && rulingOfNetworkText(text) !== undefined
  return failed || isLostConnection(name, text) || isSdkConnectionError(link)
}

function partsOf(link: Properties): readonly unknown[] {
  const parts = link['errors']
  return Array.isArray(parts) ? parts : []
}

function ofOurOwn(error: Properties): Classification {
  const code = safeToken(error['code'])
  const known = verdictOfCode(code)
  const category = isCategory(error['category']) ? error['category'] : (known?.category ?? 'unknown')
  const wait = error['retryAfterMs']
  return classification(category, {
    ...(known?.category === category && known),
    // After the deadline of a call nobody may start an attempt.
    ...(category === 'timeout' && error['limit'] === 'total' && { retry: 'never', failover: false }),
    // The documented status belongs to a response that was never there.
    status: undefined,
    code,
    message: textOf(error['message']),
    retryAfterMs: typeof wait === 'number' && wait >= 0 && Number.isFinite(wait) ? wait : undefined,
  })
}

function ofRuling({ category, ...overrides }: Ruling, link: Properties): Classification {
  // A SyntaxError quotes what it could not parse, which may be a completion.
  const message = link['name'] === 'SyntaxError' ? 'malformed JSON' : textOf(link['message'])
  return classification(category, { ...overrides, code: safeToken(link['code']), message })
}

function notAnError(kind: string): Classification {
  return classification('unknown', {
    message: `not an error: ${kind}`,
    hint: 'This is not an error: pass what was thrown, or give a Response to classifyResponse.',
  })
}
