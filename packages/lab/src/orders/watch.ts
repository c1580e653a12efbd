/** How a body has ended: `unread` and `open` are leaks, once nobody wants it any more. */
export type BodyState = 'none' | 'unread' | 'open' | 'ended' | 'cancelled' | 'failed'

/** A body that was watched on its way. */
export interface WatchedBody {
  state: BodyState
  readonly chunks: Uint8Array[]
}

/** The response, with a body that keeps what was read of it. Read only as fast as it is asked for. */
export function watchBody(response: Response, seen: WatchedBody): Response {
  const { body, status, statusText, headers } = response
  if (body === null) return response
  seen.state = 'unread'
  let reader: ReadableStreamDefaultReader<Uint8Array> | undefined
  const stream = new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        reader ??= body.getReader()
        seen.state = 'open'
        try {
          const { done, value } = await reader.read()
          if (done) {
            seen.state = 'ended'
            controller.close()
          } else {
            seen.chunks.push(value)
            controller.enqueue(value)
          }
        } catch (error) {
          seen.state = 'failed'
          controller.error(error)
        }
      },
      cancel(reason) {
        seen.state = 'cancelled'
        return (reader ?? body).cancel(reason)
      },
    },
    { highWaterMark: 0 },
  )
  return new Response(stream, { status, statusText, headers })
}

/** The bytes in one piece. */
export function joined(chunks: readonly Uint8Array[]): Uint8Array {
  return new Uint8Array(Buffer.concat(chunks))
}

/** Counts the listeners that are on a signal, from now on. */
export function watchSignal(signal: AbortSignal): { readonly count: number } {
  const listeners = new Map<unknown, boolean>()
  const { addEventListener, removeEventListener } = signal
  Object.assign(signal, {
    addEventListener(type: 'abort', listener: EventListener, options?: AddEventListenerOptions) {
      if (type === 'abort' && !listeners.has(listener)) listeners.set(listener, options?.once === true)
      addEventListener.call(signal, type, listener, options)
    },
    removeEventListener(type: 'abort', listener: EventListener) {
      listeners.delete(listener)
      removeEventListener.call(signal, type, listener)
    },
  })
  return {
    get count() {
      // One that is called once is gone after that.
      const isLeft = (isOnce: boolean): boolean => !(isOnce && signal.aborted)
      return [...listeners.values()].filter(isLeft).length
    },
  }
}
