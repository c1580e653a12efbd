import { maxTimerMs } from '@breakwater/core'
import { expectedMs, type Ahead } from './expect.ts'
import { admit, blockedMs, tokensOf, type Limiter } from './limiter.ts'
import { insert, placeOf, rankOf, type Waiter } from './queue.ts'
import type { Lease, Need, Refusal, TokenCount } from './store.ts'

/** A waiter looks for itself no sooner than this, at the head of the queue and behind. */
export const headWatchMs = 50
const watchMs = 500

/** A turn for a call: at once where nobody waits and nothing is in the way, else a promise of one, or why there is none. */
export function enter(limiter: Limiter, need: Need, now: number): Lease | Refusal | Promise<Lease | Refusal> {
  const tokens = tokensOf(limiter, need)
  const { queue } = limiter
  if (queue.length === 0 && blockedMs(limiter, need.rules, tokens, now) === 0) {
    return admit(limiter, need.rules, tokens, now)
  }
  if (need.signal?.aborted === true) return refusal(limiter, 'aborted', undefined)
  const rank = rankOf(need.since ?? now, need.priority)
  const place = placeOf(queue, rank)
  const ahead = aheadAt(queue, place)
  const expected = expectedMs(limiter, need.rules, tokens, ahead, now)
  const isFull = queue.length >= need.rules.maxQueue
  // Who comes with a higher priority takes the place of the last one.
  if (isFull && place === queue.length) return refusal(limiter, 'queue_full', expected)
  if (expected > need.maxWaitMs || need.maxWaitMs <= 0) return refusal(limiter, 'wait', expected)
  if (isFull) queue.pop()?.settle(refusal(limiter, 'queue_full', undefined))
  return new Promise((settle) => {
    const waiter = stand({ rank, tokens, need, settle }, limiter, now)
    insert(queue, waiter)
    watch(limiter, waiter, place, expected, now)
    need.onQueue({ reason: limiter.reason, queueLength: queue.length, expectedWaitMs: Math.ceil(expected) })
    limiter.expiresAt = Math.min(limiter.expiresAt, waiter.expiresAt)
    advance(limiter, now)
  })
}

/** Lets all go whose turn it is, and sees to it that somebody looks again. */
export function advance(limiter: Limiter, now: number): void {
  const { queue } = limiter
  let next = 0
  for (let waiter = queue[0]; waiter !== undefined; waiter = queue[0]) {
    next = blockedMs(limiter, waiter.need.rules, waiter.tokens, now)
    if (next > 0) break
    queue.shift()
    leave(waiter)
    waiter.settle(admit(limiter, waiter.need.rules, waiter.tokens, now))
  }
  // Who was behind one that has gone may need less.
  const isExpired = now >= limiter.expiresAt && dismiss(limiter, now, ({ expiresAt }) => now >= expiresAt)
  if (isExpired) return advance(limiter, now)
  if (limiter.queue.length === 0) rest(limiter)
  else arm(limiter, Math.min(now + next, limiter.expiresAt), now)
}

/** Refuses those who can no longer be served in time: what is in the way has become more. */
export function shed(limiter: Limiter, now: number): void {
  dismiss(limiter, now, ({ expiresAt }, expected) => now + expected > expiresAt)
}

/** Estimates the tokens of all who wait anew: a limit of tokens has become known. */
export function estimate(limiter: Limiter): void {
  for (const waiter of limiter.queue) waiter.tokens = tokensOf(limiter, waiter.need)
}

function stand(
  parts: Pick<Waiter, 'rank' | 'tokens' | 'need' | 'settle'>,
  limiter: Limiter,
  now: number,
): Waiter {
  const { need, settle } = parts
  const { signal, maxWaitMs } = need
  const expiresAt = now + maxWaitMs
  const waiter: Waiter = Object.assign(parts, { since: now, expiresAt, onAbort: undefined, timer: undefined })
  if (signal === undefined) return waiter
  waiter.onAbort = () => {
    const index = limiter.queue.indexOf(waiter)
    if (index < 0) return
    limiter.queue.splice(index, 1)
    leave(waiter)
    settle(refusal(limiter, 'aborted', undefined))
    advance(limiter, performance.now())
  }
  signal.addEventListener('abort', waiter.onAbort, { once: true })
  return waiter
}

