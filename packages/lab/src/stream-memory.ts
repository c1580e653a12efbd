import { collector } from './heap.ts'
import { streamCases, transcript, type Transcript } from './stream-cases.ts'

/** Heap that is in use while a stream of 100 MB is being read, at most, above what was in use before; in MB. */
export async function retained(name: string): Promise<number> {
  const streamCase = streamCases().find((found) => found.name === name)
  if (streamCase === undefined) throw new Error(`There is no case ${name}.`)
  const collect = collector()
  const used = (): number => {
    collect()
    collect()
    return process.memoryUsage().heapUsed + process.memoryUsage().arrayBuffers
  }
  const stream = transcript(220_000, 400, 120)
  const before = used()
  let most = 0
  let chunks = 0
  const watched: Transcript = {
    ...stream,
    response: () => {
      const response = stream.response()
      const reader = response.body?.getReader()
      const body = new ReadableStream<Uint8Array>(
        {
          async pull(controller) {
            if (++chunks % 200 === 0) most = Math.max(most, used() - before)
            const { done = true, value } = (await reader?.read()) ?? {}
            if (done || value === undefined) controller.close()
            else controller.enqueue(value)
          },
        },
        { highWaterMark: 0 },
      )
      return new Response(body, response)
    },
  }
  await streamCase.read(watched)
  return most / 1e6
}
