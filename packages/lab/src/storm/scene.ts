import type { Dynamics, ScriptFunction } from '@breakwater/testkit'
import type { Use } from './call.ts'
import type { Load } from './load.ts'

/** A time in which something is wrong, in milliseconds since the beginning. */
export interface Fault {
  readonly fromMs: number
  readonly toMs: number
}

/** One storm. */
export interface Scene {
  /** `fleet`, or `fleet/silent` where a scene has variants. */
  readonly name: string
  /** One sentence: what happens. */
  readonly about: string
  readonly load: Load
  readonly use: Use
  /** After how long a caller leaves, in milliseconds. */
  readonly patienceMs: number
  /** Processes that the clients are spread over, which share an API key and nothing else. @default 1 */
  readonly processes?: number
  readonly script: (seed: number) => ScriptFunction
  readonly dynamics?: Dynamics
  /** Whether answers say nothing of limits and waits. @default false */
  readonly isSilent?: boolean
  /** When it is wrong. Without one the whole scene is. */
  readonly fault?: Fault
  /** What the account allows, and how much of it at once. */
  readonly requestsPerSecond?: number
  readonly atOnce?: number
  /** Whether the application has another model to go to. @default false */
  readonly hasFallback?: boolean
  /** Whether answers stall in it. @default false */
  readonly canStall?: boolean
  /** When the application gets its new API key, in milliseconds. */
  readonly rekeyedMs?: number
}

/** The model that is asked first. */
export const primary = 'claude-sonnet-5-5'
/** The model that stands in for it. */
export const fallback = 'claude-haiku-5-5'
/** The API key at the beginning, and the one after a rotation. */
export const keys = { first: 'first-key', second: 'second-key' } as const
