import type { Attempt, Call, MiddlewareContext } from '@breakwater/core'
import { SpanKind, type Attributes, type Span } from '@opentelemetry/api'
import { epochMs, noteError } from './attempts.ts'
import { genAiAttributes, modelLabel, parameterAttributes, type CallRequest } from './call-request.ts'
import type { CallState } from './call-state.ts'
import { activeWith } from './contexts.ts'
import { typeOfEnd } from './error-type.ts'
import { attribute } from './names.ts'
import type { Observation } from './observation.ts'
import type { Telemetry } from './telemetry.ts'
import { inputTokens, type Answer } from './usage.ts'

/** One logical call while it goes on. */
export interface Run {
  readonly request: CallRequest
  /** A span of our own for the call. */
  readonly span: Span | undefined
  /** The target of a failover that has answered. */
  target: string | undefined
}

/** How a call has ended. */
export interface CallEnd {
  readonly errorType: string | undefined
  /** In milliseconds of `performance.now()`. */
  readonly at: number
  readonly observation?: Observation | undefined
}

/** Begins a call, with a span of its own if it is to have one. */
export function openRun(
  telemetry: Telemetry,
  request: CallRequest,
  ctx: MiddlewareContext,
  state: CallState,
): Run {
  const { callSpan } = telemetry.settings
  const hasSpan = callSpan === 'own' || (callSpan === 'auto' && state.sdk === undefined)
  // The conventions know messages only: other requests have their attempts.
  const span =
    hasSpan && request.isMessage
      ? telemetry.guard(ctx, () => startCall(telemetry, request, ctx, state))
      : undefined
  return { request, span, target: undefined }
}

/** What ledger and events say of a call. */
export function callAttributes(call: Call, target: string | undefined): Attributes {
  const attributes: Attributes = {
    [attribute.callAttempts]: call.attempts.length,
    [attribute.callWait]: call.attempts.reduce(addWait, 0) / 1000,
    [attribute.callRoute]: routeOf(target),
  }
  if (target !== undefined) attributes[attribute.failoverTarget] = target
  if (call.events.some(({ type }) => type === 'breaker_rejected'))
    attributes[attribute.breakerRejected] = true
  return attributes
}

/** Ends a call: its span, its duration and its attempts. */
export function endRun(
  { settings, instruments }: Telemetry,
  { request, span, target }: Run,
  call: Call,
  state: CallState,
  { errorType, at, observation }: CallEnd,
): void {
  const made = instruments()
  if (made !== undefined) {
    const label = modelLabel(request.modelName)
    label[attribute.callRoute] = routeOf(target)
    if (errorType !== undefined) label[attribute.errorType] = errorType
    made.own.callAttempts.record(call.attempts.length, label)
    if (request.isMessage) recordGenAi()
  }
  if (span === undefined) return
  try {
    if (observation !== undefined)
      span.setAttributes(answerAttributes(observation, state.startedAt, settings.semconv))
    span.setAttributes(callAttributes(call, target))
    noteError(span, errorType)
  } finally {
    span.end(observation?.end?.kind === 'abandoned' ? epochMs(at) : undefined)
  }

  function recordGenAi(): void {
    const model = observation?.answer.model
    const responseModel = model === undefined ? undefined : settings.nameOf(model)
    const attributes = genAiAttributes(request, responseModel, settings.attributes)
    attributes[attribute.callRoute] = routeOf(target)
    if (observation?.firstContentAt !== undefined) {
      const seconds = (observation.firstContentAt - state.startedAt) / 1000
      made?.published?.firstChunk.record(seconds, attributes)
      made?.next?.firstChunk.record(seconds, attributes)
    }
    const withOutcome: Attributes = Object.assign({}, attributes, {
      [attribute.callStream]: request.isStream,
    })
    if (errorType !== undefined) withOutcome[attribute.errorType] = errorType
    const seconds = (at - state.startedAt) / 1000
    made?.published?.duration.record(seconds, withOutcome)
    made?.next?.duration.record(seconds, withOutcome)
  }
}

/** The end of a call whose answer was watched. */
export function endOf(observation: Observation): CallEnd {
  const { end, endedAt } = observation
  return { errorType: end && typeOfEnd(end), at: endedAt, observation }
}

function startCall(
  { tracer, settings }: Telemetry,
  request: CallRequest,
  ctx: MiddlewareContext,
  state: CallState,
): Span {
  const { model, modelName, isStream } = request
  const attributes = genAiAttributes(request, undefined, {})
  // Spans have the name itself, labels what the `models` option makes of it.
  if (model !== undefined) attributes[attribute.requestModel] = model
  if (isStream) attributes[attribute.requestStream] = true
  Object.assign(attributes, parameterAttributes(ctx), settings.attributes)
  const name = modelName === undefined ? 'chat' : `chat ${modelName}`
  return tracer.startSpan(name, { kind: SpanKind.CLIENT, attributes }, activeWith(state.around))
}

function addWait(sum: number, { waitMs }: Attempt): number {
  return sum + waitMs
}

function routeOf(target: string | undefined): 'primary' | 'fallback' {
  return target === undefined ? 'primary' : 'fallback'
}

function answerAttributes(
  { answer, firstContentAt }: Observation,
  startedAt: number,
  semconv: Telemetry['settings']['semconv'],
): Attributes {
  const written = answer.cacheWriteTokens
  const attributes: Attributes = {
    [attribute.responseId]: answer.id,
    [attribute.responseModel]: answer.model,
    [attribute.finishReasons]: answer.stopReason === undefined ? undefined : [answer.stopReason],
    [attribute.firstChunk]: firstContentAt === undefined ? undefined : (firstContentAt - startedAt) / 1000,
    ...tokenAttributes(answer),
  }
  if (semconv !== 'next') attributes[attribute.cacheCreationTokens] = written
  if (semconv === 'next' || semconv === 'both') attributes[attribute.cacheWriteTokens] = written
  return withoutUndefined(attributes)
}

function tokenAttributes(answer: Answer): Attributes {
  return {
    [attribute.inputTokens]: inputTokens(answer),
    [attribute.outputTokens]: answer.outputTokens,
    [attribute.cacheReadTokens]: answer.cacheReadTokens,
    [attribute.reasoningTokens]: answer.reasoningTokens,
  }
}

function withoutUndefined(attributes: Attributes): Attributes {
  return Object.fromEntries(Object.entries(attributes).filter(([, value]) => value !== undefined))
}
