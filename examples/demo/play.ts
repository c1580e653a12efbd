import { onEvent } from '@breakwater/core'
import { guardedCall } from './guarded.ts'
import { naiveHandler } from './safe-call.ts'
import { createSide, type SideRecord } from './side.ts'
import type { Storm } from './storm.ts'

/** Both sides, as far as they are. */
export interface Play {
  readonly storm: Storm
  /** Milliseconds since the beginning. */
  readonly clock: () => number
  /** The handler of the article. */
  readonly theirs: SideRecord
  /** Breakwater. */
  readonly ours: SideRecord
  /** Over when every call is. */
  readonly ended: Promise<void>
}

/** Plays a storm to both sides at once. */
export async function play(storm: Storm): Promise<Play> {
  let startedAt = Infinity
  const clock = (): number => Math.max(0, performance.now() - startedAt)
  const theirs = await createSide('safe_call', storm, clock, naiveHandler)
  const ours = await createSide('Breakwater', storm, clock, (url) => guardedCall(url, storm.scale))
  // All that Breakwater does in this process, it does there.
  const stop = onEvent((event) => void ours.record.events.push({ at: clock(), event }))
  startedAt = performance.now()

  async function makeCalls(): Promise<void> {
    const calls: Promise<void>[] = []
    for (const planned of storm.calls) {
      const restMs = planned.atMs - clock()
      if (restMs > 0) await new Promise((resolve) => setTimeout(resolve, restMs))
      calls.push(theirs.call(planned), ours.call(planned))
    }
    await Promise.all(calls)
    await Promise.all([theirs.close(), ours.close()])
    stop()
  }
  return { storm, clock, theirs: theirs.record, ours: ours.record, ended: makeCalls() }
}
