import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type Anthropic from '@anthropic-ai/sdk'
import { classifyError } from '@breakwater/classify'
import { primary } from './client.ts'
import type { Telemetry } from './telemetry.ts'

/** How long calls may take that run when the service is told to end. */
const graceMs = 10_000
const maxQuestionLength = 100_000

/** A service that listens. */
export interface Service {
  readonly url: string
  /** Takes no more questions, lets those that run end, and sends the last of the telemetry. */
  readonly shutdown: () => Promise<void>
}

/**
 * `POST /ask` answers the question in its body, `POST /ask?stream` piece by piece; `GET /metrics` is for Prometheus,
 * `GET /healthz` for whoever balances the load.
 */
export async function startService(client: Anthropic, telemetry: Telemetry, port: number): Promise<Service> {
  const running = new Set<AbortController>()
  const server = createServer((request, response) => {
    void route(request, response).catch((error: unknown) => refuse(response, error))
  })

  async function route(request: IncomingMessage, response: ServerResponse): Promise<void> {
    switch (`${request.method} ${request.url}`) {
      case 'GET /metrics':
        return telemetry.scrape(request, response)
      case 'GET /healthz':
        return void response.end('ok\n')
      case 'POST /ask':
      case 'POST /ask?stream': {
        const question = await bodyOf(request)
        if (question === undefined) return void response.writeHead(413).end('The question is too long.\n')
        const reply = request.url === '/ask' ? answer : stream
        return reply(question, response, signalOf(response))
      }
      default:
        return void response.writeHead(404).end('There is POST /ask, GET /metrics and GET /healthz.\n')
    }
  }

  async function answer(question: string, response: ServerResponse, signal: AbortSignal): Promise<void> {
    const call = client.messages.create(paramsOf(question), { signal })
    const { data, response: upstream } = await call.withResponse()
    response.setHeader('served-by', upstream.headers.get('breakwater-served-by') ?? primary)
    const texts = data.content.map((block) => (block.type === 'text' ? block.text : ''))
    response.end(`${texts.join('')}\n`)
  }

  async function stream(question: string, response: ServerResponse, signal: AbortSignal): Promise<void> {
    const call = client.messages.create({ ...paramsOf(question), stream: true }, { signal })
    const { data, response: upstream } = await call.withResponse()
    response.setHeader('served-by', upstream.headers.get('breakwater-served-by') ?? primary)
    for await (const event of data) {
      if (event.type === 'content_block_delta' && event.delta.type === 'text_delta')
        response.write(event.delta.text)
    }
    response.end('\n')
  }

  /** The signal of a caller who hangs up, or whose time is over when the service ends. */
  function signalOf(response: ServerResponse): AbortSignal {
    const controller = new AbortController()
    running.add(controller)
    response.once('close', () => {
      running.delete(controller)
      if (!response.writableFinished) controller.abort()
    })
    return controller.signal
  }

  async function shutdown(): Promise<void> {
    const closed = new Promise((resolve) => server.close(resolve))
    server.closeIdleConnections()
    const timer = setTimeout(() => {
      for (const controller of running) controller.abort()
      server.closeAllConnections()
    }, graceMs)
    await closed
    clearTimeout(timer)
    await telemetry.shutdown()
  }

  return { url: await listen(server, port), shutdown }
}

/** Tells the caller what they can use, and nothing of what the API said. */
function refuse(response: ServerResponse, error: unknown): void {
  const { category, fault, retryAfterMs } = classifyError(error)
  if (response.headersSent) {
    // Half an answer has gone: only a broken connection still says that it is not whole.
    response.destroy()
    return
  }
  if (retryAfterMs !== undefined) response.setHeader('retry-after', Math.ceil(retryAfterMs / 1000))
  const status = fault === 'input' ? 400 : fault === 'config' ? 500 : 503
  response.writeHead(status).end(`No answer: ${category}.\n`)
}

function paramsOf(question: string): Anthropic.MessageCreateParamsNonStreaming {
  return { model: primary, max_tokens: 300, messages: [{ role: 'user', content: question }] }
}

/** The body as text; `undefined` where it is longer than a question may be. */
async function bodyOf(request: IncomingMessage): Promise<string | undefined> {
  let text = ''
  for await (const chunk of request.setEncoding('utf8')) {
    if (text.length <= maxQuestionLength) text += chunk
  }
  return text.length > maxQuestionLength ? undefined : text
}

async function listen(server: Server, port: number): Promise<string> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, '127.0.0.1', resolve)
  })
  const address = server.address()
  return `http://127.0.0.1:${typeof address === 'object' ? address?.port : port}`
}
