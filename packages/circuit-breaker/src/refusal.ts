import type { Classification } from '@breakwater/classify'
import { CircuitOpenError } from './circuit-open-error.ts'

/** The words for a circuit that has opened: found once, as an open circuit may refuse many calls. */
export interface Words {
  readonly name: string
  readonly cause: string
}

/** What the SDK takes for a time-out of its own, retries, and replaces. */
const looksLikeTimeout = /timed? ?out/i

/** How a circuit is called, and what it has opened for. */
export function wordsOf(key: string, failure: Classification | undefined): Words {
  const name = looksLikeTimeout.test(key) ? 'The circuit of this call' : `The circuit \`${shorten(key)}\``
  return { name, cause: failure === undefined ? '' : ` after failures, the last one ${nameOf(failure)}` }
}

/** The error for a call that meets an open circuit, or one whose probes are on their way. */
export function refusal(
  key: string,
  { name, cause }: Words,
  failure: Classification | undefined,
  isOpen: boolean,
  waitMs: number,
): CircuitOpenError {
  const what = isOpen ? 'is open' : 'waits for its probe'
  // Never too early.
  const retryAfterMs = Math.ceil(waitMs)
  return new CircuitOpenError(
    `${name} ${what}${cause}: nothing was sent. It may let a call through in ${retryAfterMs} ms; try again then, or use a fallback.`,
    { key, retryAfterMs, failure },
  )
}

/** The error for a call that meets a circuit which somebody has isolated. */
export function isolationRefusal(key: string): CircuitOpenError {
  const { name } = wordsOf(key, undefined)
  return new CircuitOpenError(
    `${name} is isolated: nothing was sent. Calls go through again after \`reset()\`.`,
    {
      key,
    },
  )
}

function nameOf({ category, status }: Classification): string {
  const words = category.replaceAll('_', ' ')
  const name = looksLikeTimeout.test(words) ? 'too slow' : words
  return status === undefined ? name : `${name} (HTTP ${status})`
}

function shorten(key: string): string {
  return key.length > 120 ? `${key.slice(0, 120)}…` : key
}
