/** The recipe: whom all others are compared with. */
export const ours = 'breakwater'

/** What the page needs of `npm run storm -- --json file`: the lab's own type has more. */
export interface StormData {
  readonly seed: number
  /** Version of Node. */
  readonly node: string
  readonly scenes: readonly StormScene[]
  readonly contenders: readonly StormContender[]
  readonly results: readonly StormResult[]
  /** Empty where not all contenders took part. */
  readonly goals: readonly {
    readonly goal: string
    /** The numbers, or where it is missed. */
    readonly measured: string
    readonly isMet: boolean
  }[]
}

/** One way to call the API. */
export interface StormContender {
  readonly name: string
  /** How it is set up. */
  readonly note: string
  readonly isOurs: boolean
}

/** One way for an API to fail. */
export interface StormScene {
  readonly name: string
  readonly about: string
  /** When something is wrong in it, in milliseconds; null: all the time. */
  readonly fault: { readonly fromMs: number; readonly toMs: number } | null
}

/** What one contender came to in one scene. Times in milliseconds; null where there is no such thing. */
export interface StormResult {
  readonly scene: string
  readonly contender: string
  readonly answered: number
  /** Of the calls that were made, 0 to 1. */
  readonly answeredShare: number
  readonly upstreamPerAnswered: number | null
  readonly upstreamPerCall: number
  readonly p50Ms: number | null
  readonly p99Ms: number | null
  readonly totalMs: number
  readonly wastedTokens: number
  readonly timeline: { readonly requests: readonly number[] }
}
