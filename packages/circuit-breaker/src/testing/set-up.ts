import type Anthropic from '@anthropic-ai/sdk'
import {
  callOf,
  onEvent,
  type BreakerRejectedEvent,
  type BreakerStateEvent,
  type BreakwaterEvent,
  type Call,
  type Middleware,
} from '@breakwater/core'
import { params, type SeamParts } from '@breakwater/testing'
import { fakeFetch, type FakeFetch, type Reply, type Script } from '@breakwater/testkit'
import { onTestFinished } from 'vitest'
import { circuitBreaker, type CircuitBreaker } from '../circuit-breaker.ts'
import type { CircuitBreakerOptions } from '../options.ts'

/** The circuit of the calls in these tests. */
export const key = 'https://api.anthropic.com claude-haiku-5-5'

/** What a test may set beside the script. */
export interface SetUpOptions extends CircuitBreakerOptions {
  maxRetries?: number
  /** Middleware outside and inside of the breaker. */
  outside?: readonly Middleware[]
  inside?: readonly Middleware[]
}

/** A client over a scripted API, and all that its breaker says. */
export interface SetUp {
  readonly breaker: CircuitBreaker
  readonly client: Anthropic
  readonly fetch: FakeFetch
  readonly changes: BreakerStateEvent[]
  readonly rejected: BreakerRejectedEvent[]
  /** What everybody in the process is told. */
  readonly events: BreakwaterEvent[]
  /** The state of the last call. */
  readonly call: () => Call
  /** The state of a circuit. */
  readonly state: (name?: string) => string | undefined
  /** A call: its message, or its error. */
  readonly send: (
    changed?: Partial<Anthropic.MessageCreateParamsNonStreaming>,
    requestOptions?: Anthropic.RequestOptions,
  ) => Promise<unknown>
  /** So many calls, one after the other; their outcomes in short. */
  readonly sendAll: (count: number) => Promise<string[]>
}

/** Makes a {@link SetUp}. */
export function setUp(
  clientOf: (parts: SeamParts) => Anthropic,
  script: Script,
  { maxRetries = 0, outside = [], inside = [], ...options }: SetUpOptions = {},
): SetUp {
  const fetch = fakeFetch({ script })
  const changes: BreakerStateEvent[] = []
  const rejected: BreakerRejectedEvent[] = []
  const events: BreakwaterEvent[] = []
  onTestFinished(onEvent((event) => events.push(event)))
  let last: Call | undefined
  const look: Middleware = (request, next, ctx) => {
    last = callOf(request, ctx)
    return next(request)
  }
  const breaker = circuitBreaker({
    onStateChange: (event) => changes.push(event),
    onReject: (event) => rejected.push(event),
    ...options,
  })
  const client = clientOf({ middleware: [look, ...outside, breaker, ...inside], fetch, maxRetries })
  const send: SetUp['send'] = (changed, requestOptions) =>
    client.messages.create({ ...params, ...changed }, requestOptions).catch((error: unknown) => error)
  return {
    breaker,
    client,
    fetch,
    changes,
    rejected,
    events,
    call: () => last!,
    state: (name = key) => breaker.snapshot().circuits.find((circuit) => circuit.key === name)?.state,
    send,
    async sendAll(count) {
      const outcomes: string[] = []
      for (let index = 0; index < count; index++) outcomes.push(shortOf(await send()))
      return outcomes
    },
  }
}

/** An outcome in a word: `ok`, the status, `open`, or the name of the error. */
export function shortOf(outcome: unknown): string {
  const { type, errorCode, code, status, name } = Object(outcome) as Record<string, unknown>
  if (type === 'message') return 'ok'
  if (errorCode === 'circuit_open' || code === 'circuit_open') return 'open'
  return String(status ?? name)
}

/** A list of replies, of which the last one is repeated. */
export function replies(...list: Reply[]): Script {
  return list.map((reply, index) => ({
    ...(typeof reply === 'number' ? { status: reply } : reply),
    ...(index === list.length - 1 && { repeat: 'forever' as const }),
  }))
}

/** Small numbers, for tests in which the numbers do not matter. */
export const small = { volumeThreshold: 2, windowMs: 10_000, resetMs: 1000 } as const
