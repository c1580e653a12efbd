import { AnthropicBedrock } from '@anthropic-ai/bedrock-sdk'
import { AnthropicFoundry } from '@anthropic-ai/foundry-sdk'
import type { Anthropic, ClientOptions } from '@anthropic-ai/sdk'
import { AnthropicVertex, type ClientOptions as VertexOptions } from '@anthropic-ai/vertex-sdk'
import { createFetch, type Logger, type Middleware } from '@breakwater/core'
import { eventStreamType, toEventStream } from './event-stream.ts'
import type { SeamParts } from './seams.ts'

/** What the clients of all clouds have. */
export interface CloudClient {
  readonly messages: Pick<Anthropic['messages'], 'create' | 'stream'>
}

/** How a cloud's client is made. `fetch` is a fake of the first-party API: the cloud's own wire is mapped to it and back. */
export interface CloudParts extends Pick<SeamParts, 'fetch' | 'logger' | 'maxRetries'> {
  readonly middleware: Middleware | readonly Middleware[]
  /** Where the middleware stands. @default 'middleware' */
  readonly seam?: 'middleware' | 'createFetch'
}

/** The real clients of the clouds, by name, before a fake API. Only Foundry's wire is that of the API itself. */
export const clouds: readonly [name: string, clientOf: (parts: CloudParts) => CloudClient][] = [
  [
    'Bedrock',
    (parts) =>
      new AnthropicBedrock({
        ...optionsOf(parts),
        awsRegion: 'us-east-1',
        awsAccessKey: 'not-a-key',
        awsSecretKey: 'not-a-secret',
      }),
  ],
  [
    'Vertex',
    (parts) =>
      new AnthropicVertex({ ...optionsOf(parts), region: 'us-east5', projectId: 'project', authClient }),
  ],
  [
    'Foundry',
    (parts) => new AnthropicFoundry({ ...optionsOf(parts), resource: 'resource', apiKey: 'not-a-key' }),
  ],
]

// Of Google's client no more is used.
const authClient = {
  projectId: 'project',
  getRequestHeaders: () => Promise.resolve(new Headers({ authorization: 'Bearer not-a-token' })),
} as unknown as NonNullable<VertexOptions['authClient']>

const silent: Logger = { error: ignore, warn: ignore, info: ignore, debug: ignore }

function ignore(): void {}

function optionsOf({
  middleware,
  seam = 'middleware',
  fetch = globalThis.fetch,
  logger = silent,
  maxRetries = 0,
}: CloudParts): Pick<ClientOptions, 'maxRetries' | 'logLevel' | 'logger' | 'fetch' | 'middleware'> {
  const wire = fromWire(fetch)
  return seam === 'middleware'
    ? { maxRetries, logLevel: 'debug', logger, fetch: wire, middleware: [middleware].flat() }
    : { maxRetries, logger: silent, fetch: createFetch(middleware, { fetch: wire, logger }) }
}

/** A `fetch` that takes the wire of any cloud, and asks a fake of the first-party API at the same host. */
export function fromWire(fake: typeof globalThis.fetch): typeof globalThis.fetch {
  return async (input, init) => {
    const url = new URL(input instanceof Request ? input.url : input)
    const bedrock = /\/model\/([^/]+)\/invoke(-with-response-stream)?$/.exec(url.pathname)
    const vertex = /\/models\/([^/]+):(r|streamR)awPredict$/.exec(url.pathname)
    const inUrl = bedrock ?? vertex
    const target = `${url.origin}/v1/messages`
    if (inUrl === null) return fake(url.pathname.endsWith('/v1/messages') ? target : input, init)

    const { anthropic_version: _, ...body } = JSON.parse(String(init?.body)) as Record<string, unknown>
    const isStream = bedrock?.[2] !== undefined || vertex?.[2] === 'streamR'
    const model = decodeURIComponent(inUrl[1] ?? '')
    const response = await fake(target, {
      ...init,
      body: JSON.stringify({ model, ...body, ...(isStream && { stream: true }) }),
    })
    if (bedrock === null || !isStream || !response.ok || response.body === null) return response
    const { status, statusText } = response
    const headers = new Headers(response.headers)
    headers.set('content-type', eventStreamType)
    headers.delete('content-length')
    return new Response(toEventStream(response.body), { status, statusText, headers })
  }
}
