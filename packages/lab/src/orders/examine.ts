import type { VirtualClock } from './clock.ts'
import { differs, isPredictable } from './compare.ts'
import { laws } from './laws.ts'
import { predict, type Setting } from './model/predict.ts'
import type { Observation } from './observation.ts'
import { play } from './play.ts'
import { jobName, settingsOf, type Job } from './plan.ts'
import { pairs } from './seams.ts'

/** A broken law, and how to see it again. */
export interface Violation {
  readonly law: string
  readonly run: string
  readonly what: string
}

/** What came of some runs. */
export interface Tally {
  runs: number
  /** How often each law was checked. */
  readonly checks: Map<string, number>
  readonly violations: Violation[]
}

export const newTally = (): Tally => ({ runs: 0, checks: new Map(), violations: [] })

/** A stack under a fault, with all callers: each run by itself, and all beside one another. */
export async function examine(job: Job, clock: VirtualClock, tally: Tally): Promise<void> {
  const seen: { readonly setting: Setting; readonly run: Observation }[] = []
  for (const setting of settingsOf(job)) {
    const run = await play(setting, clock)
    seen.push({ setting, run })
    tally.runs++
    for (const [law, check] of Object.entries(laws)) note(tally, law, setting, check(run, setting))
    if (isPredictable(setting)) {
      note(tally, 'the outcome that the model predicts', setting, differs(run, predict(setting), setting))
    }
  }
  for (const [law, check] of Object.entries(pairs)) {
    for (const { setting, run } of seen) {
      for (const other of seen) {
        const broken = check(setting, run, other.setting, other.run)
        if (broken !== undefined) note(tally, law, setting, broken === true ? undefined : broken)
      }
    }
  }
}

function note(tally: Tally, law: string, setting: Setting, what: string | undefined): void {
  tally.checks.set(law, (tally.checks.get(law) ?? 0) + 1)
  if (what !== undefined) tally.violations.push({ law, run: nameOf(setting), what })
}

/** The run in a line. */
export function nameOf(setting: Setting): string {
  const { client, maxRetries, random } = setting
  return `${jobName(setting)} | ${client}, maxRetries ${maxRetries}, random ${random}`
}
