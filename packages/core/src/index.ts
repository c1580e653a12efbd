export { copyResponse, discard, isReplayable, isResponse } from './body.ts'
export {
  activeSignal,
  callerSignal,
  callOf,
  createCallKey,
  remainingMs,
  setDeadline,
  spentSignal,
  targetsLeft,
  type Attempt,
  type AttemptReason,
  type Call,
  type CallKey,
} from './call.ts'
export { chain } from './chain.ts'
export { createFetch, isCredentialExchange, isFetchSeam, type CreateFetchOptions } from './create-fetch.ts'
export {
  describe,
  withDescription,
  type Description,
  type Place,
  type Position,
  type StackDescription,
  type Worst,
} from './describe.ts'
export type { FaultCourse, FaultReport, FaultReports } from './describe-faults.ts'
export { BreakwaterError, errorResponse, isBreakwaterError, type BreakwaterErrorDetails } from './errors.ts'
export type {
  AdmittedEvent,
  BreakerRejectedEvent,
  BreakerStateEvent,
  BreakwaterEvent,
  CooldownEvent,
  FailoverEvent,
  FailoverExhaustedEvent,
  FailureEvent,
  GateEvent,
  LearnedLimit,
  LimitsEvent,
  QueuedEvent,
  QueueLeftEvent,
  QueueRejectedEvent,
  RetryEvent,
  RetryExhaustedEvent,
  StreamCommittedEvent,
  StreamInterruptedEvent,
  TargetFailure,
  TimeoutEvent,
} from './event-types.ts'
export { emit, notify, onEvent, type EventListener } from './events.ts'
export { addHold, releaseHolds, removeHold, renewHolds, type Hold } from './holds.ts'
export type {
  CallOptions,
  Logger,
  Middleware,
  MiddlewareContext,
  MiddlewareNext,
  MiddlewareRequest,
} from './middleware.ts'
export { modelOf } from './model.ts'
export { assertFunction, assertOption } from './options.ts'
export type {
  FaultName,
  Rehearsal,
  Rehearsed,
  RehearsedHold,
  RehearsedMiddleware,
  RehearsedTarget,
  Step,
} from './rehearsal.ts'
export { attemptOf, carryAttempt, markLocal, send, type SendNote } from './send.ts'
export { linkSignal, type SignalLink } from './signal-link.ts'
export { maxTimerMs, sleep } from './sleep.ts'
export { asksForStream, isEventStream, isMessageRequest } from './streams.ts'
export { tapOf, tapped, type BodyListener, type BodyTap } from './body-tap.ts'
export type { BodyEnd } from './stream-state.ts'
export type { StreamEvent } from './event-scan.ts'
export { circuitKey, openCircuit, waitOrWake, wake, type OpenCircuit, type WakeOptions } from './wake.ts'
