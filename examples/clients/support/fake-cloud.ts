import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { createFakeAnthropic } from '@breakwater/testkit'
import { toEventStream } from '@breakwater/testing'
import type { StartFake } from './prove.ts'

/** A fake of Bedrock, Vertex and Foundry: it takes the wire of each, and asks a fake Anthropic API. */
export const startFakeCloud: StartFake = async (options) => {
  const fake = await createFakeAnthropic(options)
  const server = createServer((incoming, outgoing) => {
    // A connection that breaks on one side is broken on the other.
    answer(fake.url, incoming, outgoing).catch(() => outgoing.destroy())
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  return {
    url: `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`,
    requests: fake.requests,
    async close() {
      server.close()
      server.closeAllConnections()
      await fake.close()
    },
  }
}

async function answer(api: string, incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
  const gone = new AbortController()
  outgoing.on('close', () => gone.abort())
  const { path, body, isFramed } = await canonical(incoming)
  const response = await fetch(api + path, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body,
    signal: gone.signal,
  })
  outgoing.statusCode = response.status
  for (const [name, value] of response.headers)
    if (!isOfConnection.test(name)) outgoing.setHeader(name, value)
  const isFrames = isFramed && response.ok
  if (isFrames) outgoing.setHeader('content-type', 'application/vnd.amazon.eventstream')
  outgoing.flushHeaders()
  if (response.body === null) return void outgoing.end()
  const bytes = isFrames ? toEventStream(response.body) : response.body
  await pipeline(Readable.from(bytes), outgoing)
}

const isOfConnection = /^(connection|content-length|transfer-encoding|keep-alive)$/

/** The request as Anthropic's own API takes it: Bedrock and Vertex have the model, and whether to stream, in the path. */
async function canonical(
  incoming: IncomingMessage,
): Promise<{ path: string; body: string; isFramed: boolean }> {
  let text = ''
  for await (const chunk of incoming.setEncoding('utf8')) text += chunk
  const path = incoming.url ?? ''
  const bedrock = /\/model\/([^/]+)\/invoke(-with-response-stream)?$/.exec(path)
  const vertex = /\/models\/([^/]+):(r|streamR)awPredict$/.exec(path)
  const [, model, way] = bedrock ?? vertex ?? []
  if (model === undefined) return { path: path.replace(/^\/anthropic\//, '/'), body: text, isFramed: false }
  const { anthropic_version: _, ...body } = JSON.parse(text) as Record<string, unknown>
  const stream = way === '-with-response-stream' || way === 'streamR'
  return {
    path: '/v1/messages',
    body: JSON.stringify({ ...body, model: decodeURIComponent(model), stream }),
    isFramed: bedrock !== null && stream,
  }
}
