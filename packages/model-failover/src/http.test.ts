import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import Anthropic from '@anthropic-ai/sdk'
import { callOf, createFetch, send, type Call, type Middleware } from '@breakwater/core'
import { seams } from '@breakwater/testing'
import { createFakeAnthropic, type Script } from '@breakwater/testkit'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { modelFailover } from './model-failover.ts'
import { asked, byModel, primary, second } from './testing/set-up.ts'

async function serve(script: Script): ReturnType<typeof createFakeAnthropic> {
  const fake = await createFakeAnthropic({ script })
  onTestFinished(() => fake.close())
  return fake
}

describe.each(seams)('modelFailover over HTTP, by %s', (_seam, clientOf) => {
  it('moves calls and streams on, and then leaves the primary alone', async () => {
    const fake = await serve(byModel({ [primary]: 529, [second]: { text: 'hello wörld' } }))
    const client = clientOf({ middleware: modelFailover({ to: [second] }), baseURL: fake.url })
    expect(await client.messages.stream(asked).finalText()).toBe('hello wörld')
    for (let index = 0; index < 20; index++)
      expect(await client.messages.create(asked)).toMatchObject({ model: second })
    expect(fake.requests.filter(({ model }) => model === primary)).toHaveLength(1)
  })

  it('asks another server, at its own base', async () => {
    const [one, other] = [await serve(() => 503), await serve([])]
    const failover = modelFailover({ to: [{ baseURL: other.url, headers: { 'x-api-key': 'theirs' } }] })
    const client = clientOf({ middleware: failover, baseURL: one.url })
    const { data, response } = await client.messages.create(asked).withResponse()
    expect(data.model).toBe(primary)
    expect(response.headers.get('breakwater-served-by')).toBe(new URL(other.url).host)
    expect(other.requests[0]?.headers).toMatchObject({ 'x-api-key': 'theirs' })
    expect(other.requests[0]?.headers).not.toHaveProperty('authorization')
    // A 529 is gone with its body: the connection is free again.
    expect(one.requests).toMatchObject([{ aborted: false }])
  })

  it('moves on from a server that is not there', async () => {
    const [one, other] = [await serve([]), await serve([])]
    await one.down()
    const client = clientOf({ middleware: modelFailover({ to: [{ baseURL: other.url }] }), baseURL: one.url })
    expect(await client.messages.create(asked)).toMatchObject({ model: primary })
    expect(other.requests).toHaveLength(1)
  })
})

describe('a closed keep-alive connection', () => {
  /** Calls until a connection was used again, which the server then closed. */
  async function untilStale(middleware: Middleware, isStale: () => boolean, url: string): Promise<void> {
    const client = new Anthropic({
      apiKey: 'not-a-key',
      baseURL: url,
      maxRetries: 0,
      middleware: [middleware],
    })
    while (!isStale()) {
      await client.messages.create(asked)
      // The pool takes the connection back a moment later.
      await new Promise(setImmediate)
    }
  }

  it('is no reason to change the model: the same target is asked once more', async () => {
    const fake = await serve([200, { network: 'resetOnReusedSocket', repeat: 'forever' }])
    const failover = modelFailover({ to: [second] })
    let call: Call | undefined
    const look: Middleware = async (request, next, ctx) => {
      const response = await send(request, next, ctx)
      call = callOf(request, ctx)
      return response
    }
    const stack: Middleware = (request, next, ctx) => look(request, (sent) => failover(sent, next, ctx), ctx)
    await untilStale(stack, () => (call?.attempts.length ?? 0) > 1, fake.url)
    expect(call?.attempts).toMatchObject([
      { category: 'connection', status: undefined, model: primary },
      { reason: 'retry', status: 200, model: primary },
    ])
    expect(fake.requests.every(({ model }) => model === primary)).toBe(true)
    expect([failover.snapshot(), call?.events]).toEqual([[], []])
  })

  it('twice in a row moves the call, and cools nothing down', async () => {
    const stale = (): Error => {
      const cause = Object.assign(new Error('other side closed'), {
        code: 'UND_ERR_SOCKET',
        socket: { bytesRead: 100 },
      })
      return new TypeError('fetch failed', { cause })
    }
    const onFailover = vi.fn()
    const failover = modelFailover({ to: [second], onFailover })
    const models: unknown[] = []
    const fetch = (_url: unknown, init?: RequestInit): Promise<Response> => {
      const { model } = JSON.parse(String(init?.body)) as { model: string }
      models.push(model)
      return model === primary
        ? Promise.reject(stale())
        : Promise.resolve(Response.json({ type: 'message', model }))
    }
    const client = new Anthropic({ apiKey: 'not-a-key', maxRetries: 0, fetch, middleware: [failover] })
    expect(await client.messages.create(asked)).toMatchObject({ model: second })
    expect(models).toEqual([primary, primary, second])
    expect(failover.snapshot()).toEqual([])
    expect(onFailover).toHaveBeenCalledOnce()
    // A retry inside has tried it already.
    models.length = 0
    const twice: Middleware = async (request, next, ctx) =>
      send(request, next, ctx).catch(() => send(request, next, ctx))
    const retried = new Anthropic({
      apiKey: 'not-a-key',
      maxRetries: 0,
      fetch,
      middleware: [failover, twice],
    })
    await retried.messages.create(asked)
    expect(models).toEqual([primary, primary, second])
  })
})

it('keeps the answer of a fallback that nobody has read yet', async () => {
  const fake = await serve(byModel({ [primary]: 529, [second]: { text: 'Hello there', gapMs: 100 } }))
  const fetching = createFetch(modelFailover({ to: [second] }))
  const body = JSON.stringify({ ...asked, stream: true })
  const headers = { 'x-api-key': 'x', 'anthropic-version': '2026-10-21' }
  const response = await fetching(`${fake.url}/v1/messages`, { method: 'POST', headers, body })
  expect(response.headers.get('breakwater-served-by')).toBe(second)
  setFlagsFromString('--expose_gc')
  const collect = runInNewContext('gc') as () => void
  for (let turn = 0; turn < 10; turn++) {
    collect()
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
  // Node ends a body whose own response is collected.
  expect(await response.text()).toContain('message_stop')
})
