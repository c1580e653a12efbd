import { abortToSettle } from '../abort.ts'
import { telemetryCosts } from '../telemetry-bench.ts'
import { bodyCosts } from './bodies.ts'
import { circuitCosts, foundationCosts, partCosts, stackCosts } from './calls.ts'
import { garbagePerCall } from './garbage-table.ts'
import { memoryPerKey } from './keeping.ts'
import type { Effort, Host } from './measure.ts'
import type { Findings } from './results.ts'
import { createCosts, seamCosts } from './seams.ts'
import { quantile } from './stats.ts'
import { streamCosts, streamNotes } from './streams.ts'
import { weights } from './weights.ts'

/** What can be asked for by name, in the order in which it is told. */
export const sections = [
  'calls',
  'seams',
  'garbage',
  'bodies',
  'streams',
  'telemetry',
  'memory',
  'sizes',
] as const

/** One of them. */
export type Section = (typeof sections)[number]

/** A piece of the benchmark. */
export interface Job {
  readonly section: Section
  /** By turns of processes of their own. */
  readonly measure?: (host: Host) => Promise<Findings>
  /** All in one process of its own. */
  readonly alone?: (effort: Effort) => Promise<Findings>
  /** Flags for that. */
  readonly flags?: readonly string[]
}

/** All pieces. */
export const jobs: readonly Job[] = [
  { section: 'calls', measure: stackCosts },
  { section: 'calls', measure: partCosts },
  { section: 'calls', measure: foundationCosts },
  { section: 'calls', measure: circuitCosts },
  { section: 'calls', alone: abortTimes },
  { section: 'seams', measure: seamCosts },
  { section: 'seams', measure: createCosts },
  // So much room for what is young that nothing is collected between two collections that are asked for.
  {
    section: 'garbage',
    alone: garbagePerCall,
    flags: ['--min-semi-space-size=64', '--max-semi-space-size=64', '--no-allocation-site-pretenuring'],
  },
  { section: 'bodies', measure: bodyCosts },
  { section: 'streams', measure: streamCosts },
  { section: 'streams', alone: streamNotes },
  { section: 'telemetry', alone: telemetryCosts },
  { section: 'memory', alone: memoryPerKey },
  { section: 'sizes', alone: weights },
]

async function abortTimes({ lives, rounds }: Effort): Promise<Findings> {
  const times = await abortToSettle(40 * lives * rounds)
  const at = (share: number): string => `${quantile(times, share).toFixed(2)} ms`
  const note = `From an abort to the end of a call that waits for its next try: median ${at(0.5)}, p99 ${at(0.99)}.`
  return { tables: [], figures: {}, notes: [note] }
}
