import type { SideRecord } from './side.ts'
import type { Storm, StormPhase } from './storm.ts'
import { tally, type Tally } from './tally.ts'

/** A fault with the calm after it, in which its consequences end. */
export interface Period {
  readonly phase: StormPhase
  readonly fromMs: number
  readonly toMs: number
  readonly theirs: Tally
  readonly ours: Tally
}

/** The storm in periods. A call belongs to where it began, a request to where it was sent. */
export function periods({ phases }: Storm, theirs: SideRecord, ours: SideRecord): readonly Period[] {
  const begins = phases.filter(({ isCalm }, index) => !isCalm || index === 0)
  return begins.map((phase, index) => {
    const toMs = begins[index + 1]?.fromMs ?? Infinity
    const { fromMs } = phase
    return { phase, fromMs, toMs, theirs: tally(theirs, fromMs, toMs), ours: tally(ours, fromMs, toMs) }
  })
}

/** Why the two differ, by the name of the phase. */
const reasons: Readonly<Record<string, string>> = {
  overload:
    '`safe_call` asks the overloaded model up to ten times before it asks the other one. Breakwater moves on after one 529, and sends one call at a time to find out whether the first model is back.',
  outage:
    'A 503 is not a 529, so `safe_call` asks nobody else: it tries five times, waits, and tries again. Breakwater moves on, as for any failure of the provider.',
  rush: '`safe_call` learns of the limit by being refused, each call for itself. Breakwater reads it in the headers and gives every call its turn.',
  'broken streams':
    'The status was 200, so neither the SDK nor `safe_call` sees a failure to react to. Breakwater holds a stream until its first content, and can still ask elsewhere; what breaks later reaches the caller as one clear error.',
  'spend limit':
    'It looks like a rate limit and lasts until somebody raises it, so nobody gets an answer. `safe_call` goes on asking until its callers have left. Breakwater asks once for each call, and says what is wrong.',
}

/** What a period shows. */
export interface Lesson {
  readonly name: string
  readonly text: string
  readonly numbers: string
  /** Why Breakwater did better; nothing where it did not. */
  readonly why: string | undefined
}

/** What the periods show in which something was wrong. */
export function lessons(parts: readonly Period[], theirName: string, ourName: string): readonly Lesson[] {
  return parts
    .filter(({ phase }) => !phase.isCalm)
    .map(({ phase, theirs, ours }) => {
      const isBetter =
        ours.answered >= theirs.answered &&
        (ours.answered > theirs.answered || ours.requests < theirs.requests)
      return {
        name: phase.name,
        text: phase.text,
        numbers: `Of ${theirs.calls} calls ${theirName} answered ${theirs.answered} with ${theirs.requests} requests, ${ourName} ${ours.answered} with ${ours.requests}.`,
        why: isBetter ? reasons[phase.name] : undefined,
      }
    })
}
