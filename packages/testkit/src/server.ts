import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { flag, integer, text } from './check.ts'
import { createEngine, type Exchange, type FakeOptions } from './engine.ts'
import type { RecordedRequest } from './request.ts'
import { playReply } from './server-reply.ts'

/** Options of {@link createFakeAnthropic}. */
export interface FakeAnthropicOptions extends FakeOptions {
  /** Port to listen on; 0 takes a free one. @default 0 */
  port?: number | undefined
  /** Address to listen on. @default '127.0.0.1' */
  host?: string | undefined
  /** Whether the server alone keeps the process alive. @default false */
  keepProcessAlive?: boolean | undefined
}

/** A fake Anthropic API on a real port. */
export interface FakeAnthropic {
  /** Base URL, without a slash at its end. */
  readonly url: string
  /** Every request so far, in the order of arrival. */
  readonly requests: readonly RecordedRequest[]
  /** Stops listening and cuts every connection: new ones are really refused, until `up`. */
  readonly down: () => Promise<void>
  /** Listens again on the same port. */
  readonly up: () => Promise<void>
  /** Ends the server and every connection at once; safe to call again. */
  readonly close: () => Promise<void>
}

/**
 * Starts a fake Anthropic API on loopback, which answers as the real one would, or as the script says.
 *
 * @throws TypeError when an option is wrong; the error of `listen` when the port cannot be had.
 * @example
 * ```ts
 * import Anthropic from '@anthropic-ai/sdk'
 * import { createFakeAnthropic } from '@breakwater/testkit'
 *
 * const fake = await createFakeAnthropic({ script: [529] })
 * await new Anthropic({ apiKey: 'test', baseURL: fake.url }).models.list()
 * console.log(fake.requests.length) // 2
 * await fake.close()
 * ```
 */
export async function createFakeAnthropic(options: FakeAnthropicOptions = {}): Promise<FakeAnthropic> {
  const engine = createEngine(options, { port: integer(0, 65_535), host: text, keepProcessAlive: flag })
  const { port = 0, host = '127.0.0.1', keepProcessAlive = false } = options
  const open = new Set<Exchange>()
  const usedSockets = new WeakSet<Socket>()
  let url = ''

  function answer(request: IncomingMessage, response: ServerResponse, body: string): void {
    const { method = 'GET', socket } = request
    const target = new URL(request.url ?? '/', url)
    const incoming = {
      method,
      url: target.href,
      path: target.pathname,
      headers: headersOf(request),
      text: body,
    }
    const exchange = engine.receive({ ...incoming, reused: usedSockets.has(socket) })
    usedSockets.add(socket)
    open.add(exchange)
    response.on('close', () => {
      exchange.close(!response.writableFinished)
      open.delete(exchange)
    })
    if (exchange.plan instanceof Promise)
      void exchange.plan.then((plan) => playReply(plan, exchange, response))
    else playReply(exchange.plan, exchange, response)
  }

  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => answer(request, response, Buffer.concat(chunks).toString()))
  })
  if (!keepProcessAlive) server.on('connection', (socket) => socket.unref())

  const listeningPort = await listen(server, port, host, keepProcessAlive)
  url = `http://${host.includes(':') ? `[${host}]` : host}:${listeningPort}`

  async function down(): Promise<void> {
    // What we end ourselves, no client aborted.
    for (const exchange of open) exchange.close(false)
    await stop(server)
  }
  async function up(): Promise<void> {
    if (!server.listening) await listen(server, listeningPort, host, keepProcessAlive)
  }
  return { url, requests: engine.requests, down, up, close: down }
}

function headersOf({ headers }: IncomingMessage): Record<string, string> {
  const plain: Record<string, string> = {}
  for (const [name, value] of Object.entries(headers)) {
    if (value !== undefined) plain[name] = Array.isArray(value) ? value.join(', ') : value
  }
  return plain
}

function listen(server: Server, port: number, host: string, keepProcessAlive: boolean): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, host, () => {
      server.off('error', reject)
      if (!keepProcessAlive) server.unref()
      const address = server.address()
      resolve(typeof address === 'object' && address !== null ? address.port : port)
    })
  })
}

function stop(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve())
    server.closeAllConnections()
  })
}
