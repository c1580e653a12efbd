import type Anthropic from '@anthropic-ai/sdk'
import type { ClientOptions } from '@anthropic-ai/sdk'

/** One try of what the application wants, by a client and with a model. */
export type Operation<Value> = (client: Anthropic, model: string, signal: AbortSignal) => Promise<Value>

/** How an application makes its calls: whatever a contender puts around them. */
export type Run = <Value>(operation: Operation<Value>, signal: AbortSignal) => Promise<Value>

/** Where a contender is set up: one process of the application. */
export interface Env {
  /** Makes a client of the SDK in front of the scene's API. */
  clientOf(options: ClientOptions): Anthropic
  readonly model: string
  /** Another model, where the scene has one that an application would fall back to. */
  readonly fallback: string | undefined
  /** What the account allows, as its owner can read in the console; `Infinity` where the scene is not about that. */
  readonly requestsPerSecond: number
  /** Whether the scene is about answers that stall: then who has a limit for that sets it. */
  readonly canStall: boolean
  /** Whether nobody sees a stream before it is whole. */
  readonly collects: boolean
}

/** One way to call the API. */
export interface Contender {
  readonly name: string
  /** What stands in the report: how it is set up. */
  readonly note: string
  /** Whether it is Breakwater, or a part of it. */
  readonly isOurs: boolean
  create(env: Env): Run
}
