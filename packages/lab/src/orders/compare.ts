import type { Prediction, Setting } from './model/predict.ts'
import type { Observation } from './observation.ts'

/**
 * Whether the model knows. Calls at once meet one another, and what each comes to hangs on the order in which they do. How long a
 * `rateLimit` has somebody wait who has a limit of his own, or whom the API has told its limits, and what two copies of one package
 * keep between two tries of the SDK or two calls, is not for a small model.
 */
export function isPredictable({ order, fault, maxRetries }: Setting): boolean {
  const { means, calls = 1, reply, isRepeated = false } = fault
  const isDouble = new Set(order).size < order.length
  if (calls > 1 || (isDouble && (isRepeated || maxRetries > 0))) return false
  if (!order.includes('rateLimit') || means.kind !== 'failure') return true
  const isPacing = order.includes('timeout') && /^(rate_limit|overloaded)$/.test(means.failure.category)
  return !isPacing && !(typeof reply === 'object' && 'rateLimit' in reply)
}

/** What has come otherwise than the reference model says; `undefined` where it is all the same. */
export function differs(seen: Observation, expected: Prediction, { order }: Setting): string | undefined {
  const models = seen.sent.map(({ model }) => short(model)).join(' ')
  const said = expected.sent.map(({ model }) => short(model)).join(' ')
  if (models !== said) return `requests: ${models || 'none'}; predicted ${said || 'none'}`
  const endings = seen.outcomes.map(({ ending }) => ending).join(', then ')
  const planned = expected.endings.join(', then ')
  if (endings !== planned) return `${endings}; predicted ${planned}`
  const times = seen.sent.map(({ at }) => Math.round(at))
  const plannedAt = expected.sent.map(({ at }) => Math.round(at))
  const isOff = times.some((at, index) => Math.abs(at - (plannedAt[index] ?? Infinity)) > slackMs)
  return isOff && !order.includes('rateLimit')
    ? `at ${times.join(', ')}; predicted ${plannedAt.join(', ')}`
    : undefined
}

/** What is rounded on the way. */
const slackMs = 3

function short(model: string): string {
  return model.replace('claude-', '').replace('-5-5', '')
}
