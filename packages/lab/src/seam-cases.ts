import Anthropic, { type ClientOptions } from '@anthropic-ai/sdk'
import { createFetch } from '@breakwater/core'
import { parts, stacks, type Stack } from './bench/stacks.ts'
import { callParts, freshUpstream, later, read, url, type Case } from './call-parts.ts'

/** What both seams are measured with: nothing, each package alone, and the stacks. */
const all: readonly (Stack | undefined)[] = [undefined, ...parts, ...stacks]
/** What the SDK's own calls are measured with. */
const whole: readonly (Stack | undefined)[] = [undefined, ...stacks]

/** What a stack is called in a table; nothing at all is `bare`. */
export function nameOf(stack: Stack | undefined): string {
  return stack?.name ?? 'bare'
}

/** As the SDK calls its `middleware`, without the SDK. */
export function middlewareCases(bytes: number): Case[] {
  const { request, context } = callParts(bytes)
  return all.map((stack) => {
    const middleware = stack?.make()
    const call =
      middleware === undefined
        ? () => freshUpstream(request(), context())
        : () => middleware(request(), freshUpstream, context())
    return read(nameOf(stack), call)
  })
}

/** Around a `fetch`. */
export function fetchCases(bytes: number): Case[] {
  const { init } = callParts(bytes)
  return all.map((stack) => {
    const fetch = stack === undefined ? freshUpstream : createFetch(stack.make(), { fetch: freshUpstream })
    return read(nameOf(stack), () => fetch(url, init))
  })
}

const message = {
  id: 'msg',
  type: 'message',
  role: 'assistant',
  model: 'claude-bench',
  content: [{ type: 'text', text: 'x'.repeat(800) }],
  stop_reason: 'end_turn',
  stop_sequence: null,
  usage: { input_tokens: 10, output_tokens: 200 },
}
const answer = JSON.stringify(message)
const headers = { 'content-type': 'application/json', 'request-id': 'req_bench' }
const answers = (): Promise<Response> => later(() => new Response(answer, { headers }))

/** The SDK's own `create()` over a `fetch` that answers at once, with a stack in its `middleware`. */
export function createCases(bytes: number): Case[] {
  return whole.map((stack) =>
    creates(nameOf(stack), bytes, { middleware: stack === undefined ? [] : [stack.make()] }),
  )
}

/** The same with a stack in its `fetch`. */
export function createFetchCases(bytes: number): Case[] {
  return whole.map((stack) =>
    creates(
      nameOf(stack),
      bytes,
      stack === undefined ? {} : { fetch: createFetch(stack.make(), { fetch: answers }) },
    ),
  )
}

/** A client that makes one call after the other. */
export function creates(name: string, bytes: number, options: ClientOptions): Case {
  const client = new Anthropic({
    apiKey: 'not-a-key',
    maxRetries: 0,
    logLevel: 'off',
    fetch: answers,
    ...options,
  })
  const params = {
    model: 'claude-bench',
    max_tokens: 1,
    messages: [{ role: 'user' as const, content: 'x'.repeat(bytes) }],
  }
  return { name, call: () => client.messages.create(params) }
}
