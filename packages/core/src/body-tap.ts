import {
  addListener,
  bodyListeners,
  forgetLate,
  tellChunk,
  tellEnd,
  tellEvent,
  tellLateWait,
  tellWait,
  type BodyListener,
} from './body-listeners.ts'
import { eventScan, type StreamEvent } from './event-scan.ts'
import { heldChunks, type HeldChunks } from './held-chunks.ts'
import { registry } from './registry.ts'
import { carryAttempt } from './send.ts'
import { isEventStream } from './streams.ts'
import { streamState, type BodyEnd, type EndCause } from './stream-state.ts'

export type { BodyListener } from './body-listeners.ts'

/** A body that all middlewares of a call listen to, and can end. */
export interface BodyTap {
  /** Adds a listener. One that comes late is told at once of the events that are held, and of the end. */
  add(listener: BodyListener): void
  /** Reads one chunk ahead and holds it for the reader; `false` at the end. Rejects as reading would. */
  peek(): Promise<boolean>
  /** How many bytes are held for the reader. */
  readonly heldBytes: number
  /**
   * Ends the body with an error for its reader, behind its first `at` bytes, and closes the connection. What the reader
   * has not got yet is dropped where `at` is not given; what it has got cannot be taken back. The first failure counts.
   * At the end of the body, in `onEnd`, it is not too late.
   */
  fail(error: unknown, at?: number): void
}

/**
 * The response with a body that can be listened to: the same one, where it has that already, has no body or a locked one.
 *
 * One stream and one scan serve all who listen. Bytes pass as they are and at the pace of their reader: nothing is read ahead,
 * except by `peek`, and nothing is kept.
 */
export function tapped(response: Response): Response {
  const { body, status, statusText, headers } = response
  if (body === null || body.locked || registry.taps.get(body) !== undefined) return response
  const { tap, stream } = tapBody(response)
  const copy = carryAttempt(response, new Response(stream, { status, statusText, headers }))
  // Kept with the body: whoever makes another response of it hands the tap on.
  registry.taps.set(copy.body ?? stream, tap)
  return copy
}

/** The tap of a response's body, where somebody has made one. */
export function tapOf({ body }: Response): BodyTap | undefined {
  return body === null ? undefined : registry.taps.get(body)
}

/** What is read of a body that was left meanwhile. */
const atEnd: ReadableStreamReadResult<Uint8Array> = { done: true, value: undefined }

interface Failure {
  readonly error: unknown
}

/**
 * Closes the connection of a body that was read ahead and then dropped. Of one that nobody has begun to read `fetch` does it. Weakly:
 * by the error that ended it, whose frames are our functions, a reader may lead to the body. The connection keeps what it still needs.
 */
const dropped = new FinalizationRegistry<WeakRef<ReadableStreamDefaultReader<Uint8Array>>>((reader) => {
  reader.deref()?.cancel().catch(ignore)
})

