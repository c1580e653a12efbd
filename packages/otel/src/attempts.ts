import type { Attempt, Call } from '@breakwater/core'
import { SpanKind, SpanStatusCode, type Attributes, type Span } from '@opentelemetry/api'
import { modelLabel, ofModel, type CallRequest } from './call-request.ts'
import type { CallState } from './call-state.ts'
import { activeWith } from './contexts.ts'
import { isError, typeOfCategory, typeOfEnd, typeOfStatus } from './error-type.ts'
import { attemptSpanName, attribute } from './names.ts'
import type { Observation } from './observation.ts'
import type { Telemetry } from './telemetry.ts'

/** An attempt whose span is open. */
export interface OpenAttempt {
  readonly span: Span
  /** When it was sent, in milliseconds of `performance.now()`. */
  readonly startedAt: number
  /** Takes it out of the attempts on their way, where it was counted there. */
  readonly leave: (() => void) | undefined
}

/** What has become of an attempt, as its span tells. */
export interface AttemptOutcome {
  readonly status?: number | undefined
  readonly requestId?: string | undefined
  readonly errorType: string | undefined
  readonly category?: string | undefined
  readonly headersMs: number
}

/** Begins the span of an attempt that is about to be sent. */
export function startAttempt(
  { tracer, settings, instruments }: Telemetry,
  request: CallRequest,
  call: Call,
  state: CallState,
): OpenAttempt {
  const { reason = 'initial', waitMs = 0 } = call.note ?? {}
  const options = {
    kind: SpanKind.INTERNAL,
    attributes: startAttributes(request, reason, waitMs, call.attempts.length, settings.attributes),
  }
  const span = tracer.startSpan(attemptSpanName, options, activeWith(parentOf(state)))
  const active = instruments()?.own.attemptActive
  const label = modelLabel(request.modelName)
  active?.add(1, label)
  return { span, startedAt: performance.now(), leave: active && (() => active.add(-1, label)) }
}

/** Begins, after the fact, the span of an attempt that somebody inside has sent. */
export function startPastAttempt(
  { tracer, settings }: Telemetry,
  request: CallRequest,
  state: CallState,
  line: Attempt,
  ordinal: number,
): OpenAttempt {
  const { reason, waitMs, startedAt, model } = line
  const own = settings.attributes
  const options = {
    kind: SpanKind.INTERNAL,
    startTime: epochMs(startedAt),
    attributes: startAttributes(ofModel(request, model, settings), reason, waitMs, ordinal, own),
  }
  const span = tracer.startSpan(attemptSpanName, options, activeWith(parentOf(state)))
  return { span, startedAt, leave: undefined }
}

/** Writes what the headers, or the error, have told. */
export function noteOutcome({ span }: OpenAttempt, outcome: AttemptOutcome): void {
  if (!span.isRecording()) return
  const { status, requestId, errorType, category, headersMs } = outcome
  span.setAttribute(attribute.attemptHeaders, headersMs / 1000)
  if (status !== undefined) span.setAttribute(attribute.status, status)
  if (requestId !== undefined) span.setAttribute(attribute.requestId, requestId)
  if (category !== undefined) span.setAttribute(attribute.category, category)
  noteError(span, errorType)
}

/** Ends the span of an attempt with its body. */
export function endWithBody({ span, startedAt, leave }: OpenAttempt, observation: Observation): void {
  leave?.()
  const { end, endedAt, firstContentAt, isStream } = observation
  if (end === undefined) return
  try {
    if (isStream) span.setAttribute(attribute.streamEnd, end.kind)
    if (firstContentAt !== undefined)
      span.setAttribute(attribute.attemptFirstChunk, (firstContentAt - startedAt) / 1000)
    noteError(span, typeOfEnd(end))
  } finally {
    // It is told of late, when the body is collected.
    span.end(end.kind === 'abandoned' ? epochMs(endedAt) : undefined)
  }
}

/** Ends the span of an attempt that has no body to wait for. */
export function endAttempt({ span, leave }: OpenAttempt, endedAt?: number): void {
  leave?.()
  span.end(endedAt === undefined ? undefined : epochMs(endedAt))
}

/** `error.type` of a line of the ledger, as far as anybody has found out. */
export function typeOfLine({ status, category }: Attempt): string | undefined {
  if (status !== undefined && status >= 400) return typeOfStatus(status)
  if (category !== undefined) return typeOfCategory(category)
  return status === undefined ? 'client_error' : undefined
}

/** `error.type`, and the status of the span unless it is the caller's own doing. */
export function noteError(span: Span, errorType: string | undefined): void {
  if (errorType === undefined) return
  span.setAttribute(attribute.errorType, errorType)
  if (isError(errorType)) span.setStatus({ code: SpanStatusCode.ERROR })
}

/** The time of day of a `performance.now()`, in milliseconds. */
export function epochMs(at: number): number {
  return Date.now() - (performance.now() - at)
}

/** The span that attempts are children of: the call's own, or what the call was found in. */
export function parentOf({ run, around }: CallState): Span | undefined {
  return run?.span ?? around
}

function startAttributes(
  { method, model, server }: CallRequest,
  reason: string,
  waitMs: number,
  ordinal: number,
  own: Attributes,
): Attributes {
  const attributes: Attributes = {
    [attribute.method]: method,
    [attribute.attemptReason]: reason,
  }
  if (model !== undefined) attributes[attribute.attemptModel] = model
  if (waitMs > 0) attributes[attribute.attemptWait] = waitMs / 1000
  if (ordinal > 0) attributes[attribute.resendCount] = ordinal
  if (server !== undefined) {
    attributes[attribute.serverAddress] = server.address
    attributes[attribute.serverPort] = server.port
  }
  return Object.assign(attributes, own)
}
