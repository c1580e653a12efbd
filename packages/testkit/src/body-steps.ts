import { rechunk, type SendStep, type Step } from './pacing.ts'
import { errorBody } from './error-body.ts'
import type { BodyFault } from './reply.ts'
import { type SseEvent, sseEvent } from './sse.ts'

/** How {@link streamSteps} plays a stream. */
export interface StreamStepsOptions {
  requestId: string
  newline: string
  endless: boolean
}

const encoder = new TextEncoder()
const filler = ' '.repeat(16_384)

/** Plays the events of a stream, with a fault at its place. */
export function* streamSteps(
  events: readonly SseEvent[],
  fault: BodyFault | undefined,
  options: StreamStepsOptions,
): Generator<Step> {
  const at = fault === undefined ? events.length : place(fault, events.length)
  for (const event of events.slice(0, at)) {
    yield sendEvent(event)
    if (options.endless && event.name === 'content_block_delta') yield* forever(1, event)
  }
  const rest = events.slice(at)
  if (fault === undefined) return
  if (fault.kind === 'drip') {
    for (const event of rest) yield* drip(sendEvent(event), fault)
    return
  }
  const goesOn = yield* streamFault(fault, rest[0], options)
  if (goesOn) for (const event of fault.kind === 'garbage' ? rest.slice(1) : rest) yield sendEvent(event)
}

/** Plays a body that is no stream, with a fault at its place. */
export function* plainSteps(
  body: Uint8Array<ArrayBuffer>,
  fault: BodyFault | undefined,
  endless: boolean,
): Generator<Step> {
  const at = fault === undefined ? body.length : place(fault, body.length)
  if (at > 0) yield sendBytes(body.slice(0, at))
  if (fault?.kind === 'end') return
  if (fault?.kind === 'cut' || fault?.kind === 'reset' || fault?.kind === 'stall') {
    yield { kind: fault.kind }
    return
  }
  if (fault?.kind === 'raw') yield sendText(fault.data ?? '')
  const rest = body.slice(at)
  if (fault?.kind === 'drip') yield* drip(sendBytes(rest), { ...fault, chunkBytes: fault.chunkBytes ?? 1 })
  else if (rest.length > 0) yield sendBytes(rest)
  if (endless) yield* forever(1, { name: '', text: filler })
}

/** Plays a fault in front of an event; returns whether the stream goes on. */
function* streamFault(
  fault: BodyFault,
  event: SseEvent | undefined,
  { requestId, newline }: StreamStepsOptions,
): Generator<Step, boolean> {
  const { kind, type = 'overloaded_error', gapMs = 1000 } = fault
  switch (kind) {
    case 'end':
      return false
    case 'cut':
    case 'reset':
    case 'stall':
      yield { kind }
      return false
    case 'pings':
      yield* forever(gapMs, sseEvent({ type: 'ping' }, newline))
      return false
    case 'error':
      yield sendEvent(sseEvent({ ...errorBody(500, requestId, { ...fault, type }) }, newline))
      return false
    case 'unknown':
      yield sendEvent(sseEvent({ type: 'unknown_event', note: 'added later' }, newline))
      return true
    case 'raw':
      yield sendText(fault.data ?? '')
      return true
    case 'duplicate':
      if (event !== undefined) yield sendEvent(event)
      return true
    case 'garbage':
      if (event !== undefined) yield sendText(event.text.replace(/\}+\s*$/, `${newline}${newline}`))
      return true
    default:
      return true
  }
}

function place({ at = 'middle' }: BodyFault, length: number): number {
  if (typeof at === 'number') return Math.min(at, length)
  if (at === 'start') return 0
  return at === 'middle' ? Math.floor(length / 2) : Math.max(0, length - 1)
}

function* drip(whole: SendStep, { gapMs = 1000, chunkBytes }: BodyFault): Generator<Step> {
  for (const step of chunkBytes === undefined ? [whole] : rechunk([whole], chunkBytes)) {
    yield { kind: 'wait', ms: gapMs }
    yield step
  }
}

/** Pauses before each round, so that a client that reads for ever leaves the event loop room for its own timers. */
function* forever(ms: number, event: SseEvent): Generator<Step, never> {
  for (;;) {
    yield { kind: 'wait', ms }
    yield sendEvent(event)
  }
}

// Each step owns its buffer: a byte stream takes the buffers that it is given away from their owner.
function sendEvent(event: SseEvent): SendStep {
  return { kind: 'send', bytes: encoder.encode(event.text), events: event.name === '' ? [] : [event.name] }
}

function sendText(text: string): SendStep {
  return sendBytes(encoder.encode(text))
}

function sendBytes(bytes: Uint8Array<ArrayBuffer>): SendStep {
  return { kind: 'send', bytes, events: [] }
}