function tapBody(from: Response): { tap: BodyTap; stream: ReadableStream<Uint8Array> } {
  const isEvents = isEventStream(from)
  let response: Response | undefined = from
  let reader: ReadableStreamDefaultReader<Uint8Array> | undefined
  let stream: ReadableStream<Uint8Array> | undefined
  const listeners = bodyListeners()
  const state = streamState(isEvents)
  const scan = isEvents ? eventScan(onEvent) : undefined
  let held: HeldChunks | undefined
  let peeking: Promise<boolean> | undefined
  /** How many bytes have come, and behind how many of them the last event ended. */
  let arrived = 0
  let lastEnd = 0
  /** Behind how many bytes the reader gets the failure. */
  let cut = Infinity
  let failure: Failure | undefined
  let isDone = false
  let closed = false
  let end: BodyEnd | undefined

  function onEvent(event: StreamEvent): void {
    lastEnd = event.end
    state.note(event)
    tellEvent(listeners, event)
  }

  function finish(cause: EndCause): void {
    if (end !== undefined) return
    end = state.endOf(cause)
    tellEnd(listeners, end)
  }

  /**
   * Taken with the first read: a `fetch` cancels what nobody reads when its response is collected, but not a body that is locked.
   * For the same reason the response has to stay for as long as this one.
   */
  function source(): ReadableStreamDefaultReader<Uint8Array> | undefined {
    reader ??= response?.body?.getReader()
    return reader
  }

  /** Nothing more is read. Node keeps a stream until its next full collection, and with it all that this leads to. */
  function letGo(): void {
    response = undefined
    reader = undefined
    stream = undefined
  }

  function close(reason: unknown): Promise<void> {
    const closing = isDone ? undefined : (reader ?? response?.body)?.cancel(reason)
    letGo()
    return closing ?? Promise.resolve()
  }

  function fail(reason: unknown, at = 0): void {
    if (failure !== undefined || closed) return
    failure = { error: reason }
    cut = at
    scan?.stop()
    close(reason).catch(ignore)
    finish(failure)
  }

  /** Listeners may fail the body at any time. */
  function failed(): Failure | undefined {
    return failure
  }

  /** Asks for the next chunk; see {@link arrive} and {@link lose} for what becomes of it. */
  function ask(): Promise<ReadableStreamReadResult<Uint8Array>> {
    tellWait(listeners)
    return source()?.read() ?? Promise.resolve(atEnd)
  }

  /** The chunk that has come, as much of it as the reader may get; `undefined` at the end. */
  function arrive({ done, value }: ReadableStreamReadResult<Uint8Array>): Uint8Array | undefined {
    if (failure !== undefined) throw failure.error
    if (done) {
      isDone = true
      letGo()
      finish('eof')
      const broken = failed()
      if (broken !== undefined) throw broken.error
      return undefined
    }
    const from = arrived
    arrived += value.length
    scan?.push(value)
    tellChunk(listeners, value)
    const broken = failed()
    if (broken === undefined) return value
    if (cut <= from) throw broken.error
    return value.subarray(0, cut - from)
  }

  function lose(reason: unknown): never {
    const lost: Failure = { error: reason }
    if (failure === undefined) finish(lost)
    failure ??= lost
    letGo()
    throw failure.error
  }

  function hold(result: ReadableStreamReadResult<Uint8Array>): boolean {
    peeking = undefined
    forgetLate(listeners)
    const from = arrived
    const chunk = arrive(result)
    if (chunk === undefined) return false
    held ??= heldChunks(from)
    held.add(chunk, scan?.firstStart())
    return true
  }

  const tap: BodyTap = {
    get heldBytes() {
      return held?.bytes ?? 0
    },
    fail,
    add(listener) {
      if (end === undefined) addListener(listeners, listener, peeking !== undefined)
      if (isEvents && listener.onEvent !== undefined) held?.tell(listener.onEvent, Math.min(lastEnd, cut))
      if (end !== undefined) listener.onEnd?.(end)
    },
    peek() {
      if (failure !== undefined) return Promise.reject(failure.error)
      if (isDone) return Promise.resolve(false)
      if (reader === undefined) watch()
      peeking ??= ask().then(hold, (reason: unknown) => {
        peeking = undefined
        forgetLate(listeners)
        return lose(reason)
      })
      return peeking
    },
  }

  function watch(): void {
    const from = source()
    if (stream !== undefined && from !== undefined) dropped.register(stream, new WeakRef(from))
  }

  /** What was read ahead goes first, up to where the body was cut meanwhile. */
  function takeHeld(): Uint8Array | undefined {
    if (held === undefined) return undefined
    const { from } = held
    const chunk = held.take()
    if (held.bytes === 0) held = undefined
    if (chunk === undefined || cut <= from) return undefined
    return cut - from < chunk.length ? chunk.subarray(0, cut - from) : chunk
  }

  function pull(controller: ReadableStreamDefaultController<Uint8Array>): void | Promise<void> {
    if (peeking !== undefined) {
      // What is being read ahead comes first.
      tellLateWait(listeners)
      return peeking.then(() => pull(controller))
    }
    const chunk = takeHeld()
    if (chunk !== undefined) return controller.enqueue(chunk)
    if (failure !== undefined) throw failure.error
    if (isDone) return pass(controller, undefined)
    return ask().then((result) => pass(controller, arrive(result)), lose)
  }

  function pass(
    controller: ReadableStreamDefaultController<Uint8Array>,
    chunk: Uint8Array | undefined,
  ): void {
    if (chunk !== undefined) return controller.enqueue(chunk)
    closed = true
    controller.close()
  }

  function cancel(reason: unknown): Promise<void> {
    closed = true
    finish('cancel')
    return close(reason)
  }

  const made = new ReadableStream<Uint8Array>({ pull, cancel }, { highWaterMark: 0 })
  stream = made
  return { tap, stream: made }
}

function ignore(): void {}
