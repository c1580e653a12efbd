import type { BodyListener, StreamEvent } from '@breakwater/core'
import type { TokenCount } from './store.ts'

/** Reads what an answer says of its tokens, as it passes. */
export interface UsageReader extends Pick<BodyListener, 'onEvent' | 'onChunk'> {
  /** What is known so far; `undefined` while nothing is. */
  tokens(): TokenCount | undefined
}

/** The usage stands at the end of an answer. */
const tailBytes = 2048

/** For an event stream: the usage of its first event, and of the one before its last. */
export function streamUsage(): UsageReader {
  let input: number | undefined
  let output = 0
  return {
    onEvent({ type, data }: StreamEvent) {
      if (type !== 'message_start' && type !== 'message_delta') return
      const text = data()
      if (text === undefined) return
      const usage = usageIn(text)
      input = inputOf(usage) ?? input
      // That of the first event is a placeholder.
      if (type === 'message_delta') output = numberIn(usage, outputTokens) ?? output
    },
    tokens: () => (input === undefined ? undefined : { input, output }),
  }
}

/** For an answer that is no stream. */
export function bodyUsage(): UsageReader {
  let tail = new Uint8Array()
  return {
    onChunk(chunk) {
      // A copy: a part of a chunk would keep all of it.
      tail = chunk.length >= tailBytes ? chunk.slice(-tailBytes) : join(tail, chunk)
    },
    tokens() {
      const usage = usageIn(new TextDecoder().decode(tail))
      const input = inputOf(usage)
      return input === undefined ? undefined : { input, output: numberIn(usage, outputTokens) ?? 0 }
    },
  }
}

const inputTokens = /"input_tokens"\s*:\s*(\d{1,9})/
const cacheTokens = /"cache_creation_input_tokens"\s*:\s*(\d{1,9})/
const outputTokens = /"output_tokens"\s*:\s*(\d{1,9})/

/** In a text of the answer the quotes would be escaped. */
function usageIn(json: string): string {
  const at = json.lastIndexOf('"usage"')
  return at < 0 ? '' : json.slice(at)
}

/** What is read from the cache does not count. */
function inputOf(usage: string): number | undefined {
  const input = numberIn(usage, inputTokens)
  return input === undefined ? undefined : input + (numberIn(usage, cacheTokens) ?? 0)
}

function numberIn(usage: string, pattern: RegExp): number | undefined {
  const found = pattern.exec(usage)
  return found === null ? undefined : Number(found[1])
}

function join(tail: Uint8Array<ArrayBuffer>, chunk: Uint8Array): Uint8Array<ArrayBuffer> {
  const both = new Uint8Array(tail.length + chunk.length)
  both.set(tail)
  both.set(chunk, tail.length)
  return both.slice(-tailBytes)
}
