import { createRandom } from '../contention.ts'
import type { CallRecord } from './call-record.ts'

/** Who calls, and when. */
export type Load =
  | {
      /** Clients that make one call after the other, and think in between. */
      readonly kind: 'clients'
      readonly clients: number
      /** From and to how long they think, in milliseconds. */
      readonly thinkMs: readonly [number, number]
      /** How many calls each makes. @default as many as fit */
      readonly callsEach?: number
      /** When the last call may begin, in milliseconds. @default never too late */
      readonly untilMs?: number
    }
  | {
      /** Calls that come whether or not earlier ones are answered. */
      readonly kind: 'arrivals'
      readonly perSecond: number
      readonly untilMs: number
    }

/** Makes the calls of a load, the same ones at the same times for every contender, as far as they depend on it only. */
export async function makeLoad(
  load: Load,
  seed: number,
  call: (client: number) => Promise<CallRecord>,
): Promise<readonly CallRecord[]> {
  const records: CallRecord[] = []
  const note = (record: CallRecord): void => void records.push(record)
  if (load.kind === 'arrivals') {
    const random = createRandom(seed)
    const calls: Promise<void>[] = []
    const gapMs = 1000 / load.perSecond
    for (let index = 0; index * gapMs < load.untilMs; index++) {
      // Somewhere in its own gap: not in step, and no noise in the rate.
      await until((index + random()) * gapMs)
      calls.push(call(index).then(note))
    }
    await Promise.all(calls)
    return records
  }
  const { clients, thinkMs, callsEach = Infinity, untilMs = Infinity } = load
  const [least, most] = thinkMs
  await Promise.all(
    Array.from({ length: clients }, async (_, client) => {
      const random = createRandom(seed * 10_000 + client)
      const think = (): number => least + random() * (most - least)
      if (most > 0) await until(random() * most)
      for (let made = 0; made < callsEach && performance.now() < untilMs; made++) {
        note(await call(client))
        if (most > 0) await until(performance.now() + think())
      }
    }),
  )
  return records
}

function until(at: number): Promise<void> {
  const ms = at - performance.now()
  return ms > 0 ? new Promise((resolve) => setTimeout(resolve, ms)) : Promise.resolve()
}
