import type { Measures } from './measure.ts'

/** What one contender came to in one scene. */
export interface StormResult extends Measures {
  readonly scene: string
  readonly contender: string
  /** Real time that the run took, in milliseconds: the one number that is not the same every time. */
  readonly realMs: number
}

/** A scene as the report shows it. */
export interface StormScene {
  readonly name: string
  readonly about: string
  /** When something is wrong in it, in milliseconds; `null`: all the time. */
  readonly fault: { readonly fromMs: number; readonly toMs: number } | null
  readonly requestsPerSecond: number | null
}

/** A contender as the report shows it. */
export interface StormContender {
  readonly name: string
  readonly note: string
  readonly isOurs: boolean
}

/** One goal of the lab, and what came of it. */
export interface StormGoal {
  readonly goal: string
  /** The numbers, or where it is missed. */
  readonly measured: string
  readonly isMet: boolean
}

/** What a run of the lab came to. */
export interface StormRun {
  readonly version: 1
  readonly seed: number
  readonly node: string
  readonly scenes: readonly StormScene[]
  readonly contenders: readonly StormContender[]
  readonly results: readonly StormResult[]
}

/** All that `npm run storm -- --json file` writes. */
export interface StormReport extends StormRun {
  /** Empty where not all contenders took part. */
  readonly goals: readonly StormGoal[]
}
