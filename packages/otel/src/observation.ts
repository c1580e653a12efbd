import type { BodyTap, StreamEvent } from '@breakwater/core'
import type { StreamEnd } from './error-type.ts'
import { newAnswer, readDelta, readMessage, readStart, type Answer } from './usage.ts'

/** What is learned of one body while its reader reads it. */
export interface Observation {
  /** Weakly, as it leads to the body. */
  readonly tap: WeakRef<BodyTap>
  /** Whether its tokens count: it came from upstream, and nobody else has counted them. */
  readonly counts: boolean
  readonly isStream: boolean
  /** When its headers came, in milliseconds of `performance.now()`. */
  readonly headersAt: number
  readonly answer: Answer
  /** When the first content came, on the same clock. */
  firstContentAt: number | undefined
  end: StreamEnd | undefined
  endedAt: number
  /** Tells of the end, at once where it has come. */
  whenEnded(listener: (observation: Observation) => void): void
  /** Nobody will read the rest. */
  abandon(): void
}

/** As much of a body that is no stream is kept. */
export const maxBodyBytes = 4_194_304

/** Tells of bodies that were collected before they ended. What is registered here must not lead to the body. */
const abandoned = new FinalizationRegistry<Observation>((observation) => observation.abandon())

/** Listens to a body. `body` is the stream that its reader has: when that is gone, the body is abandoned. */
export function observe(
  body: object,
  tap: BodyTap,
  { isStream, counts }: Pick<Observation, 'isStream' | 'counts'>,
): Observation {
  const observation = newObservation(tap, isStream, counts)
  abandoned.register(body, observation, observation)
  return observation
}

function newObservation(tap: BodyTap, isStream: boolean, counts: boolean): Observation {
  const answer = newAnswer()
  const listeners: ((observation: Observation) => void)[] = []
  let chunks: Uint8Array[] = []
  let bytes = 0

  function finish(end: StreamEnd, at: number): void {
    if (observation.end !== undefined) return
    observation.end = end
    observation.endedAt = at
    abandoned.unregister(observation)
    if (chunks.length > 0 && end.kind === 'complete') readMessage(answer, decode(chunks))
    chunks = []
    for (const listener of listeners) listener(observation)
  }

  const observation: Observation = {
    tap: new WeakRef(tap),
    counts,
    isStream,
    headersAt: performance.now(),
    answer,
    firstContentAt: undefined,
    end: undefined,
    endedAt: 0,
    whenEnded(listener) {
      if (observation.end === undefined) listeners.push(listener)
      else listener(observation)
    },
    abandon() {
      finish({ kind: 'abandoned' }, observation.headersAt)
    },
  }

  function onEvent(event: StreamEvent): void {
    switch (event.type) {
      case 'content_block_delta':
        observation.firstContentAt ??= performance.now()
        break
      case 'message_start':
        readStart(answer, event.data())
        break
      case 'message_delta':
        readDelta(answer, event.data())
        break
      default:
    }
  }

  function onChunk(chunk: Uint8Array): void {
    bytes += chunk.length
    if (bytes <= maxBodyBytes) chunks.push(chunk)
    else chunks = []
  }

  tap.add({
    onEvent: isStream ? onEvent : undefined,
    onChunk: isStream ? undefined : onChunk,
    onEnd: (end) => finish(end, performance.now()),
  })
  return observation
}

function decode(chunks: readonly Uint8Array[]): string {
  const decoder = new TextDecoder()
  let text = ''
  for (const chunk of chunks) text += decoder.decode(chunk, { stream: true })
  return text + decoder.decode()
}
