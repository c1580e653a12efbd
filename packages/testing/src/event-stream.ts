const encoder = new TextEncoder()

/** Turns server-sent events into the frames of an AWS event stream, as Bedrock sends them: their data in base64, no pings. */
export function toEventStream(body: ReadableStream<Uint8Array>): ReadableStream<Uint8Array> {
  const decoder = new TextDecoder()
  let text = ''
  const frames = new TransformStream<Uint8Array, Uint8Array>({
    transform(chunk, controller) {
      text += decoder.decode(chunk, { stream: true })
      const events = text.split('\n\n')
      text = events.pop() ?? ''
      for (const event of events) {
        const data = /^data: (.*)$/m.exec(event)?.[1]
        if (data !== undefined && !/^event: ping$/m.test(event)) controller.enqueue(chunkFrame(data))
      }
    },
  })
  return body.pipeThrough(frames)
}

/** The media type of {@link toEventStream}. */
export const eventStreamType = 'application/vnd.amazon.eventstream'

function chunkFrame(data: string): Uint8Array {
  const bytes = btoa(String.fromCodePoint(...encoder.encode(data)))
  return frame(
    { ':event-type': 'chunk', ':content-type': 'application/json', ':message-type': 'event' },
    encoder.encode(JSON.stringify({ bytes })),
  )
}

/** Lengths and checksum, headers, payload, checksum of all that. */
function frame(headers: Readonly<Record<string, string>>, payload: Uint8Array): Uint8Array {
  const head = Object.entries(headers).flatMap(([name, value]) => [
    name.length,
    ...encoder.encode(name),
    // The type of a string, and its length in two bytes.
    7,
    value.length >> 8,
    value.length & 0xff,
    ...encoder.encode(value),
  ])
  const whole = new Uint8Array(16 + head.length + payload.length)
  const view = new DataView(whole.buffer)
  view.setUint32(0, whole.length)
  view.setUint32(4, head.length)
  view.setUint32(8, crc32(whole.subarray(0, 8)))
  whole.set(head, 12)
  whole.set(payload, 12 + head.length)
  view.setUint32(whole.length - 4, crc32(whole.subarray(0, -4)))
  return whole
}

function crc32(bytes: Uint8Array): number {
  let crc = ~0
  for (const byte of bytes) {
    crc ^= byte
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0xed_b8_83_20 : 0)
  }
  return ~crc >>> 0
}
