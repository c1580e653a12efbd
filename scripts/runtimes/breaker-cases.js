/** `circuitBreaker` apart: opossum in it needs `node:events`. */
import { circuitBreaker, isCircuitOpenError } from '@breakwater/circuit-breaker'
import { classifyError } from '@breakwater/classify'
import { jitterRetry } from '@breakwater/jitter-retry'
import { kinds, primary, seams } from './clients.js'
import { caught, equal, sleep, test } from './framework.js'
import { upstream } from './upstream.js'

const text = 'Here I am.'

for (const [seam, clientOf] of seams) {
  for (const [kind, call] of kinds) {
    test(`circuit-breaker: opens, refuses, closes (${seam}, ${kind})`, async () => {
      const api = await upstream({ status: 500, repeat: 3 })
      /** @type {string[]} */
      const states = []
      const breaker = circuitBreaker({
        volumeThreshold: 3,
        resetMs: 200,
        onStateChange: ({ to }) => states.push(to),
      })
      const client = clientOf(api.url, breaker)
      for (let index = 0; index < 3; index++) equal((await caught(call(client))).status, 500)
      const refused = await caught(call(client))
      equal(classifyError(refused).category, 'circuit_open')
      // In a `fetch` it is a response, which no client takes for a broken connection.
      if (seam === 'middleware') equal(isCircuitOpenError(refused), true)
      else equal(refused.status, 503)
      equal(await api.models(), [primary, primary, primary])
      await sleep(220)
      await call(client)
      equal(states, ['open', 'half_open', 'closed'])
      await Promise.all([call(client), call(client)])
      await api.close()
    })
  }

  test(`circuit-breaker: a retry outside waits for it (${seam})`, async () => {
    const api = await upstream({ status: 529, repeat: 2 }, { text })
    const policy = { overloaded: { retries: 3, stepsMs: [1] }, circuit_open: { baseMs: 1 } }
    const client = clientOf(api.url, [
      jitterRetry({ policy }),
      circuitBreaker({ volumeThreshold: 2, resetMs: 150 }),
    ])
    const startedAt = Date.now()
    const [, call] = kinds[0]
    equal(await call(client), text)
    equal(Date.now() - startedAt >= 148, true, 'waited for the circuit')
    equal(await api.models(), [primary, primary, primary])
    await api.close()
  })
}
