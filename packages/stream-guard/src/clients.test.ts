import { createAnthropic } from '@ai-sdk/anthropic'
import { classifyError } from '@breakwater/classify'
import { createFetch, discard, send, type Middleware } from '@breakwater/core'
import { fakeFetch, type FakeFetch, type ScriptEntry } from '@breakwater/testkit'
import { params } from '@breakwater/testing'
import { ChatAnthropic } from '@langchain/anthropic'
import { dynamicTool, jsonSchema, streamText } from 'ai'
import { describe, expect, it } from 'vitest'
import { streamGuard } from './stream-guard.ts'
import { isStreamInterruptedError } from './stream-interrupted-error.ts'
import { eventsOf } from './testing/outcomes.ts'

const toolUse = { toolUse: { name: 'find', input: { query: 'weather' } } }

const once: Middleware = async function once(request, next, ctx) {
  const response = await send(request, next, ctx)
  if (response.ok) return response
  discard(response)
  return send(request, next, ctx, { reason: 'retry' })
}

function start(...script: ScriptEntry[]): { fetch: FakeFetch; guarded: typeof globalThis.fetch } {
  const fetch = fakeFetch({ script })
  return { fetch, guarded: createFetch([once, streamGuard()], { fetch }) }
}

describe('the Vercel AI SDK', () => {
  async function read(
    fetch: typeof globalThis.fetch,
  ): Promise<{ text: string; calls: number; error: unknown }> {
    const model = createAnthropic({ apiKey: 'key', baseURL: 'https://api.anthropic.com/v1', fetch })(
      params.model,
    )
    let calls = 0
    const find = dynamicTool({
      inputSchema: jsonSchema({ type: 'object' }),
      execute: () => {
        calls++
        return Promise.resolve('sunny')
      },
    })
    const { fullStream } = streamText({
      model,
      prompt: 'hi',
      maxRetries: 0,
      tools: { find },
      onError: () => {},
    })
    const { events, error } = await eventsOf(fullStream)
    const errors = events.flatMap((part) => (part.type === 'error' ? [part.error] : []))
    return {
      text: events.map((part) => (part.type === 'text-delta' ? part.text : '')).join(''),
      calls,
      error: error ?? errors[0],
    }
  }

  it('reads a guarded stream as it is', async () => {
    expect(await read(start({ text: 'hello there' }).guarded)).toEqual({
      text: 'hello there',
      calls: 0,
      error: undefined,
    })
    expect(await read(start(toolUse).guarded)).toEqual({ text: '', calls: 1, error: undefined })
  })

  it('gets another attempt for a failure before the content', async () => {
    const { fetch, guarded } = start({ fault: { kind: 'end', at: 2 } }, { text: 'healed' })
    expect(await read(guarded)).toMatchObject({ text: 'healed', error: undefined })
    expect(fetch.requests).toHaveLength(2)
  })

  it.each<[string, ScriptEntry, string]>([
    ['the end', { text: 'a text of some length', fault: { kind: 'end', at: 5 } }, 'truncated'],
    ['an error', { text: 'a text of some length', fault: { kind: 'error', at: 5 } }, 'error_event'],
    ['a cut', { text: 'a text of some length', fault: { kind: 'cut', at: 5 } }, 'cut'],
    ['the input of a tool', { ...toolUse, fault: 'truncatedToolJson' }, 'tool_input'],
  ])('gets the typed error for %s after it, as the cause of its own', async (_, reply, reason) => {
    const { error, calls } = await read(start(reply).guarded)
    expect(error).toMatchObject({ name: 'AI_APICallError', isRetryable: false, cause: { reason } })
    expect(isStreamInterruptedError((error as Error).cause)).toBe(true)
    expect(classifyError(error)).toMatchObject({ category: 'stream_interrupted' })
    expect(calls).toBe(0)
  })

  it('takes the same end for a whole answer without the guard', async () => {
    const reply = { text: 'a text of some length', fault: { kind: 'end', at: 5 } } as const
    expect(await read(fakeFetch({ script: [reply] }))).toMatchObject({ error: undefined })
  })
})

describe('LangChain', () => {
  function modelOf(fetch: typeof globalThis.fetch): ChatAnthropic {
    return new ChatAnthropic({ model: params.model, apiKey: 'key', maxRetries: 0, clientOptions: { fetch } })
  }

  it('reads a guarded stream as it is, and gets another attempt', async () => {
    const { fetch, guarded } = start({ fault: { kind: 'error', at: 2 } }, { text: 'hello there' })
    const { events, error } = await eventsOf(modelOf(guarded).stream('hi'))
    expect(error).toBeUndefined()
    expect(events.map(({ text }) => text).join('')).toBe('hello there')
    expect(fetch.requests).toHaveLength(2)
  })

  it.each<[string, ScriptEntry, string]>([
    ['the end', { fault: { kind: 'end', at: 5 } }, 'truncated'],
    ['an error', { fault: { kind: 'error', at: 5 } }, 'error_event'],
    ['the input of a tool', { ...toolUse, fault: 'truncatedToolJson' }, 'tool_input'],
  ])('gets the typed error for %s', async (_, reply, reason) => {
    const { error } = await eventsOf(modelOf(start(reply).guarded).stream('hi'))
    expect(isStreamInterruptedError(error)).toBe(true)
    expect(error).toMatchObject({ reason })
  })

  it('takes the same end for a whole answer without the guard', async () => {
    const { error } = await eventsOf(
      modelOf(fakeFetch({ script: [{ fault: { kind: 'end', at: 5 } }] })).stream('hi'),
    )
    expect(error).toBeUndefined()
  })
})
