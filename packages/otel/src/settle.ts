import { classifyError, classifyOutcome, type Category } from '@breakwater/classify'
import type { Attempt, Call, MiddlewareContext, MiddlewareRequest } from '@breakwater/core'
import {
  endAttempt,
  endWithBody,
  noteOutcome,
  startPastAttempt,
  type AttemptOutcome,
  type OpenAttempt,
} from './attempts.ts'
import { ofModel, type CallRequest } from './call-request.ts'
import type { CallState } from './call-state.ts'
import { typeOfCategory, typeOfStatus } from './error-type.ts'
import { recordHeadroom } from './headroom.ts'
import { lineSince, recordLedger } from './ledger.ts'
import type { Observation } from './observation.ts'
import { callAttributes, endOf, endRun, type CallEnd, type Run } from './run.ts'
import { willSdkRetry } from './sdk-retry.ts'
import type { Telemetry } from './telemetry.ts'
import { watch, type Watched } from './watch.ts'

/** One way of a request through one `otel`. */
export interface Entry {
  readonly call: Call
  readonly state: CallState
  readonly ctx: MiddlewareContext
  readonly sent: MiddlewareRequest
  readonly request: CallRequest
  /** The call, where this is its outermost `otel`. */
  readonly run: Run | undefined
  /** How far ledger, observations and inner entries were when it began. */
  readonly firstLine: number
  readonly observed: number
  readonly inside: number
  /** Of the `send` here; it tells whether another one began inside. */
  frame: Call['frame']
  /** How far the ledger was when `next` had settled: what comes after is written by the `send` here. */
  ownLine: number
  attempt: OpenAttempt | undefined
  /** Whether a context manager carries the context to what is inside. */
  isCarried: boolean
  /** Whether it is over: nothing is begun any more. */
  isSettled: boolean
}

/** Records how a way through one `otel` has ended. */
export interface Settler {
  /** The response to pass on: the same, or one with a body that is watched. */
  arrive(entry: Entry, response: Response): Response
  fail(entry: Entry, error: unknown): Promise<void>
}

