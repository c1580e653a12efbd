import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { renderPage } from '@breakwater/report'
import { play, type Play } from './play.ts'
import { reportOf } from './report.ts'
import { createStorm } from './storm.ts'
import { summaryText } from './summary.ts'
import { tally } from './tally.ts'
import { isPlainOutput, watch } from './watch.ts'

/** Options of the live storm. */
export interface LiveOptions {
  readonly seconds: number
  /** Whether nothing may move. */
  readonly isPlain: boolean
  /** Where the page goes. */
  readonly report: string
}

/** A call that begins so late says that the machine has no time for a storm. */
const busyMs = 1000

/** Plays the storm, says what came of it, and writes the page. Returns whether Breakwater did better. */
export async function live({ seconds, isPlain, report }: LiveOptions): Promise<boolean> {
  const { stdout } = process
  const storm = createStorm(seconds)
  stdout.write(
    `${storm.calls.length} calls in ${seconds} s over real HTTP, twice: each side has a fake API of its own, with the same weather.\n\n`,
  )
  const played = await play(storm)
  await watch(played, stdout, isPlain || isPlainOutput(stdout, process.env))
  stdout.write(`\n${summaryText(played)}\n`)

  const path = resolve(report)
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, renderPage(reportOf(played)))
  stdout.write(`\nThe same with charts: ${pathToFileURL(path).href}\n`)
  return isBetter(played)
}

/** Breakwater answers no fewer calls, with fewer requests. */
function isBetter({ storm, theirs, ours }: Play): boolean {
  const lateMs = Math.max(
    ...[theirs, ours].flatMap(({ calls }) =>
      calls.map(({ startedAt }, index) => startedAt - (storm.calls[index]?.atMs ?? 0)),
    ),
  )
  const [their, our] = [tally(theirs), tally(ours)]
  if (our.answered >= their.answered && our.requests < their.requests) return true
  if (lateMs < busyMs) return false
  process.stdout.write(`This machine was too busy: a call began ${Math.round(lateMs)} ms late.\n`)
  return true
}
