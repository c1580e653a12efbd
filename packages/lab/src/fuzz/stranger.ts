import { watchBody, type WatchedBody } from '../orders/watch.ts'
import type { Dice } from './dice.ts'
import { anyExchange, type Exchange } from './exchange.ts'

/** An API of which nothing is known. */
export interface Stranger {
  readonly fetch: typeof globalThis.fetch
  /** The bodies that it has given out. */
  readonly bodies: readonly WatchedBody[]
  readonly exchanges: number
}

/** Answers each request as the dice fall; obeys the signal, as any `fetch` does. */
export function createStranger(dice: Dice): Stranger {
  const bodies: WatchedBody[] = []
  let exchanges = 0

  async function fetch(_input: unknown, init?: RequestInit): Promise<Response> {
    const signal = init?.signal ?? undefined
    signal?.throwIfAborted()
    exchanges++
    const exchange = anyExchange(dice, String(init?.body).includes('"stream":true'))
    const { delayMs, error, status, headers } = exchange
    if (delayMs > 0) await wait(delayMs, signal)
    if (error !== undefined) throw error.value
    const seen: WatchedBody = { state: 'none', chunks: [] }
    bodies.push(seen)
    const hasNone = status === 204 || status === 205 || status === 304
    const made = new Response(hasNone ? null : bodyOf(exchange, signal), { status })
    for (const [name, value] of headers) made.headers.append(name, value)
    return watchBody(made, seen)
  }

  return {
    fetch,
    bodies,
    get exchanges() {
      return exchanges
    },
  }
}

function wait(ms: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    const onAbort = (): void => {
      clearTimeout(timer)
      reject(signal?.reason)
    }
    const timer = ms === Infinity ? undefined : setTimeout(done, ms)
    function done(): void {
      signal?.removeEventListener('abort', onAbort)
      resolve()
    }
    signal?.addEventListener('abort', onAbort, { once: true })
  })
}

function bodyOf(
  { chunks, gapMs, end, broken }: Exchange,
  signal: AbortSignal | undefined,
): ReadableStream<Uint8Array> {
  let index = 0
  let timer: ReturnType<typeof setTimeout> | undefined
  let onAbort: (() => void) | undefined
  const over = (): void => {
    clearTimeout(timer)
    if (onAbort !== undefined) signal?.removeEventListener('abort', onAbort)
  }
  const give = (controller: ReadableStreamDefaultController<Uint8Array>): void => {
    const chunk = chunks[index++]
    if (chunk !== undefined) controller.enqueue(chunk)
    else if (end === 'endless') controller.enqueue(new Uint8Array(100).fill(32))
    else if (end === 'error') {
      over()
      controller.error(broken)
    } else {
      over()
      controller.close()
    }
  }
  return new ReadableStream<Uint8Array>(
    {
      start(controller) {
        if (signal === undefined) return
        onAbort = () => {
          over()
          controller.error(signal.reason)
        }
        signal.addEventListener('abort', onAbort)
      },
      pull(controller) {
        const isLast = index >= chunks.length
        if (isLast && end === 'stall') return new Promise(() => {})
        const ms = isLast && end === 'endless' ? Math.max(gapMs, 500) : gapMs
        if (ms === 0) return give(controller)
        return new Promise((resolve) => {
          timer = setTimeout(() => resolve(give(controller)), ms)
        })
      },
      cancel: over,
    },
    { highWaterMark: 0 },
  )
}
