import type { Attempt, Call } from '@breakwater/core'
import { endAttempt, noteOutcome, startPastAttempt, typeOfLine } from './attempts.ts'
import { modelLabel, type CallRequest } from './call-request.ts'
import type { CallState } from './call-state.ts'
import { attribute } from './names.ts'
import type { Telemetry } from './telemetry.ts'

/** Records the lines that have come to the ledger: the attempts are counted by it, wherever `otel` stands. */
export function recordLedger(telemetry: Telemetry, call: Call, state: CallState): void {
  const { request } = state
  if (request === undefined) return
  while (state.recorded < call.attempts.length) {
    const ordinal = state.recorded++
    const line = call.attempts[ordinal]
    if (line !== undefined) recordLine(telemetry, request, state, line, ordinal)
  }
}

/** The line of the attempt that an answer or an error came from, among those since `first`; it carries the answer's id. */
export function lineSince(
  call: Call,
  first: number,
  status?: number,
  requestId?: string,
): Attempt | undefined {
  for (let index = call.attempts.length - 1; index >= first; index--) {
    const line = call.attempts[index]
    if (line !== undefined && line.status === status && line.requestId === requestId) return line
  }
  return undefined
}

function recordLine(
  telemetry: Telemetry,
  request: CallRequest,
  state: CallState,
  line: Attempt,
  ordinal: number,
): void {
  const { settings } = telemetry
  const errorType = typeOfLine(line)
  const { status, category, reason, model, durationMs } = line
  const attributes = modelLabel(model === undefined ? request.modelName : settings.nameOf(model))
  attributes[attribute.attemptReason] = reason
  if (request.server !== undefined) attributes[attribute.serverAddress] = request.server.address
  if (status !== undefined) attributes[attribute.status] = status
  if (errorType !== undefined) attributes[attribute.errorType] = errorType
  if (category !== undefined) attributes[attribute.category] = category
  telemetry.instruments()?.own.attemptDuration.record(durationMs / 1000, attributes)

  if (!settings.attemptSpans || state.spanned.has(line)) return
  state.spanned.add(line)
  telemetry.guard(undefined, () => {
    const attempt = startPastAttempt(telemetry, request, state, line, ordinal)
    const requestId = settings.requestIds ? line.requestId : undefined
    noteOutcome(attempt, { status, requestId, errorType, category, headersMs: durationMs })
    endAttempt(attempt, line.startedAt + durationMs)
  })
}