/** Ends the waits of those whom `isOut` picks, by how long they would have to wait behind those who stay; returns whether there were any. */
function dismiss(
  limiter: Limiter,
  now: number,
  isOut: (waiter: Waiter, expected: number) => boolean,
): boolean {
  const { queue } = limiter
  const ahead: Ahead = { calls: 0, input: 0, output: 0 }
  const kept: Waiter[] = []
  const out: [waiter: Waiter, expected: number][] = []
  let soonest = Infinity
  for (const waiter of queue) {
    const { need, tokens, expiresAt } = waiter
    const expected = expectedMs(limiter, need.rules, tokens, ahead, now)
    if (isOut(waiter, expected)) {
      out.push([waiter, expected])
    } else {
      kept.push(waiter)
      join(ahead, tokens)
      soonest = Math.min(soonest, expiresAt)
    }
  }
  limiter.expiresAt = soonest
  if (out.length > 0) limiter.queue = kept
  for (const [waiter, expected] of out) {
    leave(waiter)
    waiter.settle(refusal(limiter, 'wait', expected))
  }
  return out.length > 0
}

/**
 * Each waiter looks for itself as well, at about its turn: in a worker a timer ends with the request that has set it, and
 * a request that waits without one of its own is ended.
 */
function watch(limiter: Limiter, waiter: Waiter, place: number, expected: number, now: number): void {
  const { need, tokens, expiresAt } = waiter
  const leastMs = place === 0 ? headWatchMs : watchMs
  const look = (): void => {
    const then = performance.now()
    advance(limiter, then)
    const left = limiter.queue.indexOf(waiter)
    if (left < 0) return
    const ahead = aheadAt(limiter.queue, left)
    watch(limiter, waiter, left, expectedMs(limiter, need.rules, tokens, ahead, then), then)
  }
  waiter.timer = setTimeout(
    look,
    Math.ceil(Math.min(Math.max(expected, leastMs), expiresAt - now, maxTimerMs)),
  )
}

function leave(waiter: Waiter): void {
  clearTimeout(waiter.timer)
  if (waiter.onAbort !== undefined) waiter.need.signal?.removeEventListener('abort', waiter.onAbort)
  waiter.onAbort = undefined
}

/** One timer for all who wait. */
function arm(limiter: Limiter, at: number, now: number): void {
  if (at === Infinity || (limiter.timer !== undefined && limiter.timerAt === at)) return
  clearTimeout(limiter.timer)
  limiter.timerAt = at
  limiter.timer = setTimeout(
    () => {
      limiter.timer = undefined
      advance(limiter, performance.now())
    },
    Math.min(Math.ceil(at - now), maxTimerMs),
  )
}

function rest(limiter: Limiter): void {
  limiter.expiresAt = Infinity
  if (limiter.timer === undefined) return
  clearTimeout(limiter.timer)
  limiter.timer = undefined
}

function aheadAt(queue: readonly Waiter[], place: number): Ahead {
  const ahead: Ahead = { calls: 0, input: 0, output: 0 }
  for (let index = 0; index < place; index++) {
    const waiter = queue[index]
    if (waiter !== undefined) join(ahead, waiter.tokens)
  }
  return ahead
}

function join(ahead: Ahead, { input, output }: TokenCount): void {
  ahead.calls++
  ahead.input += input
  ahead.output += output
}

function refusal(limiter: Limiter, reason: Refusal['reason'], expected: number | undefined): Refusal {
  // Without a place held before, nobody knows how long one is.
  const isKnown = expected !== undefined && expected > 0
  return {
    granted: false,
    reason,
    queueLength: limiter.queue.length,
    expectedWaitMs: isKnown ? Math.ceil(expected) : undefined,
  }
}
