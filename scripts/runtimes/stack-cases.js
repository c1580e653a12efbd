/** The recipe: the recommended order as a whole. */
import { OverloadedError } from '@anthropic-ai/sdk'
import { classifyError } from '@breakwater/classify'
import { describe, onEvent } from '@breakwater/core'
import { breakwater } from 'breakwater'
import { ask, askStream, fallback, kinds, primary, question, seams } from './clients.js'
import { caught, equal, sleep, test } from './framework.js'
import { arrived, upstream } from './upstream.js'

const text = 'The sea was calm, and nobody noticed.'

/** @type {import('breakwater').BreakwaterOptions} */
const options = {
  fallbacks: [fallback],
  timeout: { totalMs: 8000 },
  modelFailover: { cooldownMs: 100 },
  jitterRetry: { policy: { overloaded: { stepsMs: [1, 1] }, server_error: { baseMs: 1 } } },
  // Twenty calls at once, to an API that nothing is known of yet.
  rateLimit: { startPerSecond: Infinity },
}
const stack = () => breakwater(options).middleware

for (const [seam, clientOf] of seams) {
  for (const [kind, call] of kinds) {
    const title = (what) => `the stack: ${what} (${seam}, ${kind})`

    /**
     * One call, and what the caller and the API saw.
     * @param {unknown[]} script
     */
    const play = async (...script) => {
      const api = await upstream(...script)
      const outcome = await call(clientOf(api.url, stack())).catch((error) => classifyError(error).category)
      const seen = { outcome, models: await api.models() }
      await api.close()
      return seen
    }

    test(title('nothing fails'), async () =>
      equal(await play({ text }), { outcome: text, models: [primary] }),
    )
    test(title('529'), async () =>
      equal(await play(529, { text }), { outcome: text, models: [primary, fallback] }),
    )
    test(title('500'), async () =>
      equal(await play(500, { text }), { outcome: text, models: [primary, primary] }),
    )
    test(title('a reset'), async () =>
      equal(await play({ network: 'reset' }, { text }), { outcome: text, models: [primary, primary] }),
    )
    test(title('401'), async () =>
      equal(await play({ status: 401, repeat: 'forever' }), { outcome: 'authentication', models: [primary] }),
    )
    test(title('all is overloaded'), async () =>
      equal(await play({ status: 529, repeat: 'forever' }), {
        outcome: 'overloaded',
        models: [primary, fallback, fallback, fallback],
      }),
    )

    test(title('an abort before the answer'), async () => {
      const api = await upstream({ delayMs: 5000 })
      const controller = new AbortController()
      const calling = caught(call(clientOf(api.url, stack()), controller.signal))
      await arrived(api)
      const abortedAt = Date.now()
      controller.abort()
      equal(classifyError(await calling).category, 'aborted')
      equal(Date.now() - abortedAt < 1000, true, 'at once')
      await sleep(50)
      const requests = await api.requests()
      equal([requests.length, requests[0]?.aborted], [1, true], 'requests, aborted')
      await api.close()
    })

    test(title('an abort while it waits'), async () => {
      const api = await upstream({ status: 429, retryAfter: 3, repeat: 'forever' })
      const controller = new AbortController()
      const calling = caught(call(clientOf(api.url, stack()), controller.signal))
      await arrived(api)
      const abortedAt = Date.now()
      controller.abort()
      equal(classifyError(await calling).category, 'aborted')
      equal(Date.now() - abortedAt < 1000, true, 'at once')
      equal(await api.models(), [primary])
      await api.close()
    })
  }

  test(`the stack: overloaded in the stream, before the content (${seam})`, async () => {
    const api = await upstream({ fault: { kind: 'error', at: 2 } }, { text })
    /** @type {string[]} */
    const events = []
    const stop = onEvent(({ type }) => events.push(type))
    equal(await askStream(clientOf(api.url, stack())), text)
    stop()
    equal(await api.models(), [primary, fallback])
    equal(events.includes('failover') && events.includes('stream_committed'), true, events.join(' '))
    await api.close()
  })

  test(`the stack: an abort in the middle of a stream (${seam})`, async () => {
    const api = await upstream({ text, deltaChars: 1, gapMs: 50 })
    const controller = new AbortController()
    // The SDK ends an aborted loop as if it were whole.
    await askStream(clientOf(api.url, stack()), controller.signal, () => controller.abort()).catch(() => {})
    await sleep(100)
    equal(
      (await api.requests()).map(({ aborted }) => aborted),
      [true],
    )
    await api.close()
  })

  test(`the stack: twenty calls at once (${seam})`, async () => {
    const api = await upstream({ status: 529, repeat: 5 }, { text, repeat: 'forever' })
    const client = clientOf(api.url, stack())
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, index) => (index % 2 === 0 ? ask(client) : askStream(client))),
    )
    equal(
      answers.every((answer) => answer === text),
      true,
      'answers',
    )
    equal((await api.models()).length, 25)
    await api.close()
  })
}

test('describe: the same everywhere', async () => {
  equal(describe(stack()).warnings, [])
})

test('the stack: `breakwater.fetch`, without the SDK', async () => {
  const api = await upstream(529, { text })
  const init = { method: 'POST', headers: { 'x-api-key': 'not-a-key' }, body: JSON.stringify(question) }
  const response = await breakwater.fetch(options)(`${api.url}/v1/messages`, init)
  equal([response.status, response.headers.get('breakwater-served-by')], [200, fallback])
  equal((await response.json()).content[0].text, text)
  equal(await api.models(), [primary, fallback])
  await api.close()
})

test('errors: nothing of ours is lost when all fail', async () => {
  const [, clientOf] = seams[0]
  const api = await upstream({ status: 529, repeat: 'forever' })
  const error = await caught(ask(clientOf(api.url, stack())))
  equal([error.status, error instanceof OverloadedError, typeof error.requestID], [529, true, 'string'])
  await api.close()
})