/** Makes a settler. */
export function createSettler(telemetry: Telemetry): Settler {
  const { settings, guard, report } = telemetry

  function arrive(entry: Entry, response: Response): Response {
    const { ctx } = entry
    const { status, headers } = response
    const requestId = headers.get('request-id') ?? undefined
    const isInner = isMadeHere(entry, status, requestId)
    const line = lineSince(entry.call, entry.firstLine, status, requestId)
    const watched = status < 400 ? guard(ctx, () => watchBody(entry, response, line, isInner)) : undefined
    const observation = watched?.observation
    // Each by itself: the failure of one takes nothing from the others, and the body is the reader's in any case.
    guard(ctx, () => {
      if (isInner || entry.state.inside === entry.inside)
        recordHeadroom(telemetry, headers, line?.model ?? entry.request.model)
    })
    if (isInner) entry.state.inside++
    guard(ctx, () => settleAttempt(entry, response, line, observation))
    guard(ctx, () => settleRun(entry, response, observation))
    guard(ctx, () => recordOwn(entry))
    return watched === undefined ? response : watched.response
  }

  /**
   * Whether the attempt was made here: the `send` here has written it. Somebody inside who waits first is not seen when he
   * begins, but then it is his `send` that writes.
   */
  function isMadeHere(entry: Entry, status?: number, requestId?: string): boolean {
    const { call, ownLine } = entry
    entry.isSettled = true
    const isHere = lineSince(call, ownLine, status, requestId) !== undefined
    if (!isHere) {
      guard(entry.ctx, () => entry.attempt?.leave?.())
      entry.attempt = undefined
    }
    return isHere
  }

  function watchBody(
    entry: Entry,
    response: Response,
    line: Attempt | undefined,
    isInner: boolean,
  ): Watched | undefined {
    const { state } = entry
    const isUpstreams = line !== undefined && line.category === undefined
    const counts = isInner || (state.observations.length === entry.observed && isUpstreams)
    // Seen from outside, a failover has asked for another model.
    const request = ofModel(entry.request, line?.model, settings)
    return watch(response, { telemetry, ctx: entry.ctx, state, request, line, counts })
  }

  function settleAttempt(
    entry: Entry,
    response: Response,
    line: Attempt | undefined,
    observation: Observation | undefined,
  ): void {
    const { state, request, call } = entry
    if (line === undefined) return
    const isSeen = settings.attemptSpans && observation?.counts === true && !state.spanned.has(line)
    if (entry.attempt === undefined && !isSeen) return
    // Where it is only seen from here, its span begins in the past, and ends with its body.
    const attempt =
      entry.attempt ?? startPastAttempt(telemetry, request, state, line, call.attempts.indexOf(line))
    state.spanned.add(line)
    const outcome = outcomeOf(response, line.requestId, line.durationMs)
    line.category ??= outcome.category
    guard(entry.ctx, () => noteOutcome(attempt, outcome))
    if (observation === undefined) endAttempt(attempt)
    else endWith(attempt, observation, entry.ctx)
  }

  function endWith(attempt: OpenAttempt, observation: Observation, ctx: MiddlewareContext): void {
    observation.whenEnded((ended) => guard(ctx, () => endWithBody(attempt, ended)))
  }

  function settleRun(entry: Entry, response: Response, observation: Observation | undefined): void {
    const { run, call, state, ctx } = entry
    const { status, headers } = response
    if (run !== undefined) {
      run.target = headers.get('breakwater-served-by') ?? undefined
      observation?.whenEnded((ended) => guard(ctx, () => finish(call, state, run, endOf(ended))))
    }
    guard(ctx, () => enrich(entry, run?.target))
    if (run === undefined || observation !== undefined) return
    const errorType = status >= 400 ? typeOfStatus(status) : undefined
    conclude(entry, run, response, undefined, { errorType, at: performance.now() })
  }

  async function fail(entry: Entry, error: unknown): Promise<void> {
    const { call, state, run, ctx } = entry
    const category = await categoryOf(entry, error)
    const errorType = typeOfCategory(category)
    if (isMadeHere(entry)) state.inside++
    const line = lineSince(call, entry.firstLine)
    guard(ctx, () => failAttempt(entry, line, errorType, category))
    guard(ctx, () => enrich(entry, undefined))
    guard(ctx, () => {
      if (run !== undefined) conclude(entry, run, error, category, { errorType, at: performance.now() })
    })
    guard(ctx, () => recordOwn(entry))
  }

  async function categoryOf({ sent, ctx }: Entry, error: unknown): Promise<Category> {
    try {
      return (await classifyOutcome(error, sent, ctx))?.category ?? 'unknown'
    } catch (problem) {
      report(ctx, problem)
      return 'unknown'
    }
  }

  function failAttempt(
    { attempt, state, ctx }: Entry,
    line: Attempt | undefined,
    errorType: string,
    category: Category,
  ): void {
    if (attempt === undefined || line === undefined) return
    state.spanned.add(line)
    guard(ctx, () => noteOutcome(attempt, { errorType, category, headersMs: line.durationMs }))
    endAttempt(attempt)
  }

  /** What has come to the ledger is written by the outermost, when those inside have said what it is. */
  function recordOwn({ run, state, call }: Entry): void {
    if (run !== undefined || state.isTry) recordLedger(telemetry, call, state)
  }

  /** Ends the call, unless the SDK goes on with it. */
  function conclude(
    entry: Entry,
    run: Run,
    outcome: unknown,
    category: string | undefined,
    end: CallEnd,
  ): void {
    const { call, state, sent, ctx } = entry
    if (end.errorType !== undefined && willSdkRetry(outcome, category, sent, ctx, settings.sdkMaxRetries)) {
      state.run = undefined
      state.resumed = run
    } else {
      finish(call, state, run, end)
    }
  }

  function finish(call: Call, state: CallState, run: Run, end: CallEnd): void {
    recordLedger(telemetry, call, state)
    state.run = undefined
    endRun(telemetry, run, call, state, end)
  }

  /** Tells the SDK's span what it does not know; at the headers, as it may end before the body does. */
  function enrich({ run, state, call }: Entry, target: string | undefined): void {
    const span = state.sdk?.span
    if (settings.callSpan !== 'auto' || span === undefined || !(run !== undefined || state.isTry)) return
    if (span.isRecording()) span.setAttributes(callAttributes(call, target))
  }

  function outcomeOf(response: Response, requestId: string | undefined, headersMs: number): AttemptOutcome {
    const { status } = response
    const isFailure = status >= 400
    return {
      status,
      requestId: settings.requestIds ? requestId : undefined,
      errorType: isFailure ? typeOfStatus(status) : undefined,
      // From status and headers: the body is not read for telemetry, unless somebody inside has.
      category: isFailure ? classifyError(response).category : undefined,
      headersMs,
    }
  }

  return { arrive, fail }
}
