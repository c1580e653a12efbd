import { STATUS_CODES } from 'node:http'
import { sleep, unlessAborted } from './abortable.ts'
import { createEngine, type Exchange, type FakeOptions } from './engine.ts'
import { bodyStream } from './fetch-body.ts'
import { closed, refused, reset } from './fetch-error.ts'
import { type FetchInput, readAny, readSimple } from './fetch-request.ts'
import { isBodiless, type Plan } from './plan.ts'
import type { RecordedRequest } from './request.ts'

/** A `fetch` that a fake Anthropic API answers. */
export type FakeFetch = typeof fetch & {
  /** Every request so far, in the order of arrival. */
  readonly requests: readonly RecordedRequest[]
}

/**
 * Creates a `fetch` that answers as the Anthropic API would, or as the script says, without a socket.
 *
 * Fails with the errors of Node's own fetch, obeys the signal, and waits with the global `setTimeout` of the moment.
 *
 * @throws TypeError when an option is wrong.
 * @example
 * ```ts
 * import Anthropic from '@anthropic-ai/sdk'
 * import { fakeFetch } from '@breakwater/testkit'
 *
 * const fetch = fakeFetch({ script: [529] })
 * await new Anthropic({ apiKey: 'test', fetch }).models.list()
 * console.log(fetch.requests.length) // 2
 * ```
 */
export function fakeFetch(options: FakeOptions = {}): FakeFetch {
  const engine = createEngine(options)
  // As a pool of connections would: one that has served a whole answer serves the next request.
  let idleSockets = 0

  async function fetch(input: FetchInput, init?: RequestInit): Promise<Response> {
    const signal = init?.signal === undefined ? (input instanceof Request ? input.signal : null) : init.signal
    signal?.throwIfAborted()
    const sent = readSimple(input, init) ?? (await unlessAborted(readAny(input, init), signal))
    const reused = idleSockets > 0
    if (reused) idleSockets -= 1
    const exchange = engine.receive({ ...sent, reused })
    try {
      const plan =
        exchange.plan instanceof Promise ? await unlessAborted(exchange.plan, signal) : exchange.plan
      // The script itself may have aborted: a test likes to do so when a request arrives.
      signal?.throwIfAborted()
      if (plan.delayMs > 0) await sleep(plan.delayMs, signal)
      if (plan.network !== undefined) return await fail(plan.network, sent.url, signal)
      return respond(plan, exchange, sent.url, signal, () => {
        idleSockets += 1
      })
    } catch (error) {
      exchange.close(signal?.aborted === true)
      throw error
    }
  }

  return Object.assign(fetch, { requests: engine.requests })
}

function respond(
  plan: Plan,
  exchange: Exchange,
  url: string,
  signal: AbortSignal | null,
  release: () => void,
): Response {
  const { status, headers } = plan
  let body: ReadableStream | null = null
  if (isBodiless(status)) {
    exchange.close(false)
    release()
  } else {
    body = bodyStream(plan, exchange, signal, release)
  }
  const response = new Response(body, { status, statusText: STATUS_CODES[status] ?? '', headers })
  return Object.defineProperty(response, 'url', { value: url })
}

async function fail(
  network: NonNullable<Plan['network']>,
  url: string,
  signal: AbortSignal | null,
): Promise<never> {
  if (network === 'hang') return unlessAborted(new Promise<never>(() => {}), signal)
  if (network === 'reset') throw reset('fetch failed')
  if (network === 'close') throw closed('fetch failed')
  const { hostname, port, protocol } = new URL(url)
  throw refused({ hostname, port: Number(port) || (protocol === 'https:' ? 443 : 80) })
}
