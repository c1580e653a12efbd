import {
  activeSignal,
  BreakwaterError,
  callerSignal,
  emit,
  modelOf,
  remainingMs,
  targetsLeft,
  type Call,
  type MiddlewareContext,
  type MiddlewareRequest,
} from '@breakwater/core'
import type { Asker, Terms } from './ask.ts'
import type { Settings } from './options.ts'
import { queueFull, queueWait } from './queue-error.ts'
import type { Change, Eventually, Facts, Lease, Need, Penalty, Refusal } from './store.ts'

/** What all calls of one `rateLimit` have in common. */
export interface Setting extends Settings {
  readonly asker: Asker
  /** Whether it was logged that the store fails. */
  isWarned: boolean
}

/** One call at the limits. */
export interface Turn {
  readonly setting: Setting
  readonly call: Call
  readonly ctx: MiddlewareContext
  /** What the lease is for. */
  request: MiddlewareRequest
  terms: Terms
  lease: Lease | undefined
  /** Lines of the ledger when the lease was given. */
  attempts: number
}

/** Stands for an abort in the queue: none of `send` takes it for an attempt. */
export const left: BreakwaterError = new BreakwaterError('The call has left the queue.', {
  code: 'queue_left',
  category: 'aborted',
})

/**
 * Takes a lease for the request of a turn; a promise of the milliseconds that it took, where it has to wait. Rejects, or throws where that is
 * clear at once, with the error of the queue, or with {@link left}. Where the store fails there is no lease, and the call goes on.
 */
export function takeLease(turn: Turn): Promise<number> | undefined {
  const { setting, terms, call, ctx, request } = turn
  const { maxWaitMs, maxWaitToMoveMs, asker, observers, store } = setting
  const { key, rules } = terms
  const leftMs = remainingMs(call)
  // Who can go elsewhere does not stand in a queue for long.
  const moveMs = (targetsLeft.get(call) ?? 0) > 0 ? maxWaitToMoveMs : Infinity
  const need: Need = {
    rules,
    maxWaitMs: Math.min(maxWaitMs, leftMs, moveMs),
    priority: asker.priorityOf(request, ctx),
    since: call.startedAt,
    estimate: () => asker.tokensOf(key, request, ctx),
    signal: activeSignal(request, ctx) ?? callerSignal(request, ctx),
    onQueue({ reason, queueLength, expectedWaitMs }) {
      const model = modelOf(request, ctx)
      emit(call, { type: 'queued', key, reason, queueLength, expectedWaitMs, model }, observers.onQueue)
    },
  }
  turn.attempts = call.attempts.length
  let found: Eventually<Lease | Refusal>
  try {
    found = store.acquire(key, need)
  } catch (error) {
    warn(turn, error)
    return undefined
  }
  const hasDeadline = leftMs < Math.min(maxWaitMs, moveMs)
  if ('then' in found) return wait(turn, found, need, hasDeadline)
  if (!found.granted) throw refused(turn, found, undefined, hasDeadline)
  hold(turn, found)
  return undefined
}

/** Tells the store what has become of the lease. */
export function settle(turn: Turn, lease: Lease, facts: Facts): void {
  try {
    const change = turn.setting.store.settle(lease, facts)
    if (change !== undefined) follow(turn, change)
  } catch (error) {
    warn(turn, error)
  }
}

/** Tells the store that the API has refused the request of the lease, by a failure of that category. */
export function penalise(turn: Turn, lease: Lease, penalty: Penalty, answer: Answer): void {
  try {
    const change = turn.setting.store.penalise(lease, penalty)
    if (change !== undefined) follow(turn, change, { category: penalty.category, ...answer })
  } catch (error) {
    warn(turn, error)
  }
}

/** What is known of a failure. */
export interface Answer {
  readonly category?: string | undefined
  readonly status?: number | undefined
  readonly requestId?: string | undefined
}

async function wait(
  turn: Turn,
  found: Promise<Lease | Refusal>,
  { signal }: Need,
  hasDeadline: boolean,
): Promise<number> {
  const { setting, terms, call, ctx, request } = turn
  const from = performance.now()
  let outcome: Lease | Refusal
  try {
    outcome = await found
  } catch (error) {
    warn(turn, error)
    return performance.now() - from
  }
  const waitMs = performance.now() - from
  if (!outcome.granted) throw refused(turn, outcome, waitMs, hasDeadline)
  const { queueLength } = outcome
  const { key } = terms
  const model = modelOf(request, ctx)
  if (signal?.aborted === true) {
    settle(turn, outcome, { outcome: 'unsent', isOver: true })
    emit(call, { type: 'queue_left', key, waitMs, queueLength, model }, setting.observers.onLeave)
    throw left
  }
  emit(call, { type: 'admitted', key, waitMs, queueLength, model }, setting.observers.onAdmit)
  hold(turn, outcome)
  return waitMs
}

function hold(turn: Turn, lease: Lease): void {
  turn.lease = lease
  if (!lease.isFirst) return
  const { setting, terms, call } = turn
  emit(call, { type: 'gate', key: terms.key, state: 'reopening' }, setting.observers.onGate)
}

/** Tells of a refusal, and makes the error of it. */
function refused(
  { setting, terms, call, ctx, request }: Turn,
  { reason, queueLength, expectedWaitMs }: Refusal,
  waitMs: number | undefined,
  hasDeadline: boolean,
): BreakwaterError {
  const { key } = terms
  const { onLeave, onReject } = setting.observers
  const model = modelOf(request, ctx)
  if (reason === 'aborted') {
    emit(call, { type: 'queue_left', key, waitMs: waitMs ?? 0, queueLength, model }, onLeave)
    return left
  }
  const why = reason === 'queue_full' ? reason : hasDeadline ? 'deadline' : 'max_wait'
  emit(
    call,
    { type: 'queue_rejected', key, reason: why, queueLength, expectedWaitMs, waitMs, model },
    onReject,
  )
  const details = { key, queueLength, expectedWaitMs }
  return why === 'queue_full' ? queueFull(details) : queueWait({ ...details, reason: why })
}

/** Tells what has changed, at once or when the store knows. */
function follow(turn: Turn, change: Change | Promise<Change | undefined>, answer?: Answer): void {
  if ('then' in change) {
    change.then(
      (later) => tell(turn, later, answer),
      (error: unknown) => warn(turn, error),
    )
  } else {
    tell(turn, change, answer)
  }
}

function tell({ setting, terms, call }: Turn, change: Change | undefined, answer: Answer = {}): void {
  if (change === undefined) return
  const { key } = terms
  const { limits, gate, closedMs } = change
  if (limits !== undefined) emit(call, { type: 'limits', key, limits }, setting.observers.onLimits)
  if (gate === undefined) return
  const { category, status, requestId } = gate === 'closed' ? answer : {}
  const event = { type: 'gate', key, state: gate, closedMs, category, status, requestId } as const
  emit(call, event, setting.observers.onGate)
}

function warn({ setting, ctx }: Turn, error: unknown): void {
  if (setting.isWarned) return
  setting.isWarned = true
  ctx.logger.warn('[breakwater] the store of rateLimit has failed: calls go on without a limit', error)
}
