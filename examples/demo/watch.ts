import type { WriteStream } from 'node:tty'
import { styleText } from 'node:util'
import { createLogUpdate } from 'log-update'
import type { Play } from './play.ts'
import { type Paint, phaseAt, screen } from './screen.ts'
import { tally } from './tally.ts'

const frameMs = 100

/** Shows a storm while it is played: a picture that moves on a terminal, else a line a second. */
export async function watch(play: Play, output: WriteStream, isPlain: boolean): Promise<void> {
  const end = isPlain ? showLines(play, output) : showScreen(play, output)
  try {
    await play.ended
  } finally {
    end()
  }
}

/** Whether nobody looks, or nothing can move. */
export function isPlainOutput({ isTTY }: WriteStream, { CI, TERM }: NodeJS.ProcessEnv): boolean {
  return !isTTY || TERM === 'dumb' || (CI !== undefined && CI !== '' && CI !== 'false')
}

function showScreen(play: Play, output: WriteStream): () => void {
  const update = createLogUpdate(output)
  const paint: Paint = output.hasColors() ? (style, text) => styleText(style, text) : (_, text) => text
  const show = (): void => {
    const { columns, rows } = output
    update(screen(play, play.clock(), { columns, rows }, paint))
  }
  const timer = setInterval(show, frameMs)
  return () => {
    clearInterval(timer)
    show()
    update.done()
  }
}

function showLines(play: Play, output: WriteStream): () => void {
  const { storm, clock, theirs, ours } = play
  const show = (): void => {
    const atMs = clock()
    const phase = phaseAt(storm.phases, atMs)?.name ?? 'the last wait'
    const texts = [theirs, ours].map((side) => {
      const { answered, failed, left, requests } = tally(side)
      const counts = [answered, failed + left, requests].map((value) => String(value).padStart(4))
      return `${side.name} ${counts.join(' ')}`
    })
    output.write(
      `${String(Math.floor(atMs / 1000)).padStart(4)} s  ${phase.padEnd(15)} ${texts.join('   ')}\n`,
    )
  }
  output.write('Each second: answered, failed or left, requests sent.\n')
  const timer = setInterval(show, 1000)
  return () => clearInterval(timer)
}
