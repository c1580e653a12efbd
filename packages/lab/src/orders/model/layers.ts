import type { Part } from '../stack.ts'
import { circuit, limits } from '../settings.ts'
import { failover } from './failover.ts'
import { retry } from './retry.ts'
import { failure, type Failure } from './verdicts.ts'
import { circuitOpen, pass, type Inner, type Layer, type Limit, type Result, type World } from './world.ts'

const defaultHoldMs = 30_000

const through: Layer = (inner, world, model) => inner(world, model)

/** Section 4 of the design, and what the README of each package adds to it. */
export const layers: Readonly<Record<Part, Layer>> = {
  classify: through,
  otel: through,
  rateLimit: through,
  retry,
  breaker,
  failover,
  guard,
  timeout,
}

/** Refuses while the circuit of the model is open; counts what is the provider's, by its end. */
function breaker(inner: Inner, world: World, model: string, place: number): Result {
  const key = `${place} ${model}`
  const state = world.circuits.get(key) ?? { failures: 0, successes: 0, openUntil: undefined }
  world.circuits.set(key, state)
  const { openUntil } = state
  if (openUntil !== undefined && world.now < openUntil)
    return { kind: 'failure', failure: circuitOpen(openUntil - world.now) }

  function count(failed: Failure | undefined): void {
    if (failed === undefined) {
      if (openUntil !== undefined) Object.assign(state, { failures: 0, successes: 0, openUntil: undefined })
      else state.successes++
      return
    }
    if (!failed.trips) return
    state.failures++
    const all = state.failures + state.successes
    if (openUntil !== undefined || (all >= circuit.volumeThreshold && state.failures * 2 >= all))
      state.openUntil = world.now + Math.min(failed.hintMs ?? circuit.resetMs, 3_600_000)
    if (state.openUntil !== undefined)
      world.call.openCircuit = { until: state.openUntil, sent: world.sent.length }
  }

  try {
    const result = inner(world, model)
    if (result.kind === 'failure') count(result.failure)
    else if (result.stream?.how === 'stall') return { ...result, onEnd: count }
    else count(result.stream && endOf(result.stream, world))
    return result
  } catch (limit) {
    // The caller's abort says nothing of the provider; a limit does.
    if (limit !== world.abort) count(world.looked ?? failure('timeout'))
    throw limit
  }
}

/** What a breaker makes of a broken stream: of a body that is none it sees the headers. */
function endOf(
  { how, failure: found, hasStopReason }: NonNullable<Extract<Result, { kind: 'answer' }>['stream']>,
  { fault }: World,
): Failure | undefined {
  if (fault.isStream !== true || (how === 'truncated' && hasStopReason)) return undefined
  return how === 'error' ? found : failure('stream_interrupted')
}

/** A failure before the content becomes a response; one after it ends the stream with an error. */
function guard(inner: Inner, world: World, model: string): Result {
  const result = inner(world, model)
  if (result.kind === 'failure' || result.stream?.at !== 'preamble' || world.fault.isStream !== true)
    return result
  if (result.stream.how !== 'stall') return { kind: 'failure', failure: result.stream.failure }
  const { endsAt = Infinity, onEnd } = result
  const { holdMs = defaultHoldMs } = world.fault
  const late = failure('timeout', { isAmbiguous: true })
  try {
    pass(world, Math.min(holdMs, endsAt - world.now))
  } catch (limit) {
    if (limit !== world.abort) onEnd?.(late)
    throw limit
  }
  if (world.now < endsAt) return result
  onEnd?.(late)
  return { kind: 'failure', failure: late }
}

/** A limit ends all that is inside of it. */
function timeout(inner: Inner, world: World, model: string): Result {
  const limit: Limit = { at: world.now + limits.attemptMs }
  const [firstTokenAt, idleAt] = [world.now + limits.firstTokenMs, world.now + limits.idleMs]
  world.limits.push(limit)
  try {
    const result = inner(world, model)
    if (result.kind === 'failure' || result.stream?.how !== 'stall') return result
    return { ...result, endsAt: result.stream.hasBegun ? idleAt : firstTokenAt }
  } catch (reached) {
    if (reached !== limit) throw reached
    return { kind: 'failure', failure: failure('timeout', { isAmbiguous: true }) }
  } finally {
    world.limits.splice(world.limits.indexOf(limit), 1)
  }
}
