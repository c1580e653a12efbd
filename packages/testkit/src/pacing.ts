/** Bytes to send, with the names of the SSE events that they complete. */
export interface SendStep {
  kind: 'send'
  bytes: Uint8Array<ArrayBuffer>
  events: readonly string[]
}

/** One thing to do with the body of an answer; after the last one the body ends well. */
export type Step = SendStep | { kind: 'wait'; ms: number } | { kind: 'cut' | 'reset' | 'stall' }

/** Leaves out what is empty, cuts the rest into pieces of a size, and pauses between them. */
export function* paced(
  steps: Iterable<Step>,
  chunkBytes: number | undefined,
  gapMs: number,
): Generator<Step> {
  let first = true
  for (const step of chunkBytes === undefined ? steps : rechunk(steps, chunkBytes)) {
    if (step.kind === 'send' && step.bytes.length === 0) continue
    if (gapMs > 0 && step.kind === 'send') {
      if (!first) yield { kind: 'wait', ms: gapMs }
      first = false
    }
    yield step
  }
}

/** Cuts what is sent into pieces of a size, whatever they hold. */
export function* rechunk(steps: Iterable<Step>, size: number): Generator<Step> {
  let held = nothing()
  for (const step of steps) {
    if (step.kind === 'send') {
      let offset = 0
      while (offset < step.bytes.length) {
        const piece = step.bytes.subarray(offset, offset + size - held.bytes.length)
        offset += piece.length
        const completed = offset === step.bytes.length ? step.events : []
        held = { kind: 'send', bytes: concat(held.bytes, piece), events: [...held.events, ...completed] }
        if (held.bytes.length === size) {
          yield held
          held = nothing()
        }
      }
    } else {
      if (held.bytes.length > 0) yield held
      held = nothing()
      yield step
    }
  }
  if (held.bytes.length > 0) yield held
}

function nothing(): SendStep {
  return { kind: 'send', bytes: new Uint8Array(), events: [] }
}

function concat(first: Uint8Array, second: Uint8Array): Uint8Array<ArrayBuffer> {
  const both = new Uint8Array(first.length + second.length)
  both.set(first)
  both.set(second, first.length)
  return both
}
