import { isCredentialExchange, type Middleware } from '@breakwater/core'
import { clouds, recordingLogger } from '@breakwater/testing'
import Anthropic from '@anthropic-ai/sdk'
import { fakeFetch } from '@breakwater/testkit'
import { describe, expect, it } from 'vitest'
import { modelFailover } from './model-failover.ts'
import { asked, byModel, primary, second } from './testing/set-up.ts'

describe.each(clouds)('modelFailover on %s', (name, clientOf) => {
  const script = byModel({ [primary]: 529, [second]: { text: 'hello wörld 🙂' } })

  it('moves messages and streams on, as `middleware`', async () => {
    const fetch = fakeFetch({ script })
    const failover = modelFailover({ to: [second], cooldownMs: 0 })
    const client = clientOf({ middleware: failover, fetch })
    const { data, response } = await client.messages.create(asked).withResponse()
    expect(data).toMatchObject({ model: second, content: [{ text: 'hello wörld 🙂' }] })
    expect(response.headers.get('breakwater-served-by')).toBe(second)
    expect(await client.messages.stream(asked).finalText()).toBe('hello wörld 🙂')
    expect(fetch.requests.map(({ model, stream }) => [model, stream])).toEqual([
      [primary, false],
      [second, false],
      [primary, true],
      [second, true],
    ])
    expect(failover.snapshot()).toEqual([])
  })

  it('cools down there as anywhere', async () => {
    const fetch = fakeFetch({ script })
    const client = clientOf({ middleware: modelFailover({ to: [second] }), fetch })
    await client.messages.create(asked)
    await client.messages.create(asked)
    expect(fetch.requests.map(({ model }) => model)).toEqual([primary, second, second])
  })

  it(`${name === 'Foundry' ? 'moves on' : 'passes, and says so once'}, in a \`fetch\``, async () => {
    const fetch = fakeFetch({ script })
    const { lines, logger } = recordingLogger()
    const client = clientOf({
      middleware: modelFailover({ to: [second] }),
      fetch,
      logger,
      seam: 'createFetch',
    })
    const outcomes: unknown[] = []
    for (let index = 0; index < 2; index++) {
      outcomes.push(await client.messages.create(asked).catch((error: unknown) => error))
      outcomes.push(
        await client.messages
          .stream(asked)
          .finalText()
          .catch((error: unknown) => error),
      )
    }
    if (name === 'Foundry') {
      expect(outcomes).toMatchObject([
        { model: second },
        'hello wörld 🙂',
        { model: second },
        'hello wörld 🙂',
      ])
      expect(lines).toEqual([])
    } else {
      expect(outcomes).toMatchObject([{ status: 529 }, { status: 529 }, { status: 529 }, { status: 529 }])
      expect(fetch.requests.map(({ model }) => model)).toEqual([primary, primary, primary, primary])
      expect(lines).toMatchObject([['warn', expect.stringContaining('`middleware`')]])
    }
  })

  it('answers for the API itself, as the `fetch` of a target', async () => {
    const [api, cloud] = [fakeFetch({ script: () => 529 }), fakeFetch({ script })]
    const other = clientOf({ middleware: [], fetch: cloud })
    const ask: typeof globalThis.fetch = (_url, init) => {
      const body = JSON.parse(String(init?.body)) as Anthropic.MessageCreateParams
      return other.messages.create(body, { signal: init?.signal }).asResponse()
    }
    const failover = modelFailover({ to: [{ fetch: ask, model: second, name }] })
    const client = new Anthropic({ apiKey: 'not-a-key', fetch: api, maxRetries: 0, middleware: [failover] })
    expect(await client.messages.create(asked)).toMatchObject({ model: second })
    expect(await client.messages.stream(asked).finalText()).toBe('hello wörld 🙂')
    expect([api.requests.length, cloud.requests.length]).toEqual([1, 2])
  })
})

describe('a credential exchange', () => {
  it('passes', async () => {
    const failover = modelFailover({ to: [second] })
    const ctx = { logger: recordingLogger().logger, parse: () => Promise.reject(new Error('not here')) }
    const request = {
      url: 'https://e.com/v1/oauth/token',
      headers: new Headers(),
      body: JSON.stringify(asked),
    }
    expect(isCredentialExchange(request, ctx)).toBe(true)
    const sent: unknown[] = []
    const next: Parameters<Middleware>[1] = (request) => {
      sent.push(request)
      return Promise.resolve(new Response('{}', { status: 529 }))
    }
    expect((await failover(request, next, ctx)).status).toBe(529)
    expect(sent).toEqual([request])
  })
})
