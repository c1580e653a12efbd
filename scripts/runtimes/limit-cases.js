/** `rateLimit` alone. */
import { classifyError } from '@breakwater/classify'
import { rateLimit } from '@breakwater/rate-limit'
import { kinds, primary, seams } from './clients.js'
import { caught, equal, sleep, test } from './framework.js'
import { upstream, upstreamWith } from './upstream.js'

const text = 'Here I am.'

for (const [seam, clientOf] of seams) {
  for (const [kind, call] of kinds) {
    test(`rate-limit: one call at a time (${seam}, ${kind})`, async () => {
      // With a second one it answers 529.
      const dynamics = { capacity: { concurrent: 1 } }
      const api = await upstreamWith({ dynamics, script: [{ text, delayMs: 20, repeat: 'forever' }] })
      const client = clientOf(api.url, rateLimit({ concurrency: 1 }))
      equal(await Promise.all([call(client), call(client), call(client)]), [text, text, text])
      equal(await api.models(), [primary, primary, primary])
      await api.close()
    })

    test(`rate-limit: a full queue refuses, an abort leaves it (${seam}, ${kind})`, async () => {
      const api = await upstream({ text, delayMs: 300, repeat: 'forever' })
      const client = clientOf(api.url, rateLimit({ concurrency: 1, maxQueue: 1 }))
      const first = call(client)
      const controller = new AbortController()
      const second = caught(call(client, controller.signal))
      await sleep(50)
      const third = classifyError(await caught(call(client)))
      equal([third.category, third.code], ['rate_limit', 'queue_full'])
      controller.abort()
      equal(classifyError(await second).category, 'aborted')
      equal(await first, text)
      equal(await api.models(), [primary])
      await api.close()
    })
  }

  test(`rate-limit: a 429 holds back who comes next (${seam})`, async () => {
    const api = await upstream({ status: 429, retryAfterMs: 250 }, { text })
    const client = clientOf(api.url, rateLimit())
    const [, call] = kinds[0]
    equal((await caught(call(client))).status, 429)
    const startedAt = Date.now()
    equal(await call(client), text)
    equal(Date.now() - startedAt >= 230, true, 'waited')
    await api.close()
  })
}
