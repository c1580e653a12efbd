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

  function next({ category, retry, failover, isAmbiguous, isStale, hintMs }: Failure): number | undefined {
    const { made } = tally
    const sent = world.sent.length - before
    if (sent > 0) tally.sent++
    // Under `createFetch` the SDK's retries are calls of their own: each one request more.
    if (world.isFetch && sdkRetries > 0) return undefined
    const row = policy[category]
    if (retry === 'never' || row === undefined) return undefined
    const isRefused = category === 'circuit_open'
    // A try that has left its circuit open waits for it, as one that is refused; what may have been billed does not.
    const { openCircuit } = call
    const isLeftOpen = sent === 1 && openCircuit?.sent === world.sent.length && openCircuit.until > world.now
    const waits = isLeftOpen && !isStale && !isAmbiguous && (failover || !hasTarget)
    const isCircuit = isRefused || waits
    const counted = waits ? 'circuit_open' : category
    const allowed =
      category === 'connection' && isAmbiguous ? 1 : ((waits ? policy['circuit_open'] : row)?.retries ?? 0)
    const count = made.get(counted) ?? 0
    if (waits) tally.cap = mostRetries
    else if (!isRefused) tally.cap = Math.max(tally.cap, allowed)
    if (isStale && !tally.isFreed) {
      tally.isFreed = true
      return 0
    }
    const cap = Math.min(mostRetries, tally.cap + (tally.isFreed ? 1 : 0))
    if (count >= allowed || (!isRefused && tally.sent > cap)) return undefined
    if (hasTarget && failover && (isCircuit || retry === 'patient')) return undefined
    const openMs = waits && openCircuit !== undefined ? openCircuit.until - world.now : 0
    const floor = waits ? Math.max(openMs, hintMs ?? 0) : hintMs
    if (floor !== undefined && floor > longestMs) return undefined
    made.set(counted, count + 1)
    const index = waits ? tally.sent - 1 : count
    const step = row.stepsMs?.[Math.min(index, row.stepsMs.length - 1)]
    const ownMs =
      step === undefined
        ? random * Math.min(longestMs, (row.baseMs ?? 0) * 2 ** index)
        : step / 2 + (random * step) / 2
    const floorMs = floor === undefined ? 0 : Math.ceil(floor + random * Math.min(floor / 10, 3000))
    return isRefused && hintMs !== undefined ? floorMs : Math.max(Math.floor(ownMs), floorMs)
  }
}
