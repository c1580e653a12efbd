/** The default of `readBody`'s `maxBytes`: how much of an error body is read. */
export const bodyMaxBytes: number = 64 * 1024
/** The default of `readBody`'s `maxMs`: how long an error body is waited for. */
export const bodyMaxMs = 1000

/** What arrived of a body within the limits. */
export interface BodyStart {
  readonly chunks: readonly Uint8Array<ArrayBuffer>[]
  /** The same as UTF-8; a character cut at the limit is left out. */
  readonly text: string
  /** Whether the body ended by itself. */
  readonly ended: boolean
}

/** Reads the start of a body: at most `maxBytes` bytes and `maxMs` ms. Never rejects, never cancels. */
export async function readBody(
  reader: Pick<ReadableStreamDefaultReader<Uint8Array<ArrayBuffer>>, 'read'>,
  maxBytes: number = bodyMaxBytes,
  maxMs: number = bodyMaxMs,
): Promise<BodyStart> {
  let timer: ReturnType<typeof setTimeout> | undefined
  const expired = new Promise<undefined>((resolve) => {
    timer = setTimeout(() => resolve(undefined), maxMs)
  })
  const chunks: Uint8Array<ArrayBuffer>[] = []
  const decoder = new TextDecoder()
  let text = ''
  let size = 0
  let ended = false

  try {
    while (size < maxBytes) {
      const reading = reader.read()
      // Nobody looks at it when the time is up: a late failure is not an unhandled one.
      reading.catch(() => {})
      const result = await Promise.race([reading, expired])
      if (result === undefined) break
      ended = result.done
      if (result.done) break
      const chunk = result.value.subarray(0, maxBytes - size)
      chunks.push(chunk)
      text += decoder.decode(chunk, { stream: true })
      // An empty chunk counts too: an endless run of them would never let the timer fire.
      size += Math.max(1, chunk.byteLength)
    }
  } catch {
    // Broken off: what arrived is all there is.
  }
  clearTimeout(timer)
  return { chunks, text, ended }
}
