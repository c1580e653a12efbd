import { field } from './field.ts'

/** What an answer says of itself, as far as it is known; it grows while a stream passes. */
export interface Answer {
  id: string | undefined
  model: string | undefined
  stopReason: string | undefined
  /** Input tokens that the cache had no part in. */
  uncachedTokens: number | undefined
  cacheReadTokens: number | undefined
  cacheWriteTokens: number | undefined
  /** How many of those were written for an hour. */
  cacheWrite1hTokens: number | undefined
  outputTokens: number | undefined
  reasoningTokens: number | undefined
}

/** An answer that nothing is known of. */
export function newAnswer(): Answer {
  return {
    id: undefined,
    model: undefined,
    stopReason: undefined,
    uncachedTokens: undefined,
    cacheReadTokens: undefined,
    cacheWriteTokens: undefined,
    cacheWrite1hTokens: undefined,
    outputTokens: undefined,
    reasoningTokens: undefined,
  }
}

/** Reads the message that `message_start` carries. Its output tokens are a placeholder and are left out. */
export function readStart(answer: Answer, data: string | undefined): void {
  const message = field(parsed(data), 'message')
  readIdentity(answer, message)
  readInput(answer, field(message, 'usage'))
}

/** Reads a `message_delta`: what it counts replaces what was counted before. */
export function readDelta(answer: Answer, data: string | undefined): void {
  const event = parsed(data)
  answer.stopReason = text(field(field(event, 'delta'), 'stop_reason')) ?? answer.stopReason
  const usage = field(event, 'usage')
  readInput(answer, usage)
  readOutput(answer, usage)
}

/** Reads an answer that is no stream. */
export function readMessage(answer: Answer, body: string): void {
  const message = parsed(body)
  if (field(message, 'type') !== 'message') return
  readIdentity(answer, message)
  answer.stopReason = text(field(message, 'stop_reason'))
  const usage = field(message, 'usage')
  readInput(answer, usage)
  readOutput(answer, usage)
}

/** All input tokens, as the conventions count them: those from and into the cache included. */
export function inputTokens(answer: Answer): number | undefined {
  const { uncachedTokens, cacheReadTokens, cacheWriteTokens } = answer
  if (uncachedTokens === undefined) return undefined
  return uncachedTokens + (cacheReadTokens ?? 0) + (cacheWriteTokens ?? 0)
}

function readIdentity(answer: Answer, message: unknown): void {
  answer.id = text(field(message, 'id'))
  answer.model = text(field(message, 'model'))
}

function readInput(answer: Answer, usage: unknown): void {
  answer.uncachedTokens = count(field(usage, 'input_tokens')) ?? answer.uncachedTokens
  answer.cacheReadTokens = count(field(usage, 'cache_read_input_tokens')) ?? answer.cacheReadTokens
  answer.cacheWriteTokens = count(field(usage, 'cache_creation_input_tokens')) ?? answer.cacheWriteTokens
  answer.cacheWrite1hTokens =
    count(field(field(usage, 'cache_creation'), 'ephemeral_1h_input_tokens')) ?? answer.cacheWrite1hTokens
}

function readOutput(answer: Answer, usage: unknown): void {
  answer.outputTokens = count(field(usage, 'output_tokens')) ?? answer.outputTokens
  answer.reasoningTokens =
    count(field(field(usage, 'output_tokens_details'), 'thinking_tokens')) ?? answer.reasoningTokens
}

function parsed(json: string | undefined): unknown {
  if (json === undefined) return undefined
  try {
    return JSON.parse(json)
  } catch {
    return undefined
  }
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined
}

function count(value: unknown): number | undefined {
  return typeof value === 'number' && Number.isFinite(value) && value >= 0 ? value : undefined
}
