import Anthropic from '@anthropic-ai/sdk'
import { createFetch, isBreakwaterError, type Logger, type Middleware } from '@breakwater/core'
import { isStreamInterruptedError } from '@breakwater/stream-guard'
import { seams } from '@breakwater/testing'
import { secrets } from './fault.ts'
import type { Ending, Setting } from './model/predict.ts'

/** What a caller is made of. */
export interface CallerParts extends Pick<Setting, 'client' | 'maxRetries' | 'model'> {
  readonly middleware: readonly Middleware[]
  readonly fetch: typeof globalThis.fetch
  readonly logger: Logger
  readonly isStream: boolean
  /** Told as each event of a stream arrives. */
  readonly onEvent: (index: number) => void
}

/** Makes calls, each of which ends with what its caller got; rejects with what was thrown. */
export type Caller = (signal: AbortSignal | null) => Promise<Ending>

/** A caller of one of the three kinds. */
export function createCaller(parts: CallerParts): Caller {
  return parts.client === 'fetch' ? byFetch(parts) : bySdk(parts)
}

const question = [{ role: 'user' as const, content: secrets.prompt }]

function bySdk({ client, maxRetries, model, isStream, onEvent, ...parts }: CallerParts): Caller {
  const clientOf = seams.find(([name]) => name === client)?.[1]
  if (clientOf === undefined) throw new Error(`There is no seam ${client}.`)
  const sdk = clientOf({ ...parts, maxRetries, apiKey: secrets.key })
  const params = { model, max_tokens: 100, messages: question }
  return async (signal) => {
    const options = signal === null ? {} : { signal }
    if (!isStream) return `answer of ${(await sdk.messages.create(params, options)).model}`
    const stream = await sdk.messages.create({ ...params, stream: true }, options)
    const seen = { model: '', isWhole: false, events: 0 }
    for await (const event of stream) {
      if (event.type === 'message_start') seen.model = event.message.model
      if (event.type === 'message_stop') seen.isWhole = true
      onEvent(seen.events++)
    }
    if (seen.isWhole) return `answer of ${seen.model}`
    return signal?.aborted === true ? 'aborted' : 'broken stream'
  }
}

function byFetch({ middleware, fetch, logger, model, isStream, onEvent }: CallerParts): Caller {
  const send = createFetch(middleware, { fetch, logger })
  const body = JSON.stringify({
    model,
    max_tokens: 100,
    messages: question,
    ...(isStream && { stream: true }),
  })
  return async (signal) => {
    const headers = {
      'content-type': 'application/json',
      'anthropic-version': '2026-10-21',
      authorization: `Bearer ${secrets.key}`,
    }
    const response = await send('https://api.anthropic.com/v1/messages', {
      method: 'POST',
      headers,
      body,
      signal,
    })
    const decoder = new TextDecoder()
    let text = ''
    let events = 0
    if (response.body !== null) {
      for await (const chunk of response.body) {
        text += decoder.decode(chunk, { stream: true })
        onEvent(events++)
      }
    }
    if (response.status >= 400) {
      return text.includes('"circuit_open"') ? 'circuit open' : `status ${response.status}`
    }
    return isStream ? endingOfEvents(text) : `answer of ${modelIn(text)}`
  }
}

function modelIn(text: string): string {
  return /"model":"([^"]*)"/.exec(text)?.[1] ?? 'nobody'
}

function endingOfEvents(text: string): Ending {
  const data = text.match(/^data: .*$/gm) ?? []
  const isWhole = data.every(isJson) && !text.includes('event: error') && text.includes('event: message_stop')
  return isWhole ? `answer of ${modelIn(text)}` : 'broken stream'
}

function isJson(line: string): boolean {
  try {
    JSON.parse(line.slice('data: '.length))
    return true
  } catch {
    return false
  }
}

/** What was thrown, in the same words. */
export function endingOfError(error: unknown, signal: AbortSignal | null): Ending {
  if (error instanceof Anthropic.APIUserAbortError) return 'aborted'
  if (signal?.aborted === true && error === signal.reason) return 'aborted'
  if (isStreamInterruptedError(error)) return 'stream interrupted'
  if (isBreakwaterError(error)) return error.category === 'timeout' ? 'too late' : 'circuit open'
  if (error instanceof Anthropic.APIConnectionTimeoutError) return 'too late'
  if (error instanceof Anthropic.APIConnectionError) return 'connection failed'
  if (error instanceof Anthropic.APIError) {
    if (error.status === undefined) return 'broken stream'
    return error.errorCode === 'circuit_open' ? 'circuit open' : `status ${error.status}`
  }
  const isNetwork = error instanceof TypeError && error.message === 'fetch failed'
  if (!isNetwork) return 'broken stream'
  return /ETIMEDOUT/.test(String(error.cause)) ? 'too late' : 'connection failed'
}
