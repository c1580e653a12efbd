import {
  classifyErrorEvent,
  classifyOutcome,
  parseRetryAfter,
  type Classification,
} from '@breakwater/classify'
import { isEventStream, isResponse, tapOf, tapped, type BodyEnd } from '@breakwater/core'
import type { Facts, Lease, Penalty, RateLimitStore } from './store.ts'
import { penalise, settle, type Turn } from './turn.ts'
import { bodyUsage, streamUsage, type UsageReader } from './usage.ts'

/** Settles the lease of a good answer, of a stream at its end. Returns the response to hand on. */
export function accept(turn: Turn, lease: Lease, response: Response): Response {
  const { ctx } = turn
  const { headers } = response
  // Where the SDK says that it is none it will be read as JSON: no need to look.
  const isStream = ctx.options?.stream !== false && isEventStream(response)
  settle(turn, lease, { outcome: 'accepted', headers, isOver: !isStream })
  if (!isStream && !lease.countsTokens) return response
  const watched = tapped(response)
  const tap = tapOf(watched)
  if (tap === undefined) {
    if (isStream) settle(turn, lease, { isOver: true })
    return watched
  }
  const usage = lease.countsTokens ? (isStream ? streamUsage() : bodyUsage()) : undefined
  if (isStream) abandoned.register(watched.body ?? watched, { store: turn.setting.store, lease }, lease)
  tap.add({
    onEvent: usage?.onEvent,
    onChunk: usage?.onChunk,
    onEnd(end) {
      if (isStream) abandoned.unregister(lease)
      finish(turn, lease, end, usage, watched.headers)
    },
  })
  return watched
}

/** Settles the lease of a try that failed, where it is still held. */
export async function fail(turn: Turn, outcome: unknown): Promise<void> {
  const { lease, request, ctx, call, attempts } = turn
  if (lease === undefined) return
  turn.lease = undefined
  const failure = await classifyOutcome(outcome, request, ctx)
  const response = isResponse(outcome) ? outcome : undefined
  if (failure === undefined) {
    settle(turn, lease, { outcome: 'accepted', headers: response?.headers, isOver: true })
    return
  }
  const penalty = penaltyOf(failure, response?.headers)
  const { status, requestId } = failure
  if (penalty !== undefined) penalise(turn, lease, penalty, { status, requestId })
  const isUnsent = call.attempts.length === attempts || isNeverSent(failure)
  settle(turn, lease, {
    outcome: isUnsent ? 'unsent' : 'failed',
    isFault: penalty === undefined && (failure.trips === 'failure' || failure.category === 'circuit_open'),
    headers: response?.headers,
    isOver: true,
  })
}

/**
 * A stream that is dropped unread has no end that anybody sees. Nothing of the call is kept for it: that might lead to the body, which
 * would then never go.
 */
const abandoned = new FinalizationRegistry<{ store: RateLimitStore; lease: Lease }>(
  async ({ store, lease }) => {
    try {
      await store.settle(lease, { isOver: true })
    } catch {}
  },
)

function finish(
  turn: Turn,
  lease: Lease,
  end: BodyEnd,
  usage: UsageReader | undefined,
  headers: Headers,
): void {
  const { setting, terms, request } = turn
  const tokens = usage?.tokens()
  if (tokens !== undefined && end.kind === 'complete') setting.asker.learn(terms.key, request, tokens)
  if (end.kind === 'error_event') {
    const failure = classifyErrorEvent(end.data, headers)
    const penalty = penaltyOf(failure, undefined)
    if (penalty !== undefined) penalise(turn, lease, penalty, { requestId: failure.requestId })
  }
  const facts: Facts = { tokens, isOver: true }
  settle(turn, lease, facts)
}

/** What a failure says of the limits; `undefined` for one that says nothing. */
function penaltyOf(failure: Classification, headers: Headers | undefined): Penalty | undefined {
  const { category, code, status } = failure
  if (category === 'overloaded') return { category, retryAfterMs: undefined }
  // Those of our own have the category of what they stand for.
  if (category !== 'rate_limit' || code === 'queue_full' || code === 'queue_wait') return undefined
  if (status !== undefined && status !== 429) return undefined
  // A quota of hours or days is no matter of pace.
  if (headers?.get('anthropic-ratelimit-unified-status')?.trim() === 'rejected') return undefined
  return { category, retryAfterMs: headers === undefined ? failure.retryAfterMs : parseRetryAfter(headers) }
}

/** Whether the API cannot have seen a request. */
function isNeverSent({ category, replay }: Classification): boolean {
  return category === 'connection' && replay === 'safe'
}
