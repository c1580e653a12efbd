import type { Classification } from '@breakwater/classify'
import type { Logger } from '@breakwater/core'
import type { Move, Settings } from './options.ts'

/** Whether a failure moves the call, where nobody else decides. For a prompt too long the next target has been chosen to fit. */
export function movesByDefault(
  { category, fault, failover, retryAfterMs }: Classification,
  { notFound, maxRetryAfterMs }: Pick<Settings, 'notFound' | 'maxRetryAfterMs'>,
): boolean {
  if (category === 'aborted') return false
  if (failover || category === 'context_window') return true
  if (category === 'not_found') return notFound
  // Nobody waits that long here: somebody else may answer.
  return (
    retryAfterMs !== undefined &&
    retryAfterMs > maxRetryAfterMs &&
    (fault === 'traffic' || fault === 'provider')
  )
}

/** The same, asking the user where there is somewhere to go. */
export function shouldMove(
  failure: Classification,
  move: Move | undefined,
  settings: Settings,
  logger: Logger,
): boolean {
  const { when } = settings
  if (when === undefined || move === undefined || failure.category === 'aborted')
    return movesByDefault(failure, settings)
  try {
    const answer: unknown = when(failure, move)
    if (typeof answer === 'boolean') return answer
    logger.warn('[breakwater] `when` of modelFailover gave neither true nor false; the default is used')
  } catch (error) {
    logger.warn('[breakwater] `when` of modelFailover failed; the default is used', error)
  }
  return movesByDefault(failure, settings)
}

/**
 * Whether a target that was left is left alone by other calls too: not for what is wrong with this one request, and not
 * for an open circuit, which looks after itself.
 */
export function coolsDown({ category, fault }: Classification): boolean {
  return fault !== 'input' && fault !== 'caller' && category !== 'circuit_open'
}

/** Whether a failure shows that the target itself works. */
export function isAlive({ status, failover, category }: Classification): boolean {
  return status !== undefined && !failover && category !== 'circuit_open'
}
