import type Anthropic from '@anthropic-ai/sdk'
import { callOf, type Call, type Middleware } from '@breakwater/core'
import { fakeFetch, type RecordedRequest, type Script } from '@breakwater/testkit'
import { params, type SeamParts } from '@breakwater/testing'
import { vi } from 'vitest'

/** How a call is made. */
export interface PlayOptions extends Pick<SeamParts, 'timeout' | 'maxRetries'> {
  readonly signal?: AbortSignal
  readonly model?: string
  readonly stream?: boolean
}

/** What a call came to. */
export interface Outcome {
  /** The message, or what was thrown. Of a stream: `{ type: 'message', model, isWhole }`. */
  readonly value: unknown
  readonly requests: readonly RecordedRequest[]
  /** When upstream saw each request, in milliseconds. */
  readonly times: readonly number[]
  readonly call: Call
  /** When it was over, in milliseconds. */
  readonly endedAt: number
}

/** Plays a script to a stack on fake time, and goes on until the call has settled. */
export async function play(
  clientOf: (parts: SeamParts) => Anthropic,
  middleware: readonly Middleware[],
  script: Script,
  { timeout, maxRetries, signal, model = params.model, stream = false }: PlayOptions = {},
): Promise<Outcome> {
  const fetch = fakeFetch({ script })
  let call: Call | undefined
  const look: Middleware = (request, next, ctx) => {
    call = callOf(request, ctx)
    return next(request)
  }
  const client = clientOf({
    middleware: [look, ...middleware],
    fetch,
    ...(timeout !== undefined && { timeout }),
    ...(maxRetries !== undefined && { maxRetries }),
  })
  const startedAt = Date.now()
  const end: { at?: number } = {}
  const calling = stream
    ? readStream(client, model, signal)
    : client.messages.create({ ...params, model }, { signal })
  const value = calling.catch((error: unknown) => error).finally(() => (end.at = Date.now() - startedAt))
  while (end.at === undefined) await vi.advanceTimersToNextTimerAsync()
  if (call === undefined) throw new Error('The call has no state.')
  const { requests } = fetch
  return {
    value: await value,
    requests,
    times: requests.map(({ at }) => Math.round(at)),
    call,
    endedAt: end.at,
  }
}

async function readStream(
  client: Anthropic,
  model: string,
  signal: AbortSignal | undefined,
): Promise<object> {
  const stream = await client.messages.create({ ...params, model, stream: true }, { signal })
  const seen = { type: 'message', model: '', isWhole: false }
  for await (const event of stream) {
    if (event.type === 'message_start') seen.model = event.message.model
    if (event.type === 'message_stop') seen.isWhole = true
  }
  return seen
}

/** Every order of some parts. */
export function ordersOf<Part>(parts: readonly Part[]): readonly (readonly Part[])[] {
  if (parts.length === 0) return [[]]
  return parts.flatMap((part) =>
    ordersOf(parts.filter((other) => other !== part)).map((rest) => [part, ...rest]),
  )
}
