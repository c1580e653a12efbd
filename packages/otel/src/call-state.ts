import {
  createCallKey,
  type Attempt,
  type Call,
  type CallKey,
  type EventListener,
  type MiddlewareContext,
  type MiddlewareNext,
  type MiddlewareRequest,
} from '@breakwater/core'
import type { MeterProvider, Span } from '@opentelemetry/api'
import type { CallRequest } from './call-request.ts'
import type { Observation } from './observation.ts'
import type { Run } from './run.ts'
import type { SdkSpan } from './sdk-span.ts'

/** Who keeps the telemetry of a call: the first `otel` that it enters. Every later one, of another copy too, only shows its place. */
export interface Owner {
  /** Hears every event of every Breakwater middleware. */
  readonly hear: EventListener
  /** Where its metrics go. */
  provider(): MeterProvider
  pass(
    request: MiddlewareRequest,
    next: MiddlewareNext,
    ctx: MiddlewareContext,
    call: Call,
    state: CallState,
  ): Promise<Response>
}

/** What `otel` knows of one logical call. */
export interface CallState {
  readonly owner: Owner
  /** When the call began, in milliseconds of `performance.now()`. */
  readonly startedAt: number
  /** Somebody outside may send again: what passes here are tries, and the call is not seen. */
  readonly isTry: boolean
  /** The pass of the call that has not ended, and one that the SDK is about to go on with. */
  run: Run | undefined
  resumed: Run | undefined
  /** The span that the call was found in: the SDK's, the application's, or none. */
  readonly around: Span | undefined
  readonly sdk: SdkSpan | undefined
  /** What the latest request asks for. */
  request: CallRequest | undefined
  /** How many innermost passes have ended. */
  inside: number
  /** How many lines of the ledger have been recorded. */
  recorded: number
  /** The lines that have a span. */
  readonly spanned: Set<Attempt>
  readonly observations: Observation[]
}

// Of the same name in every copy: the contract between them is `pass`.
const states: CallKey<CallState> = createCallKey('otel.call/1')

/** The state of a call that some `otel` has been entered for. */
export function stateOf(call: Call): CallState | undefined {
  return states.get(call)
}

/** The state of a call, made by the first `otel` that it enters, which keeps its telemetry. */
export function enterCall(
  call: Call,
  owner: Owner,
  find: () => Pick<CallState, 'around' | 'sdk'> | undefined,
): CallState {
  const known = states.get(call)
  if (known !== undefined) return known
  const { around, sdk } = find() ?? {}
  const state: CallState = {
    owner,
    startedAt: performance.now(),
    isTry: call.sendsAgain,
    run: undefined,
    resumed: undefined,
    around,
    sdk,
    request: undefined,
    inside: 0,
    recorded: 0,
    spanned: new Set(),
    observations: [],
  }
  states.set(call, state)
  return state
}
