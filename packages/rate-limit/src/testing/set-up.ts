import type Anthropic from '@anthropic-ai/sdk'
import { callOf, onEvent, type BreakwaterEvent, type Call, type Middleware } from '@breakwater/core'
import { params, type SeamParts } from '@breakwater/testing'
import {
  fakeFetch,
  type Dynamics,
  type FakeFetch,
  type Reply,
  type Script,
  type ScriptEntry,
} from '@breakwater/testkit'
import { onTestFinished, vi } from 'vitest'
import type { RateLimitOptions } from '../options.ts'
import { rateLimit, type RateLimit } from '../rate-limit.ts'
import type { KeySnapshot } from '../store.ts'

/** The key of the calls in these tests. */
export const key = 'https://api.anthropic.com haiku'

/** What a test may set beside the script. */
export interface SetUpOptions extends RateLimitOptions {
  readonly dynamics?: Dynamics
  readonly maxRetries?: number
  readonly outside?: readonly Middleware[]
  readonly inside?: readonly Middleware[]
}

/** A client over a scripted API, and all that its limiter says. */
export interface SetUp {
  readonly limiter: RateLimit
  readonly client: Anthropic
  readonly fetch: FakeFetch
  /** What everybody in the process is told. */
  readonly events: BreakwaterEvent[]
  /** The types of the events, with what matters of each. */
  readonly told: () => string[]
  /** The state of the last call that began. */
  readonly call: () => Call
  readonly state: (name?: string) => KeySnapshot
  /** A call: its message, or its error. */
  readonly send: (
    changed?: Partial<Anthropic.MessageCreateParamsNonStreaming>,
    requestOptions?: Anthropic.RequestOptions,
  ) => Promise<unknown>
  /** When the requests arrived upstream, in milliseconds. */
  readonly times: () => number[]
}

/** Makes a {@link SetUp}. */
export function setUp(
  clientOf: (parts: SeamParts) => Anthropic,
  script: Script,
  { dynamics, maxRetries = 0, outside = [], inside = [], ...options }: SetUpOptions = {},
): SetUp {
  const fetch = fakeFetch({ script, ...(dynamics !== undefined && { dynamics }) })
  const events: BreakwaterEvent[] = []
  onTestFinished(onEvent((event) => events.push(event)))
  let last: Call | undefined
  const look: Middleware = (request, next, ctx) => {
    last = callOf(request, ctx)
    return next(request)
  }
  const limiter = rateLimit({ startPerSecond: Infinity, ...options })
  const client = clientOf({ middleware: [look, ...outside, limiter, ...inside], fetch, maxRetries })
  return {
    limiter,
    client,
    fetch,
    events,
    told: () => events.map(inShort),
    call: () => last!,
    state: (name = key) => limiter.snapshot().keys.find((one) => one.key === name)!,
    send: (changed, requestOptions) =>
      client.messages.create({ ...params, ...changed }, requestOptions).catch((error: unknown) => error),
    times: () => fetch.requests.map(({ at }) => at),
  }
}

/** An outcome in a word: `ok`, the code of our own error, the status, or the name of the error. */
export function shortOf(outcome: unknown): string {
  const { type, errorCode, code, status, name } = Object(outcome) as Record<string, unknown>
  if (type === 'message') return 'ok'
  return String(errorCode ?? code ?? status ?? name)
}

/** One reply for all requests. */
export function always(reply: Exclude<Reply, number>): ScriptEntry[] {
  return [{ ...reply, repeat: 'forever' }]
}

/** Lets fake time pass. */
export function advance(ms: number): Promise<unknown> {
  return vi.advanceTimersByTimeAsync(ms)
}

/** Lets fake time pass until a promise has settled, in steps of a second. */
export async function until<Value>(promise: Promise<Value>): Promise<Value> {
  const progress = { isDone: false }
  const done = promise.finally(() => {
    progress.isDone = true
  })
  done.catch(() => {})
  while (!progress.isDone) await vi.advanceTimersByTimeAsync(1000)
  return done
}

/** So many of them. */
export function times<Value>(count: number, make: (index: number) => Value): Value[] {
  return Array.from({ length: count }, (_, index) => make(index))
}

function inShort(event: BreakwaterEvent): string {
  switch (event.type) {
    case 'queued':
      return `queued ${event.reason} ${event.queueLength} ${event.expectedWaitMs}`
    case 'admitted':
      return `admitted ${Math.round(event.waitMs)} ${event.queueLength}`
    case 'queue_rejected':
      return `rejected ${event.reason} ${event.queueLength} ${event.expectedWaitMs} ${event.waitMs}`
    case 'queue_left':
      return `left ${Math.round(event.waitMs)} ${event.queueLength}`
    case 'gate':
      return `gate ${event.state}${event.closedMs === undefined ? '' : ` ${event.closedMs}`}`
    case 'limits':
      return `limits ${event.limits.map(({ limit, value }) => `${limit} ${value}`).join(', ')}`
    default:
      return event.type
  }
}
