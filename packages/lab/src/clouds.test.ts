import { circuitBreaker } from '@breakwater/circuit-breaker'
import { createFetch, type Middleware } from '@breakwater/core'
import { jitterRetry } from '@breakwater/jitter-retry'
import { modelFailover } from '@breakwater/model-failover'
import { isStreamInterruptedError, streamGuard } from '@breakwater/stream-guard'
import { fakeFetch, type ScriptFunction } from '@breakwater/testkit'
import { clouds, fromWire, params } from '@breakwater/testing'
import { timeout } from '@breakwater/timeout'
import { describe, expect, it } from 'vitest'

const primary = 'claude-opus-5-5'
const fallback = 'claude-haiku-5-5'
const stack = (): Middleware[] => [
  modelFailover({ to: [fallback] }),
  jitterRetry(),
  circuitBreaker(),
  streamGuard(),
  timeout(),
]
const asked = { ...params, model: primary, stream: true } as const
const overloaded: ScriptFunction = ({ model }) =>
  model === primary ? { fault: { kind: 'error', at: 1 } } : { text: 'Hello there' }

describe.each(clouds)('the stack on %s', (_, clientOf) => {
  it('heals a stream that is overloaded in band, as `middleware`', async () => {
    const fetch = fakeFetch({ script: overloaded })
    const client = clientOf({ middleware: stack(), fetch })
    const seen: string[] = []
    for await (const event of await client.messages.create(asked)) seen.push(event.type)
    expect(seen.at(-1)).toBe('message_stop')
    expect(fetch.requests.map(({ model }) => model)).toEqual([primary, fallback])
  })

  it('says that a stream was interrupted, as `middleware`', async () => {
    const fetch = fakeFetch({ script: [{ fault: { kind: 'end', at: 4 }, deltaChars: 1 }] })
    const client = clientOf({ middleware: stack(), fetch })
    const reading = (async () => {
      for await (const event of await client.messages.create(asked)) void event
    })()
    const error: unknown = await reading.catch((reason: unknown) => reason)
    expect(isStreamInterruptedError(error) && error.reason).toBe('truncated')
  })
})

describe('streamGuard in a `fetch`', () => {
  it.each([
    ['Bedrock', 'https://bedrock.test/model/claude-opus-5-5/invoke-with-response-stream'],
    ['Vertex', 'https://vertex.test/v1/publishers/anthropic/models/claude-opus-5-5:streamRawPredict'],
  ])('lets the stream of %s pass, the very response', async (_, url) => {
    const wire = fromWire(fakeFetch({ script: [{ fault: { kind: 'error', at: 1 } }] }))
    let answer: Response | undefined
    const upstream: typeof fetch = async (input, init) => (answer = await wire(input, init))
    const { model: _model, stream: _stream, ...body } = asked
    const init = { method: 'POST', headers: { authorization: 'not-a-key' }, body: JSON.stringify(body) }
    expect(await createFetch(streamGuard(), { fetch: upstream })(url, init)).toBe(answer)
    expect(answer?.status).toBe(200)
  })
})
