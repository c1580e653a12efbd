import { firstContent } from '../first-content.ts'
import { retained } from '../stream-memory.ts'
import { byEvent, inBulk } from './case-sets.ts'
import { nsOf } from './cost-table.ts'
import { measure, type Effort, type Host, type Measured } from './measure.ts'
import type { Findings } from './results.ts'
import { median, share } from './stats.ts'

/** Names of the cases that the goals are judged by. */
export const streamNames = {
  bare: 'bare pass-through stream',
  guarded: 'streamGuard',
  decoder: "the SDK's decoder",
  guardedDecoder: "the SDK's decoder, through streamGuard",
} as const

/** What a stream costs: an event in a chunk of its own, and chunks of 120 events. */
export async function streamCosts(host: Host): Promise<Findings> {
  const single = await measure([{ set: 'streamByEvent', bytes: 0 }], host)
  const bulk = await measure([{ set: 'streamInBulk', bytes: 0 }], host)
  const rows = single.map(({ name, ns }) => [
    name,
    (median(ns) / 1e3 / byEvent.events).toFixed(2),
    (inBulk.bytes / 1e6 / (median(nsOf(bulk, name)) / 1e9)).toFixed(0),
  ])
  const rate = (measured: readonly Measured[], one: string, of: string): number =>
    share(nsOf(measured, of), nsOf(measured, one))
  const { bare, guarded, decoder, guardedDecoder } = streamNames
  return {
    tables: [
      {
        title: 'A stream',
        head: ['case', 'µs per event', 'MB/s in large chunks'],
        rows,
      },
    ],
    figures: {
      'stream: guarded of bare, by event': rate(single, guarded, bare),
      'stream: guarded of bare, in bulk': rate(bulk, guarded, bare),
      'stream: guarded of decoder, by event': rate(single, guardedDecoder, decoder),
      'stream: guarded of decoder, in bulk': rate(bulk, guardedDecoder, decoder),
    },
    notes: [],
  }
}

/** What a stream keeps, and what it delays. */
export async function streamNotes({ lives, rounds }: Effort): Promise<Findings> {
  const kept: string[] = []
  for (const name of [streamNames.bare, streamNames.guarded]) {
    kept.push(`In use at most while 100 MB pass, ${name}: ${(await retained(name)).toFixed(1)} MB.`)
  }
  const first = await firstContent(8 * lives * rounds)
  kept.push(
    `From the call to the first text, over HTTP: ${first.without.toFixed(2)} ms, with streamGuard ${first.with.toFixed(2)} ms.`,
  )
  return { tables: [], figures: {}, notes: kept }
}
