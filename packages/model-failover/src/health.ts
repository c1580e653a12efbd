import type { Classification } from '@breakwater/classify'
import { attemptOf, emit } from '@breakwater/core'
import type { Lease } from './cooldowns.ts'
import { coolsDown, isAlive } from './decide.ts'
import type { Pass } from './pass.ts'
import type { Stop } from './route.ts'

/** No hint of a server keeps a target out for longer, as far as that is not what the user asks for. */
const maxHintMs = 3_600_000

/** A failure, and what has been made of it. */
export interface Verdict {
  readonly outcome: unknown
  readonly failure: Classification
  /** Whether it moves the call. */
  readonly isLeft: boolean
  /** Whether it was a closed keep-alive connection, which says nothing of the target. */
  readonly isStale: boolean
}

/** What the tries of one call tell all calls of a stop's health. */
export interface Health {
  /** Says that a stop is being tried; returns whether that is the probe that ends its cooldown. */
  enter(stop: Stop): boolean
  /** It has answered. */
  isWell(stop: Stop): void
  /** It has failed. */
  hasFailed(stop: Stop, verdict: Verdict): void
  /** Nobody knows: the caller has gone. */
  leave(): void
}

/** Makes a {@link Health}, which tells the observers what begins and ends. */
export function createHealth({ call, settings, cooldowns }: Pass): Health {
  const { onCooldown, cooldownMs } = settings
  let lease: Lease | undefined

  function tell(
    stop: Stop,
    state: 'started' | 'probing' | 'ended',
    began?: { readonly category: string; readonly cooldownMs: number },
  ): void {
    emit(call, { type: 'cooldown', target: stop.name, state, ...began }, onCooldown)
  }

  const health: Health = {
    enter(stop) {
      lease = cooldowns.enter(stop.key, performance.now())
      const isProbe = lease?.isProbe === true
      if (isProbe) tell(stop, 'probing')
      return isProbe
    },
    isWell(stop) {
      if (lease !== undefined && cooldowns.succeed(lease, performance.now())) tell(stop, 'ended')
    },
    hasFailed(stop, { outcome, failure, isLeft, isStale }) {
      const isTarget = stop.target?.respond === undefined
      if (cooldownMs > 0 && isTarget && isLeft && !isStale && coolsDown(failure)) {
        const { retryAfterMs } = failure
        const ms = retryAfterMs === undefined ? cooldownMs : Math.min(retryAfterMs, maxHintMs)
        const sentAt = attemptOf(outcome)?.startedAt ?? call.startedAt
        const failed = { name: stop.name, failure, cooldownMs: ms, sentAt }
        if (cooldowns.fail(stop.key, failed, performance.now())) {
          tell(stop, 'started', { category: failure.category, cooldownMs: ms })
        }
      } else if (isAlive(failure)) {
        health.isWell(stop)
      } else {
        health.leave()
      }
    },
    leave() {
      if (lease !== undefined) cooldowns.release(lease)
    },
  }
  return health
}
