import type Anthropic from '@anthropic-ai/sdk'
import { callOf, type Call, type Middleware, type RetryEvent } from '@breakwater/core'
import { fakeFetch, type FakeFetch, type Script } from '@breakwater/testkit'
import { vi } from 'vitest'
import { jitterRetry } from '../jitter-retry.ts'
import type { JitterRetryOptions } from '../options.ts'
import { params, type SeamParts } from '@breakwater/testing'

/** What a test may set beside the script. */
export interface SetUpOptions extends JitterRetryOptions {
  maxRetries?: number
  timeout?: number
  /** Middleware outside and inside of `jitterRetry`. */
  outside?: readonly Middleware[]
  inside?: readonly Middleware[]
}

/** A client over a scripted API, and all that its middleware says. */
export interface SetUp {
  readonly client: Anthropic
  readonly fetch: FakeFetch
  readonly retries: RetryEvent[]
  /** The state of the last call. */
  readonly call: () => Call
  /** When each request arrived, in milliseconds. */
  readonly times: () => number[]
  /** A call, run to its end on fake time: its message or its error. */
  readonly send: (requestOptions?: Anthropic.RequestOptions) => Promise<unknown>
}

/** Makes a {@link SetUp}. Jitter draws the largest wait, unless `random` is given. */
export function setUp(
  clientOf: (parts: SeamParts) => Anthropic,
  script: Script,
  { maxRetries = 0, timeout = 600_000, outside = [], inside = [], ...options }: SetUpOptions = {},
): SetUp {
  const fetch = fakeFetch({ script })
  const retries: RetryEvent[] = []
  let last: Call | undefined
  const look: Middleware = (request, next, ctx) => {
    last = callOf(request, ctx)
    return next(request)
  }
  const subject = jitterRetry({ random: () => 1, onRetry: (event) => retries.push(event), ...options })
  const middleware = [look, ...outside, subject, ...inside]
  const client = clientOf({ middleware, fetch, maxRetries, timeout })
  return {
    client,
    fetch,
    retries,
    call: () => last!,
    times: () => fetch.requests.map(({ at }) => Math.round(at)),
    send: (requestOptions) => settle(client.messages.create(params, requestOptions)),
  }
}

/** Runs fake time until a call has ended: its value or what it threw. */
export async function settle(calling: Promise<unknown>): Promise<unknown> {
  const outcome = calling.catch((thrown: unknown) => thrown)
  const state = { isOver: false }
  void outcome.then(() => (state.isOver = true))
  // Not all timers at once: the end of the call clears those of the client.
  while (!state.isOver) await vi.advanceTimersToNextTimerAsync()
  return outcome
}
