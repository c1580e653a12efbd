import type { Ending } from './model/predict.ts'
import type { BodyState } from './watch.ts'

/** A request that upstream got. */
export interface Sent {
  readonly model: string
  /** In milliseconds since the call began. */
  readonly at: number
  /** Its answer; `undefined` where none came. */
  readonly status: number | undefined
  readonly body: BodyState
  readonly bytes: Uint8Array
  readonly retryCount: string | undefined
}

/** What one call came to. */
export interface Outcome {
  readonly ending: Ending
  readonly endedAt: number
  /** What was thrown. */
  readonly error: unknown
}

/** A response that left the stack. */
export interface Returned {
  readonly status: number
  readonly headers: Headers
  readonly body: BodyState
  readonly bytes: Uint8Array
}

/** All that was seen of a run. */
export interface Observation {
  readonly outcomes: readonly Outcome[]
  readonly sent: readonly Sent[]
  /** How many of these were sent before a call that follows. */
  readonly sentBefore: number
  /** What left the stack, or was thrown out of it, in order. */
  readonly returned: readonly (Returned | { readonly error: unknown })[]
  /** Lines of the ledgers of all calls. */
  readonly ledger: number
  /** The types of the events, in order, those before the caller's abort and those after; of the first calls alone. */
  readonly events: { readonly before: readonly string[]; readonly after: readonly string[] }
  /** When the caller aborted. */
  readonly abortedAt: number | undefined
  readonly abortReason: unknown
  /** Whether all was over within the same turn of the event loop. */
  readonly abortedAtOnce: boolean
  readonly left: { readonly timers: number; readonly listeners: number; readonly rejections: number }
  /** Whether something went on for ever. */
  readonly hangs: boolean
  /** Logs, events, spans, metrics, ledgers, our own errors: all that must hold no secret. */
  readonly written: string
  /** Attempts that the telemetry counted; `undefined` without telemetry. */
  readonly counted: number | undefined
  readonly maxRequests: number
}
