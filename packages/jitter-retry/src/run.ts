import type { Call, MiddlewareContext, MiddlewareNext, MiddlewareRequest, RetryEvent } from '@breakwater/core'
import type { Settings, Tally } from './decide.ts'

/** One call from its first try on. */
export interface Run {
  readonly request: MiddlewareRequest
  readonly next: MiddlewareNext
  readonly ctx: MiddlewareContext
  readonly call: Call
  /** How many attempts the call's ledger had before the first try. */
  readonly attemptsBefore: number
  /** How many failures were final before it. */
  readonly finalsBefore: number
  /** Whether a failover outside of us has another target. */
  readonly hasTarget: boolean
  readonly tally: Tally
  readonly settings: Settings
  readonly onRetry: ((event: RetryEvent) => void) | undefined
}
