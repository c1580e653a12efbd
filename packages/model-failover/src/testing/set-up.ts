import type Anthropic from '@anthropic-ai/sdk'
import { callOf, onEvent, type BreakwaterEvent, type Call, type Middleware } from '@breakwater/core'
import { fakeFetch, type FakeFetch, type Reply, type Script } from '@breakwater/testkit'
import { params, recordingLogger, type SeamParts } from '@breakwater/testing'
import { onTestFinished, vi } from 'vitest'
import { modelFailover, type ModelFailover } from '../model-failover.ts'
import type { ModelFailoverOptions } from '../options.ts'

/** The models of most tests: the primary, and two to go to. */
export const primary = 'claude-opus-5-5'
export const second = 'claude-sonnet-5-5'
export const third = 'claude-haiku-5-5'

/** A call that asks for the primary. */
export const asked: Anthropic.MessageCreateParamsNonStreaming = { ...params, model: primary }

/** What a test may set beside the script. */
export interface SetUpOptions extends Partial<ModelFailoverOptions> {
  maxRetries?: number
  timeout?: number
  /** Middleware outside and inside of `modelFailover`. */
  outside?: readonly Middleware[]
  inside?: readonly Middleware[]
}

/** A client over a scripted API, and all that its middleware says. */
export interface SetUp {
  readonly client: Anthropic
  readonly fetch: FakeFetch
  readonly subject: ModelFailover
  readonly events: BreakwaterEvent[]
  readonly lines: [level: string, ...line: unknown[]][]
  /** The state of the last call. */
  readonly call: () => Call
  /** Which models were asked, in this order. */
  readonly models: () => (string | undefined)[]
  readonly times: () => number[]
  /** A call, run to its end on fake time: its message or its error. */
  readonly send: (requestOptions?: Anthropic.RequestOptions) => Promise<unknown>
}

/** Makes a {@link SetUp}: the primary, and two models to go to. */
export function setUp(
  clientOf: (parts: SeamParts) => Anthropic,
  script: Script,
  { maxRetries = 0, timeout = 600_000, outside = [], inside = [], ...options }: SetUpOptions = {},
): SetUp {
  const fetch = fakeFetch({ script })
  const events: BreakwaterEvent[] = []
  onTestFinished(onEvent((event) => events.push(event)))
  const { lines, logger } = recordingLogger()
  let last: Call | undefined
  const look: Middleware = (request, next, ctx) => {
    last = callOf(request, ctx)
    return next(request)
  }
  const subject = modelFailover({ to: [second, third], ...options })
  const middleware = [look, ...outside, subject, ...inside]
  const client = clientOf({ middleware, fetch, maxRetries, timeout, logger })
  return {
    client,
    fetch,
    subject,
    events,
    lines,
    call: () => last!,
    models: () => fetch.requests.map(({ model }) => model),
    times: () => fetch.requests.map(({ at }) => Math.round(at)),
    send: (requestOptions) => settle(client.messages.create(asked, requestOptions)),
  }
}

/** A script by model: what each answers, always; the others answer well. */
export function byModel(replies: Readonly<Record<string, Reply>>): Script {
  return ({ model }) => replies[model ?? '']
}

/** Runs fake time until a call has ended: its value or what it threw. */
export async function settle(calling: Promise<unknown>): Promise<unknown> {
  const outcome = calling.catch((thrown: unknown) => thrown)
  const state = { isOver: false }
  void outcome.then(() => (state.isOver = true))
  await vi.advanceTimersByTimeAsync(0)
  // Not all timers at once: the end of the call clears those of the client.
  while (!state.isOver) await vi.advanceTimersToNextTimerAsync()
  return outcome
}
