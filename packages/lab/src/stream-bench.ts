import { collector } from './heap.ts'
import { streamCases, transcript, type StreamCase, type Transcript } from './stream-cases.ts'

const rounds = 9

/** What reading a stream costs each way, as a Markdown table: one chunk per event, and 64 kB chunks. */
export async function streamTable(): Promise<string> {
  const small = transcript(10_000, 12, 1)
  const large = transcript(160_000, 400, 120)
  const lines = ['| case | µs per event | MB/s in large chunks |', '| --- | --: | --: |']
  for (const streamCase of streamCases()) {
    const perEvent = (1_000 * (await medianMs(streamCase, small))) / small.events
    const perSecond = large.bytes / 1_000 / (await medianMs(streamCase, large, 3))
    lines.push(`| ${streamCase.name} | ${perEvent.toFixed(2)} | ${perSecond.toFixed(0)} |`)
  }
  return lines.join('\n')
}

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

async function medianMs({ read }: StreamCase, stream: Transcript, count = rounds): Promise<number> {
  const times: number[] = []
  for (let round = 0; round < count; round++) {
    const from = performance.now()
    await read(stream)
    times.push(performance.now() - from)
  }
  return times.toSorted((a, b) => a - b)[Math.floor(count / 2)] ?? NaN
}
