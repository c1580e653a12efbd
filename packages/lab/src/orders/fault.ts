import type { Reply } from '@breakwater/testkit'
import type { Failure } from './model/verdicts.ts'

/** What a stream with a fault in it does, in the words of the design. */
export interface StreamFault {
  /** Whether its first content has come before. */
  readonly at: 'preamble' | 'content'
  readonly how: 'error' | 'truncated' | 'cut' | 'malformed' | 'stall'
  /** What a guard makes of it before the content. */
  readonly failure: Failure
  /** Whether the stop reason had come: a breaker then takes a mere end for a success. */
  readonly hasStopReason: boolean
  /** Whether a block had been opened. */
  readonly hasBegun: boolean
}

/** What upstream does to a request, in the words of the design. */
export type Meaning =
  | { readonly kind: 'failure'; readonly failure: Failure }
  | { readonly kind: 'stream'; readonly stream: StreamFault }
  /** A body that goes on, at its time, and ends well. */
  | { readonly kind: 'slow'; readonly lastsMs: number }
  /** No answer. */
  | { readonly kind: 'hang' }
  /** Answered, but late. */
  | { readonly kind: 'late'; readonly afterMs: number }
  | { readonly kind: 'answer' }

/** When the caller aborts. */
export type Abort =
  | { readonly kind: 'before' }
  /** So long after the call began. */
  | { readonly kind: 'at'; readonly ms: number }
  /** As upstream gets the request of this index. */
  | { readonly kind: 'request'; readonly index: number }
  /** As the reader gets the event of this index. */
  | { readonly kind: 'event'; readonly index: number }

/** One row of the catalogue. */
export interface Fault {
  readonly name: string
  readonly group: 'status' | 'code' | 'header' | 'body' | 'stream' | 'network' | 'abort' | 'calls' | 'none'
  /** What upstream answers; or the error of the `fetch`. */
  readonly reply: Reply | { readonly error: () => unknown }
  readonly means: Meaning
  /** Whether only the primary is touched. @default false */
  readonly isPrimaryOnly?: boolean
  /** How many requests it touches, the rest being answered. @default all */
  readonly times?: number
  readonly isStream?: boolean
  /** For how long a guard holds a stream, in milliseconds. @default its own default */
  readonly holdMs?: number
  readonly abort?: Abort
  /** Calls at once. @default 1 */
  readonly calls?: number
  /** Whether another call follows, which nobody aborts: it shows what the first has left in a stack. */
  readonly isRepeated?: boolean
}

/** The models of all runs. */
export const primary = 'claude-opus-5-5'
export const fallback = 'claude-haiku-5-5'

/** What must be found nowhere: what was said to the model, by it, and with which key. */
export const secrets = { prompt: 'PROMPT-7f3a', completion: 'COMPLETION-9c1e', key: 'sk-ant-KEY-51d0' }

/** Whether a fault touches the request of a model, being the `index`-th of those that it could touch. */
export function touches(
  { isPrimaryOnly = false, times = Infinity }: Fault,
  model: string,
  index: number,
): boolean {
  return index < times && (!isPrimaryOnly || model === primary)
}
