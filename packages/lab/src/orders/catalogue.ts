import { answers } from './answers.ts'
import type { Fault } from './fault.ts'
import { forgotten, network, streams, successes } from './interruptions.ts'
import { aborts, crowds } from './moments.ts'

/** All that happens to a call in the lab. */
export const catalogue: readonly Fault[] = [
  ...successes,
  ...answers,
  ...streams,
  forgotten,
  ...network,
  ...aborts,
  ...crowds,
]
