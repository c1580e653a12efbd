import { setMaxListeners } from 'node:events'
import { crowd } from '../scenes/crowd.ts'

/** Questions of one round, and the time between them in milliseconds. */
const questions = 240
const gapMs = 40

/** Every so often somebody asks for trouble. */
const trouble = [
  '429',
  '500',
  'early',
  'cut',
  '400',
  'reset',
  '413',
  'end',
  '404',
  '403',
  '429',
  'stall',
  '401',
  'spend',
]

/** Asks a service, every second time for a stream, until the signal; says after each round what became of it. */
export async function load(url: string, signal: AbortSignal): Promise<void> {
  // One listener for each question that is under way.
  setMaxListeners(0, signal)
  for (let round = 1; !signal.aborted; round++) {
    const { answers, errors } = await crowd(questions, gapMs, (index) => ask(url, index, signal))
    if (signal.aborted) return
    const counts = new Map<string, number>()
    for (const answer of answers) counts.set(answer, (counts.get(answer) ?? 0) + 1)
    const texts = [...counts].map(([answer, count]) => `${count} ${answer}`)
    console.log(`round ${round}: ${texts.join(', ')}, ${errors.length} cut off`)
  }
}

/** Says who has answered, or with which status. */
async function ask(url: string, index: number, signal: AbortSignal): Promise<string> {
  const kind = index % 8 === 5 ? trouble[((index - 5) / 8) % trouble.length] : undefined
  const question = kind === undefined ? 'What is the answer?' : `What does #${kind} mean?`
  const response = await fetch(`${url}/ask${index % 2 === 0 ? '' : '?stream'}`, {
    method: 'POST',
    body: question,
    signal,
  })
  await response.text()
  return response.headers.get('served-by') ?? `× ${response.status}`
}
