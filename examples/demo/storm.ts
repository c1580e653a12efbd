import type { Dynamics, Outage, Reply, ScriptFunction } from '@breakwater/testkit'

/** The model that is asked first. */
export const primary = 'claude-sonnet-5-5'
/** The model that stands in for it. */
export const fallback = 'claude-haiku-5-5'

/** A part of the storm. Times in milliseconds since its beginning. */
export interface StormPhase {
  readonly name: string
  /** What is going on, as a clause. */
  readonly text: string
  readonly fromMs: number
  readonly toMs: number
  readonly isCalm: boolean
}

/** A call that the application makes. */
export interface PlannedCall {
  readonly atMs: number
  readonly stream: boolean
}

/** What happens to an API and its users, by the clock: the same for everybody who plays it. */
export interface Storm {
  /** Its length beside that of the whole one: everything is faster by that. */
  readonly scale: number
  readonly phases: readonly StormPhase[]
  readonly calls: readonly PlannedCall[]
  /** How long a caller waits for an answer, in milliseconds. */
  readonly patienceMs: number
  readonly dynamics: Dynamics
  readonly script: ScriptFunction
}

/** Requests per second that the account allows for each model. */
export const requestsPerSecond = 18
const callsPerSecond = 12
const callsPerSecondInRush = 27
const wholeSeconds = 30

/** In seconds of a storm of 30; the last five are for those who still wait. */
const plan = [
  { name: 'calm', text: 'all is well', from: 0, to: 4, isCalm: true },
  { name: 'overload', text: 'the primary model answers 6 of 10 requests with 529', from: 4, to: 9 },
  {
    name: 'outage',
    text: 'the primary model answers nothing but 503, the fallback is healthy',
    from: 9,
    to: 13,
  },
  { name: 'calm', text: 'all is well again', from: 13, to: 15, isCalm: true },
  {
    name: 'rush',
    text: `${callsPerSecondInRush} calls a second, and a rate limit of ${requestsPerSecond} for each model`,
    from: 15,
    to: 18,
  },
  { name: 'calm', text: 'all is well again', from: 18, to: 19, isCalm: true },
  {
    name: 'broken streams',
    text: 'the primary model says 200 to a stream, and then `overloaded_error` in it',
    from: 19,
    to: 22,
  },
  { name: 'calm', text: 'all is well again', from: 22, to: 23, isCalm: true },
  {
    name: 'spend limit',
    text: 'the spend limit of the account is reached, and nobody raises it',
    from: 23,
    to: 25,
  },
] as const

/** The storm, in the time that is given: 30 seconds are the whole one. */
export function createStorm(seconds: number): Storm {
  const scale = seconds / wholeSeconds
  const ms = (at: number): number => at * 1000 * scale
  const phases = plan.map((phase) => ({
    name: phase.name,
    text: phase.text,
    fromMs: ms(phase.from),
    toMs: ms(phase.to),
    isCalm: 'isCalm' in phase,
  }))
  const named = (name: string): StormPhase => {
    const found = phases.find((phase) => phase.name === name)
    if (found === undefined) throw new Error(`There is no phase ${name}.`)
    return found
  }
  const fails = (name: string, reply: Reply, more: Partial<Outage>): Outage => {
    const { fromMs, toMs } = named(name)
    return { fromMs, toMs, reply, ...more }
  }
  const broken = named('broken streams')
  return {
    scale,
    phases,
    calls: callsOf(ms(plan.at(-1)?.to ?? 0), named('rush')),
    patienceMs: Math.max(2000, 5000 * scale),
    dynamics: {
      outages: [
        fails('overload', { status: 529, delayMs: 60 }, { model: primary, share: 0.6 }),
        fails('outage', { status: 503, delayMs: 60 }, { model: primary }),
        fails(
          'spend limit',
          { status: 429, code: 'enforced_spend_limit_reached', delayMs: 60 },
          // It lasts longer than anybody here waits.
          { toMs: undefined },
        ),
      ],
      rateLimit: { requestsPerMinute: requestsPerSecond * 60, burstMs: 1000 },
    },
    script({ model, stream, at, index }) {
      const isBroken = stream && model === primary && at >= broken.fromMs && at < broken.toMs
      return {
        text: 'It depends on what you want to know. '.repeat(3),
        delayMs: 120 + ((index * 37) % 180),
        gapMs: 8,
        ...(isBroken && { fault: { kind: 'error', at: faultPlaces[index % faultPlaces.length] ?? 0 } }),
      }
    },
  }
}

/** Events before which a stream breaks: mostly before its first content, and sometimes after. */
const faultPlaces = [0, 1, 2, 1, 5]

function callsOf(untilMs: number, rush: StormPhase): readonly PlannedCall[] {
  const calls: PlannedCall[] = []
  for (let atMs = 0; atMs < untilMs;) {
    // Every third is a stream.
    calls.push({ atMs, stream: calls.length % 3 === 2 })
    const isRush = atMs >= rush.fromMs && atMs < rush.toMs
    atMs += 1000 / (isRush ? callsPerSecondInRush : callsPerSecond)
  }
  return calls
}
