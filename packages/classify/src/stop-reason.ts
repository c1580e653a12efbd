import { isRecord } from './error-body.ts'

/** What a stop reason asks of the caller. */
export type StopAction =
  | 'none'
  | 'run_tools'
  | 'raise_max_tokens'
  | 'resend'
  | 'fallback'
  | 'compact'
  | 'unknown'

/** What a message's `stop_reason` means. Stop reasons are no failures: retry and breaker leave them alone. */
export interface StopVerdict {
  /** The `stop_reason` itself; null while the message is not finished. */
  readonly reason: string | null
  /** Whether the model said all that it wanted to say. */
  readonly complete: boolean
  /** What it asks of the caller. */
  readonly action: StopAction
  /** One sentence: the next step. */
  readonly hint: string
  /** For a refusal: the category of the classifier, such as `cyber`. */
  readonly category?: string
}

type StopRow = Pick<StopVerdict, 'complete' | 'action' | 'hint'>

const done: StopRow = { complete: true, action: 'none', hint: 'The answer is complete.' }

/** Every stop reason of the Messages API (`StopReason` and `BetaStopReason` of the SDK), as data. */
export const stopReasons: Readonly<Record<string, StopRow>> = {
  end_turn: done,
  stop_sequence: done,
  tool_use: {
    complete: true,
    action: 'run_tools',
    hint: 'Run the tools and send their results back.',
  },
  max_tokens: {
    complete: false,
    action: 'raise_max_tokens',
    hint: 'The answer is cut at max_tokens: raise it, or ask the model to go on. Tool input may be cut too.',
  },
  pause_turn: {
    complete: false,
    action: 'resend',
    hint: 'The turn is paused: send the content back as it is, and the model goes on.',
  },
  refusal: {
    complete: false,
    action: 'fallback',
    hint: 'Declined: do not resend it unchanged; use a fallback model, or drop the turn from the conversation.',
  },
  model_context_window_exceeded: {
    complete: false,
    action: 'compact',
    hint: 'The context window is full: compact the conversation, or use a larger window.',
  },
  compaction: {
    complete: false,
    action: 'resend',
    hint: 'The conversation was compacted: go on with the compaction block first in messages.',
  },
}

/** What the `stop_reason` of a message asks for; takes anything, and tolerates reasons of the future. */
export function stopReason(message: unknown): StopVerdict {
  const { stop_reason: given, stop_details: details } = isRecord(message) ? message : {}
  if (typeof given !== 'string') {
    return { reason: null, complete: false, action: 'unknown', hint: 'The message is not finished: read on.' }
  }
  const row = Object.hasOwn(stopReasons, given) ? stopReasons[given] : undefined
  if (row === undefined) {
    return {
      reason: given,
      complete: false,
      action: 'unknown',
      hint: 'A stop reason newer than this package.',
    }
  }
  const category = given === 'refusal' && isRecord(details) ? details['category'] : undefined
  return { reason: given, ...row, ...(typeof category === 'string' && { category }) }
}
