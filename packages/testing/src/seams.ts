import Anthropic, { type ClientOptions } from '@anthropic-ai/sdk'
import { createFetch, type Logger, type Middleware } from '@breakwater/core'

/** How a client is made of middleware and what is upstream of it. */
export interface SeamParts extends Pick<ClientOptions, 'maxRetries' | 'timeout' | 'baseURL' | 'apiKey'> {
  readonly middleware: Middleware | readonly Middleware[]
  readonly fetch?: typeof globalThis.fetch
  readonly logger?: Logger
}

const defaults = { apiKey: 'not-a-key', maxRetries: 0, logLevel: 'debug' } as const

/** Both seams, for tests that expect the same of each. */
export const seams: readonly [name: string, clientOf: (parts: SeamParts) => Anthropic][] = [
  [
    'middleware',
    ({ middleware, logger = silent, ...parts }) =>
      new Anthropic({ ...defaults, ...parts, logger, middleware: [middleware].flat() }),
  ],
  [
    'createFetch',
    ({ middleware, logger = silent, fetch, ...parts }) =>
      new Anthropic({
        ...defaults,
        ...parts,
        logger: silent,
        fetch: createFetch(middleware, { logger, ...(fetch !== undefined && { fetch }) }),
      }),
  ],
]

const silent: Logger = { error: ignore, warn: ignore, info: ignore, debug: ignore }

function ignore(): void {}

/** The parameters of a small call. */
export const params: Anthropic.MessageCreateParamsNonStreaming = {
  model: 'claude-haiku-5-5',
  max_tokens: 10,
  messages: [{ role: 'user', content: 'Hello' }],
}

/** Writes down the lines of Breakwater, and leaves out the SDK's own. */
export function recordingLogger(): { lines: [level: string, ...line: unknown[]][]; logger: Logger } {
  const lines: [level: string, ...line: unknown[]][] = []
  const write =
    (level: string) =>
    (...line: unknown[]): void => {
      if (String(line[0]).startsWith('[breakwater]')) lines.push([level, ...line])
    }
  const logger = { error: write('error'), warn: write('warn'), info: write('info'), debug: write('debug') }
  return { lines, logger }
}
