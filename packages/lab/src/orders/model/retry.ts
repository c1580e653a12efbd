import { failure, longestMs, mostRetries, policy, type Failure } from './verdicts.ts'
import { pass, type Failed, type Inner, type Result, type World } from './world.ts'

/** By category, with jitter, never before the hint; patient waits and circuits yield to a failover outside. */
export function retry(inner: Inner, world: World, model: string, place: number): Result {
  const target = `${place} ${model}`
  const { call, random } = world
  const { sdkRetries } = call
  const earlier = call.kept.get(target)
  const kept = earlier !== undefined && earlier.sdkRetries < sdkRetries ? earlier : undefined
  if (kept?.result !== undefined) return kept.result
  const hasTarget = call.targetsLeft > 0
  const tally = kept?.tally ?? { made: new Map<string, number>(), sent: 0, cap: 0, isFreed: false }
  let before = 0
  try {
    for (;;) {
      before = world.sent.length
      const result = inner(world, model)
      if (result.kind === 'answer') return result
      if (result.isFinal === true) return giveUp(result)
      const waitMs = next(result.failure)
      if (waitMs === undefined) return giveUp(result)
      before = Infinity
      pass(world, waitMs)
    }
  } catch (limit) {
    // After a limit of somebody outside only the SDK can send again, within the same counts.
    if (limit === world.abort) throw limit
    // One that comes while the body of a failure is looked at leaves that failure.
    const late = world.looked ?? failure('timeout', { isAmbiguous: true })
    const goesOn = before === Infinity || next(late) !== undefined
    if (goesOn) call.kept.set(target, { tally, result: undefined, sdkRetries })
    else giveUp({ kind: 'failure', failure: late })
    throw limit
  }

  function giveUp({ failure }: Failed): Result {
    const final: Failed = { kind: 'failure', failure, isFinal: true }
    call.kept.set(target, { tally, result: final, sdkRetries })
    return final
  }

  function next({ category, retry, isAmbiguous, isStale, hintMs }: Failure): number | undefined {
    const { made } = tally
    if (world.sent.length > before) tally.sent++
    // Under `createFetch` the SDK's retries are calls of their own: each one request more.
    if (world.isFetch && sdkRetries > 0) return undefined
    const row = policy[category]
    if (retry === 'never' || row === undefined) return undefined
    const isCircuit = category === 'circuit_open'
    const allowed = category === 'connection' && isAmbiguous ? 1 : row.retries
    const count = made.get(category) ?? 0
    if (!isCircuit) tally.cap = Math.max(tally.cap, allowed)
    if (isStale && !tally.isFreed) {
      tally.isFreed = true
      return 0
    }
    const cap = Math.min(mostRetries, tally.cap + (tally.isFreed ? 1 : 0))
    if (count >= allowed || (!isCircuit && tally.sent > cap)) return undefined
    if (hasTarget && (isCircuit || retry === 'patient')) return undefined
    if (hintMs !== undefined && hintMs > longestMs) return undefined
    made.set(category, count + 1)
    const step = row.stepsMs?.[count]
    const ownMs =
      step === undefined
        ? random * Math.min(longestMs, (row.baseMs ?? 0) * 2 ** count)
        : step / 2 + (random * step) / 2
    const floorMs = hintMs === undefined ? 0 : Math.ceil(hintMs + random * Math.min(hintMs / 10, 3000))
    return isCircuit && hintMs !== undefined ? floorMs : Math.max(Math.floor(ownMs), floorMs)
  }
}
