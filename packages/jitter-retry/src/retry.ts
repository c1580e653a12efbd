import { classifyOutcome, isStaleSocket, type Classification } from '@breakwater/classify'
import {
  activeSignal,
  callerSignal,
  discard,
  emit,
  isFetchSeam,
  isReplayable,
  isResponse,
  openCircuit,
  releaseHolds,
  remainingMs,
  renewHolds,
  send,
} from '@breakwater/core'
import pRetry from 'p-retry'
import { decide } from './decide.ts'
import { exhaustedEvent, retryEvent } from './events.ts'
import { finalsSoFar, isFinal } from './final.ts'
import { countRetries, sdkRetries } from './retry-count.ts'
import type { Run } from './run.ts'
import { wait } from './wait.ts'

/** What a call came to, and what is to become of it. */
export interface Ending {
  readonly outcome: unknown
  /** `pass`: a success, or final already. `leave`: a failure that only the SDK can retry. `end`: make it final. */
  readonly fate: 'pass' | 'leave' | 'end'
}

/** All that p-retry sees of a failure: it takes apart what it gets, and retries no value that is not an error. */
const failed = new Error('A try has failed; what came of it is kept beside.')

/** Goes on from a first try that came to `first`. Rejects only on an abort, with the reason of the signal. */
export async function retry(first: unknown, run: Run): Promise<Ending> {
  const { request, next, ctx, call, tally, settings } = run
  let { attemptsBefore, finalsBefore } = run
  let outcome = first
  let fate: Ending['fate'] = 'end'
  let waitMs = 0

  async function tryAgain(attempt: number): Promise<void> {
    if (attempt === 1) throw failed
    attemptsBefore = call.attempts.length
    finalsBefore = finalsSoFar()
    const sent = countRetries(request, tally)
    try {
      const renewing = renewHolds(call, sent)
      if (renewing !== undefined) waitMs += await renewing
      const response = await send(sent, next, ctx, { reason: 'retry', waitMs })
      outcome = response
      if (response.status < 400) return
    } catch (error) {
      outcome = error
    }
    throw failed
  }

  async function shouldRetry(): Promise<boolean> {
    const failure = await classifyOutcome(outcome, request, ctx)
    throwIfAborted(outcome, run)
    if (failure === undefined) return false
    // An open circuit and a full queue send nothing, unless a failover behind us has tried another target first.
    if (call.attempts.length > attemptsBefore) tally.sent++
    if (isFinal(outcome, finalsBefore)) fate = 'pass'
    if (fate === 'pass' || isOver(failure, run)) return false
    const circumstances = {
      isReplayable: isReplayable(request.body),
      isStale: isStaleSocket(outcome),
      hasTarget: run.hasTarget,
      remainingMs: remainingMs(call),
      openMs: openMsOf(run, attemptsBefore),
    }
    const decision = decide(failure, circumstances, tally, settings)
    if (!decision.retry) {
      if (decision.reason !== undefined) emit(call, exhaustedEvent(failure, decision.reason, run))
      return false
    }
    // The SDK's timer has aborted the signal that all tries share. Where no `timeout` inside gives them another, only a
    // retry of the SDK gets a new one.
    if (activeSignal(request, ctx)?.aborted === true) {
      fate = 'leave'
      return false
    }
    emit(call, retryEvent(failure, decision, run), run.onRetry)
    await releaseHolds(call, outcome)
    if (isResponse(outcome)) discard(outcome)
    waitMs = await wait(failure, decision, run)
    tally.waitedMs += waitMs
    return true
  }

  try {
    // p-retry is the loop alone: which failures are retried, how often and after which wait is decided in
    // `shouldRetry`. All options are given, as on Node 20 it takes 8 µs to fill up an object that lacks some.
    await pRetry(tryAgain, {
      retries: 1000,
      factor: 1,
      minTimeout: 0,
      maxTimeout: 0,
      maxRetryTime: Infinity,
      randomize: false,
      unref: false,
      signal: undefined,
      onFailedAttempt: nothing,
      shouldConsumeRetry: always,
      shouldRetry,
    })
    settings.budget?.succeed(tally.charged)
    fate = 'pass'
  } catch (error) {
    if (error !== failed) throw error
  }
  return { outcome, fate }
}

/** For how long the circuit of a try that has failed is open after that; `undefined` where it is not, or others were tried too. */
function openMsOf({ call }: Run, attemptsBefore: number): number | undefined {
  const circuit = openCircuit.get(call)
  const { length } = call.attempts
  if (circuit === undefined || circuit.attempts !== length || length !== attemptsBefore + 1) return undefined
  const openMs = circuit.until - performance.now()
  return openMs > 0 ? openMs : undefined
}

/** Whether there is nothing to decide: another try cannot help, or is somebody else's. */
function isOver(failure: Classification, { request, ctx }: Run): boolean {
  // `createFetch` under the SDK: its retries are new calls here, and each of ours would multiply with them.
  if (isFetchSeam(ctx) && (sdkRetries(request) ?? 0) > 0) return true
  // The response that stands for an open circuit says `x-should-retry: false` to the SDK, not to us.
  const isCircuit = failure.category === 'circuit_open' && failure.status === 503
  return failure.retry === 'never' && !isCircuit
}

function throwIfAborted(outcome: unknown, { request, ctx }: Run): void {
  const signal = callerSignal(request, ctx)
  if (signal?.aborted !== true) return
  if (isResponse(outcome)) discard(outcome)
  signal.throwIfAborted()
}

function nothing(): void {}

function always(): boolean {
  return true
}
