import type { Call, MiddlewareContext, MiddlewareNext, MiddlewareRequest } from '@breakwater/core'
import type { Cooldowns } from './cooldowns.ts'
import type { Settings } from './options.ts'

/** One request that comes to a `modelFailover`. */
export interface Pass {
  readonly request: MiddlewareRequest
  readonly next: MiddlewareNext
  readonly ctx: MiddlewareContext
  readonly call: Call
  /** The model that it asks for. */
  readonly model: string
  /** The targets that a failover outside still has. */
  readonly inherited: number
  readonly settings: Settings
  readonly cooldowns: Cooldowns
  /** Whether somebody inside has been seen to set a deadline, and so may set one during the first try. */
  readonly expectsDeadline: boolean
}

/** What became of one try. */
export interface Tried {
  readonly outcome: unknown
  /** Attempts in the ledger before it. */
  readonly attemptsBefore: number
  /** As it was sent. */
  readonly request: MiddlewareRequest
  /** Ends the tie between a failing response and the caller's signal, once nobody reads it. */
  readonly unlink?: (() => void) | undefined
}
