import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import type Anthropic from '@anthropic-ai/sdk'
import { classifyError } from '@breakwater/classify'
import { createAdaptorServer } from '@hono/node-server'
import { Hono, type Context } from 'hono'
import { bodyLimit } from 'hono/body-limit'
import { streamSSE } from 'hono/streaming'
import { primary } from './options.ts'

/** `POST /ask` answers the question in its body as JSON, `POST /ask/stream` as server-sent events. */
export function createApp(client: Anthropic, ending: AbortSignal): Hono {
  const app = new Hono()
  app.use(bodyLimit({ maxSize: 100_000 }))

  app.post('/ask', async (c) => {
    const call = client.messages.create(paramsOf(await c.req.text()), { signal: signalOf(c) })
    const { data, response } = await call.withResponse()
    const answer = data.content.map((block) => (block.type === 'text' ? block.text : '')).join('')
    return c.json({ answer, servedBy: response.headers.get('breakwater-served-by') ?? primary })
  })

  app.post('/ask/stream', async (c) => {
    const signal = signalOf(c)
    const params = { ...paramsOf(await c.req.text()), stream: true } as const
    // The guard holds this back until the first content: what fails before it is still an answer of its own below.
    const events = await client.messages.create(params, { signal })
    return streamSSE(c, async (out) => {
      try {
        for await (const event of events) {
          if (event.type === 'content_block_delta' && event.delta.type === 'text_delta')
            await out.writeSSE({ event: 'text', data: JSON.stringify(event.delta.text) })
        }
        await out.writeSSE({ event: 'done', data: '' })
      } catch (error) {
        // Half an answer has gone: say so, for an end alone looks like a whole one. Not by throwing: hono sends the message.
        await out.writeSSE({ event: 'error', data: classifyError(error).category })
      }
    })
  })

  // The caller gets what they can use, and nothing of what the API said.
  app.onError((error, c) => {
    const { category, fault, retryAfterMs } = classifyError(error)
    if (retryAfterMs !== undefined) c.header('retry-after', String(Math.ceil(retryAfterMs / 1000)))
    return c.json({ error: category }, fault === 'input' ? 400 : fault === 'config' ? 500 : 503)
  })

  /** Aborts when the caller hangs up, or when the service ends. */
  function signalOf(c: Context): AbortSignal {
    return AbortSignal.any([c.req.raw.signal, ending])
  }

  return app
}

function paramsOf(question: string): Anthropic.MessageCreateParamsNonStreaming {
  return { model: primary, max_tokens: 100, messages: [{ role: 'user', content: question }] }
}

/**
 * Starts it on a free port of loopback. `shutdown` takes no more questions, and gives the answers on their way `graceMs`
 * to end.
 */
export async function start(
  client: Anthropic,
  graceMs: number,
): Promise<{ url: string; shutdown: () => Promise<void> }> {
  const ending = new AbortController()
  const app = createApp(client, ending.signal)
  const server = createAdaptorServer({ fetch: app.fetch }) as Server
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}`,
    async shutdown() {
      const closed = new Promise((resolve) => server.close(resolve))
      const timer = setTimeout(() => {
        ending.abort()
        server.closeAllConnections()
      }, graceMs)
      await closed
      clearTimeout(timer)
    },
  }
}
