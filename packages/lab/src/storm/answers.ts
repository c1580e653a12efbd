import type { ScriptFunction } from '@breakwater/testkit'
import { createRandom } from '../contention.ts'
import type { Fault } from './scene.ts'

/** The answer of every call: 300 tokens of the fake, in a stream 6 pieces of 50. */
const answer = { text: 'It depends on it. '.repeat(67).slice(0, 1200), deltaChars: 200 } as const
/** Tokens of every answer, whole and by piece of a stream. */
export const answerTokens = { outputTokens: 300, deltaTokens: 50 } as const

/** An answer after 0.3 to 1.2 s; of a stream its headers after 0.2 to 0.4 s, and then an event each 80 ms. */
export function answering(seed: number): ScriptFunction {
  return ({ index, stream }) => {
    const draw = createRandom(seed * 100_003 + index)()
    const pace = stream ? { delayMs: 200 + 200 * draw, gapMs: 80 } : { delayMs: 300 + 900 * draw ** 2 }
    return { ...answer, ...pace }
  }
}

/** An API that answers so many at once while the fault lasts, and a 529 to whoever comes beyond. */
export function crowdedOut({ fromMs, toMs }: Fault, places: number): (seed: number) => ScriptFunction {
  return (seed) => {
    const answers = answering(seed)
    let ends: number[] = []
    return (request) => {
      const reply = answers(request)
      const { at } = request
      if (at < fromMs || at >= toMs || typeof reply !== 'object' || !('delayMs' in reply)) return reply
      ends = ends.filter((end) => end > at)
      if (ends.length >= places) return 529
      ends.push(at + (reply.delayMs ?? 0))
      return reply
    }
  }
}

/** Streams that are overloaded in band while the fault lasts: 18 % of all, or half of those of one model. */
export function overloadedStreams({ fromMs, toMs }: Fault, model?: string): (seed: number) => ScriptFunction {
  return (seed) => {
    const answers = answering(seed)
    const [early, late] = model === undefined ? [0.15, 0.03] : [0.47, 0.03]
    return (request) => {
      const draw = createRandom(seed * 200_003 + request.index)
      const lot = draw()
      const isSpared = model !== undefined && request.model !== model
      if (request.at < fromMs || request.at >= toMs || isSpared || lot >= early + late)
        return answers(request)
      // Before `message_start`, after it, after the start of the first block; or in the middle of the text.
      const place = lot < early ? Math.floor(draw() * 3) : 5
      return { ...answer, delayMs: 300, gapMs: 80, fault: { kind: 'error', at: place } }
    }
  }
}

/** Streams of which 5 % send pings only, and 5 % go on with a piece each 15 s, while the fault lasts. */
export function slowStreams({ fromMs, toMs }: Fault): (seed: number) => ScriptFunction {
  return (seed) => {
    const answers = answering(seed)
    return (request) => {
      const lot = createRandom(seed * 300_007 + request.index)()
      if (request.at < fromMs || request.at >= toMs || lot >= 0.1) return answers(request)
      if (lot < 0.05) return { ...answer, delayMs: 300, fault: { kind: 'pings', at: 1, gapMs: 5000 } }
      return { ...answer, delayMs: 300, fault: { kind: 'drip', gapMs: 15_000 } }
    }
  }
}
