import { classifyRehearsed, type Trips } from '@breakwater/classify'
import type { Description, Position, RehearsedMiddleware } from '@breakwater/core'
import {
  createCircuit,
  enter,
  refusalOf,
  settle,
  waitOf,
  type Circuit,
  type CircuitSettings,
} from './circuit.ts'

/** What `circuitBreaker` says of itself for `describe`. */
export function descriptionOf(settings: CircuitSettings): Description {
  return { name: 'circuitBreaker', rehearse: () => rehearsalOf(settings), warn: warnings }
}

/** `circuitBreaker` in miniature: circuits by origin and model, closed at first. */
function rehearsalOf(settings: CircuitSettings): RehearsedMiddleware {
  const circuits = new Map<string, Circuit>()
  return (rehearsal, next) => {
    const { origin, model } = rehearsal.target
    const key = `${origin} ${model}`
    const circuit = circuits.get(key) ?? createCircuit(key, settings, false, rehearsal.nowMs)
    circuits.set(key, circuit)
    const refusal = refusalOf(circuit, rehearsal.nowMs)
    if (refusal !== undefined) {
      return { kind: 'failure', category: 'circuit_open', retryAfterMs: refusal.retryAfterMs }
    }
    const ticket = enter(circuit, rehearsal.nowMs)
    const result = next()
    const failure = classifyRehearsed(result)
    const trips: Trips = result.kind === 'answer' ? 'success' : (failure?.trips ?? 'failure')
    const { nowMs, requests } = rehearsal
    settle(ticket, trips, failure, nowMs)
    const waitMs = trips === 'failure' ? waitOf(circuit, nowMs) : undefined
    if (waitMs !== undefined) rehearsal.openCircuit = { untilMs: nowMs + waitMs, requests }
    return result
  }
}

const page = 'docs/choosing-an-order.md'

function warnings({ outside, inside }: Position): string[] {
  const found: string[] = []
  if (inside.includes('jitterRetry')) {
    found.push(
      `\`circuitBreaker\` outside \`jitterRetry\` sees only what is left of each retried call: it opens late, and retries go on against an API that is down; put it inside. See ${page}#breaker-outside-the-retry`,
    )
  }
  if (inside.includes('modelFailover')) {
    found.push(
      `\`circuitBreaker\` outside \`modelFailover\` takes the answers of other targets for the primary's: its circuit stays closed while the primary is down; put it inside. See ${page}#breaker-outside-the-failover`,
    )
  }
  if (outside.includes('circuitBreaker')) {
    found.push(
      `\`circuitBreaker\` inside another one: each failure is counted twice; remove one. See ${page}#a-second-copy`,
    )
  }
  return found
}
