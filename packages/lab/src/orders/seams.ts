import type { Setting } from './model/predict.ts'
import type { Observation } from './observation.ts'

/** Compares two runs: `undefined` where they are not to be compared, `true` where all is well, or what is wrong. */
export type Compare = (
  setting: Setting,
  run: Observation,
  otherSetting: Setting,
  other: Observation,
) => string | true | undefined

/** Law 5: the same faults give the same outcome in both seams, and the SDK's own retries add nothing to ours. */
export const pairs: Readonly<Record<string, Compare>> = {
  '5 the same in both seams': same,
  '5 the SDK’s retries do not multiply': noMore,
}

function same(
  setting: Setting,
  run: Observation,
  otherSetting: Setting,
  other: Observation,
): string | true | undefined {
  const isPair = setting.client === 'middleware' && otherSetting.client !== 'middleware'
  if (!isPair || setting.maxRetries !== 0 || otherSetting.maxRetries !== 0) return undefined
  const [one, two] = [summary(run), summary(other)]
  const isSame = one === two || (otherSetting.client === 'fetch' && isSdksOwn(run, setting))
  return isSame || `${one}; through ${otherSetting.client} ${two}`
}

/** What is the SDK's own: a call that is aborted before is none, and the body of an error that nobody ends has a status. */
function isSdksOwn({ outcomes, ledger }: Observation, { fault }: Setting): boolean {
  return (
    ledger === 0 || (fault.means.kind === 'failure' && fault.means.failure.readMs > 0 && outcomes.length > 0)
  )
}

/**
 * With a retry of ours: nothing more through `middleware`, except that the SDK makes the try which a limit outside has kept the retry
 * from making, and retries what a guard outside has found; never more than is described. In a `fetch` each of the SDK's retries is a
 * call of its own, and sends one request to each target; a failover sends a connection that had been closed once more.
 */
function noMore(
  setting: Setting,
  run: Observation,
  otherSetting: Setting,
  other: Observation,
): string | true | undefined {
  const { client, maxRetries, order, fault } = setting
  const isPair = client === otherSetting.client && maxRetries > 0 && otherSetting.maxRetries === 0
  if (!isPair || !order.includes('retry')) return undefined
  const { calls = 1, isRepeated = false, means } = fault
  const isStale = means.kind === 'failure' && means.failure.isStale
  const failovers = order.filter((name) => name === 'failover').length
  const each = 1 + failovers * (isStale ? 2 : 1)
  const outside = new Set(order.slice(0, order.indexOf('retry')))
  const isLimited = outside.has('guard') || outside.has('timeout')
  const sdk = client === 'middleware' ? 0 : (isRepeated ? calls + 1 : calls) * maxRetries * each
  const most =
    isLimited && client === 'middleware'
      ? (isRepeated ? calls + 1 : calls) * run.maxRequests
      : other.sent.length + sdk
  return run.sent.length <= most || `${run.sent.length} requests, with maxRetries 0 ${other.sent.length}`
}

function summary({ outcomes, sent }: Observation): string {
  const ends = outcomes.map(({ ending }) => ending).join(', ')
  return `${ends} after ${sent.map(({ model, at }) => `${model} at ${Math.round(at)}`).join(', ')}`
}
