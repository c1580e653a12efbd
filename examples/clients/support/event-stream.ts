/** Bedrock's wire: frames of an AWS event stream, with the data of each server-sent event in base64. */
export function toEventStream(): TransformStream<Uint8Array, Uint8Array> {
  const decoder = new TextDecoder()
  let text = ''
  return new TransformStream({
    transform(chunk, controller) {
      text += decoder.decode(chunk, { stream: true })
      const events = text.split('\n\n')
      text = events.pop() ?? ''
      for (const event of events) {
        const data = /^data: (.*)$/m.exec(event)?.[1]
        const isPing = event.startsWith('event: ping')
        if (data !== undefined && !isPing) controller.enqueue(frame(Buffer.from(data).toString('base64')))
      }
    },
  })
}

const names = { ':event-type': 'chunk', ':content-type': 'application/json', ':message-type': 'event' }
const headers = Buffer.concat(
  Object.entries(names).flatMap(([name, value]) => [
    Buffer.from([name.length]),
    Buffer.from(name),
    // The type of a string, and its length in two bytes.
    Buffer.from([7, 0, value.length]),
    Buffer.from(value),
  ]),
)

/** Lengths and their checksum, headers, payload, checksum of all that. */
function frame(bytes: string): Uint8Array {
  const payload = Buffer.from(JSON.stringify({ bytes }))
  const whole = Buffer.alloc(16 + headers.length + payload.length)
  whole.writeUInt32BE(whole.length, 0)
  whole.writeUInt32BE(headers.length, 4)
  whole.writeUInt32BE(crc32(whole.subarray(0, 8)), 8)
  headers.copy(whole, 12)
  payload.copy(whole, 12 + headers.length)
  whole.writeUInt32BE(crc32(whole.subarray(0, -4)), whole.length - 4)
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
