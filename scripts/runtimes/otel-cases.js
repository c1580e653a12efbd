/** `otel`, with meters that write down who was called. */
import { jitterRetry } from '@breakwater/jitter-retry'
import { otel } from '@breakwater/otel'
import { ask, seams } from './clients.js'
import { equal, sleep, test } from './framework.js'
import { upstream } from './upstream.js'

const text = 'Here I am.'

for (const [seam, clientOf] of seams) {
  test(`otel: counts an attempt, and passes the answer on (${seam})`, async () => {
    const api = await upstream(529, { text })
    /** @type {string[]} */
    const counted = []
    const telemetry = otel({ meterProvider: recordingMeters(counted) })
    const retry = jitterRetry({ policy: { overloaded: { stepsMs: [1] } } })
    equal(await ask(clientOf(api.url, [telemetry, retry, telemetry])), text)
    await sleep(20)
    const isWait = (/** @type {string} */ name) => name === 'breakwater.retry.wait.duration'
    equal(counted.filter(isWait).length, 1, 'waits recorded')
    await api.close()
  })
}

/**
 * The part of OpenTelemetry's meters that writes down who was called.
 * @param {string[]} counted
 * @returns {any}
 */
function recordingMeters(counted) {
  const instrument = (/** @type {string} */ name) => ({
    add: () => counted.push(name),
    record: () => counted.push(name),
    addCallback: () => {},
  })
  const meter = new Proxy({}, { get: () => instrument })
  return { getMeter: () => meter }
}
