import {
  send,
  type Call,
  type MiddlewareContext,
  type MiddlewareNext,
  type MiddlewareRequest,
} from '@breakwater/core'
import { context, type Context } from '@opentelemetry/api'
import { parentOf, startAttempt, type OpenAttempt } from './attempts.ts'
import { createRequestReader } from './call-request.ts'
import type { CallState, Owner } from './call-state.ts'
import { lateContext, withoutBaggage } from './contexts.ts'
import { recordLedger } from './ledger.ts'
import { createHearing } from './listen.ts'
import { openRun } from './run.ts'
import { createSettler, type Entry } from './settle.ts'
import type { Telemetry } from './telemetry.ts'
import { planHeaders, withTraceHeaders, type Injector } from './trace-headers.ts'

/** Makes what keeps the telemetry of the calls that an instance is the first to see. */
export function createOwner(telemetry: Telemetry): Owner {
  const { settings, guard, provider } = telemetry
  const readRequest = createRequestReader(settings)
  const { arrive, fail } = createSettler(telemetry)
  let injector: Injector = 'unknown'

  function enter(request: MiddlewareRequest, ctx: MiddlewareContext, call: Call, state: CallState): Entry {
    const facts = readRequest(request, ctx)
    state.request = facts
    recordLedger(telemetry, call, state)
    const isOutermost = state.run === undefined && !state.isTry
    if (isOutermost) {
      state.run = state.resumed ?? openRun(telemetry, facts, ctx, state)
      state.resumed = undefined
    }
    const plan = planHeaders(request, settings, injector)
    // Inside another `otel` this is the innermost, in all but odd stacks: the header can name the attempt.
    const isInner = settings.attemptSpans && !isOutermost && state.run !== undefined
    const isNamed = isInner && plan?.isKept === true
    const attempt = isNamed ? guard(ctx, () => startAttempt(telemetry, facts, call, state)) : undefined
    return {
      call,
      state,
      ctx,
      sent: plan === undefined ? request : withTraceHeaders(request, plan, attempt?.span),
      request: facts,
      run: isOutermost ? state.run : undefined,
      firstLine: call.attempts.length,
      observed: state.observations.length,
      inside: state.inside,
      frame: undefined,
      attempt,
      ownLine: call.attempts.length,
      isCarried: false,
      isSettled: false,
    }
  }

  /** Sends in the context of the attempt, or of the call where the attempts are made further inside. */
  function sendWithin(entry: Entry, next: MiddlewareNext): Promise<Response> {
    const { call, ctx, sent } = entry
    const sendIt = (): Promise<Response> =>
      send(
        sent,
        (request) => {
          entry.frame = call.frame
          const answer = next(request)
          const note = (): void => void (entry.ownLine = call.attempts.length)
          // Before the `send` here, which is told after this.
          answer.then(note, note)
          return answer
        },
        ctx,
      )
    const late = guard(ctx, () => contextOf(entry))
    let outcome: Promise<Response> | undefined
    if (late !== undefined) {
      guard(ctx, () =>
        context.with(late, () => {
          entry.isCarried = context.active() === late
          outcome = sendIt()
        }),
      )
    }
    outcome ??= sendIt()
    attemptOf(entry)
    return outcome
  }

  /**
   * The context of what is inside. In a scope of its own: whatever is asynchronous in there keeps it, and must not keep
   * the answer with it.
   */
  function contextOf(entry: Entry): Context {
    const active = context.active()
    const base = settings.keepBaggage ? active : withoutBaggage(active)
    return lateContext(
      base,
      () => attemptOf(entry)?.span ?? parentOf(entry.state),
      () => (injector = 'present'),
    )
  }

  /** The attempt that is made here; `undefined` where another `send` has begun inside. */
  function attemptOf(entry: Entry): OpenAttempt | undefined {
    if (!settings.attemptSpans || entry.isSettled) return entry.attempt
    if (entry.frame?.outer !== true) {
      entry.attempt ??= guard(entry.ctx, () =>
        startAttempt(telemetry, entry.request, entry.call, entry.state),
      )
    } else if (entry.attempt !== undefined) {
      entry.attempt.leave?.()
      entry.attempt = undefined
    }
    return entry.attempt
  }

  const owner: Owner = {
    provider,
    hear: createHearing(telemetry, () => owner),
    async pass(request, next, ctx, call, state) {
      const entry = guard(ctx, () => enter(request, ctx, call, state))
      if (entry === undefined) return send(request, next, ctx)
      let response: Response
      try {
        response = await sendWithin(entry, next)
      } catch (error) {
        await fail(entry, error)
        throw error
      }
      // Nobody below has made a span while the request went out.
      if (entry.isCarried && injector === 'unknown') injector = 'absent'
      return arrive(entry, response)
    },
  }
  return owner
}
