import { classifyOutcome } from '@breakwater/classify'
import {
  activeSignal,
  callOf,
  createCallKey,
  discard,
  emit,
  isBreakwaterError,
  modelOf,
  tapOf,
  tapped,
  type Attempt,
  type BodyTap,
  type Call,
  type MiddlewareContext,
  type MiddlewareRequest,
  type StreamCommittedEvent,
  type StreamInterruptedEvent,
} from '@breakwater/core'
import { errorEventFacts, failingResponse, type StreamFault } from './failing-response.ts'
import { hold, type HoldEnd, type HoldLimits } from './hold.ts'
import { StreamInterruptedError } from './stream-interrupted-error.ts'
import { watchStream, type CommitPoint, type Interruption } from './stream-watch.ts'

/** How a stream is guarded. */
export interface GuardSettings {
  readonly commit: CommitPoint
  readonly limits: HoldLimits
  readonly acceptStopReason: boolean
  readonly maxPartialBytes: number
  readonly onCommit: ((event: StreamCommittedEvent) => void) | undefined
  readonly onInterrupt: ((event: StreamInterruptedEvent) => void) | undefined
}

/** The stream of the call that a guard watches already: a second one leaves it alone. */
const guarded = createCallKey<BodyTap>('stream-guard.tap')

/** Holds a stream until its commit point, and returns it, or the failing response that it turns out to be. */
export async function guardedResponse(
  response: Response,
  request: MiddlewareRequest,
  ctx: MiddlewareContext,
  settings: GuardSettings,
): Promise<Response> {
  const { commit, limits, acceptStopReason, maxPartialBytes, onCommit, onInterrupt } = settings
  const call = callOf(request, ctx)
  const startedAt = performance.now()
  const requestId = response.headers.get('request-id') ?? undefined
  const attempt = attemptOf(call, response, requestId)
  const model = attempt === undefined ? modelOf(request, ctx) : attempt.model

  const stream = tapped(response)
  const tap = tapOf(stream)
  if (tap === undefined) return fail({ reason: 'empty' })
  if (guarded.get(call) === tap) return stream
  guarded.set(call, tap)

  const watch = watchStream(tap, {
    commit,
    acceptStopReason,
    maxPartialBytes,
    isExpected,
    onInterrupt: interrupt,
  })
  tap.add(watch)
  if (commit === 'headers') {
    committed('headers')
    return stream
  }
  let end: HoldEnd
  try {
    end = await hold(tap, limits, () => watch.isCommitted || watch.fault !== undefined)
  } catch (error) {
    if (isExpected(error)) throw error
    return fail({ reason: 'cut' })
  }
  // What has been let go cannot be taken back, though the same chunk may bring the fault that ends it.
  if (!watch.isCommitted) {
    const fault = watch.fault ?? (end === 'ended' ? watch.faultOfEnd() : undefined)
    if (fault !== undefined) return fail(fault)
  }
  watch.isCommitted = true
  committed(end === 'max_time' || end === 'max_bytes' ? end : commit)
  return stream

  function isExpected(error: unknown): boolean {
    return isBreakwaterError(error) || activeSignal(request, ctx)?.aborted === true
  }

  function committed(reason: StreamCommittedEvent['reason']): void {
    const heldMs = performance.now() - startedAt
    emit(call, { type: 'stream_committed', reason, heldMs, model, requestId }, onCommit)
  }

  function interrupted(
    category: string,
    committed: boolean,
    { reason, deliveredEvents = 0, deliveredCharacters = 0 }: StreamFault & Partial<Interruption>,
  ): void {
    emit(
      call,
      {
        type: 'stream_interrupted',
        category,
        reason,
        committed,
        deliveredEvents,
        deliveredCharacters,
        model,
        requestId,
      },
      onInterrupt,
    )
  }

  function interrupt(interruption: Interruption): StreamInterruptedError {
    if (attempt !== undefined) attempt.category = 'stream_interrupted'
    interrupted('stream_interrupted', true, interruption)
    const { reason, data } = interruption
    const facts = reason === 'error_event' ? errorEventFacts(data, response) : undefined
    return new StreamInterruptedError({ requestId, ...interruption, ...facts })
  }

  /** What the stream would have been had it failed before its headers. */
  async function fail(fault: StreamFault): Promise<Response> {
    // Who listens inside takes the end of a body that nobody reads on for the reader's own; this one is the stream's.
    if (fault.reason === 'malformed' || fault.reason === 'tool_input') {
      const error = new StreamInterruptedError({
        requestId,
        ...fault,
        deliveredEvents: 0,
        deliveredCharacters: 0,
      })
      tap?.fail(error)
    } else discard(stream)
    const failing = failingResponse(response, fault)
    const category = (await classifyOutcome(failing, request, ctx))?.category ?? 'unknown'
    if (attempt !== undefined) attempt.category = category
    interrupted(category, false, fault)
    return failing
  }
}

/** The ledger's line of the attempt: the last one that it can be, as others may run at the same time. */
function attemptOf(call: Call, { status }: Response, requestId: string | undefined): Attempt | undefined {
  return call.attempts.findLast((attempt) => attempt.status === status && attempt.requestId === requestId)
}
