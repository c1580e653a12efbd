/**
 * The service under load, in front of an API that fails: `npm run service`. It needs no key and no network.
 * `--seconds N` ends it after a while, `--port N` is where it listens (8080; 0 is any free one).
 */
import { parseArgs } from 'node:util'
import { createFakeAnthropic, type RecordedRequest } from '@breakwater/testkit'
import { createClient } from './client.ts'
import { createScript } from './fake-api.ts'
import { load } from './load.ts'
import { startService } from './server.ts'
import { startTelemetry } from './telemetry.ts'

const { values } = parseArgs({ options: { seconds: { type: 'string' }, port: { type: 'string' } } })

const fake = await createFakeAnthropic({ script: createScript() })
const telemetry = startTelemetry('breakwater-example')
const client = createClient(
  { apiKey: 'not-a-key', baseURL: fake.url },
  { cooldownMs: 1000, breaker: { volumeThreshold: 5, windowMs: 2000, resetMs: 500 }, idleMs: 1000 },
)
const service = await startService(client, telemetry, Number(values.port ?? 8080))
console.log(`listening ${service.url}

  ask       curl -d 'What is a breakwater?' ${service.url}/ask
            curl -N -d 'What is a breakwater?' '${service.url}/ask?stream'
  fail      curl -d '#429' ${service.url}/ask    (#529, #401, #cut, #stall, …)
  metrics   curl ${service.url}/metrics
  traces    set OTEL_EXPORTER_OTLP_ENDPOINT before the start
  end       Ctrl-C
`)

// The fake keeps every request, for tests to look at: over hours that is too much.
const requests = fake.requests as RecordedRequest[]
setInterval(() => requests.splice(0), 60_000).unref()

const ended = new AbortController()
const end = (): void => ended.abort()
process.once('SIGINT', end).once('SIGTERM', end)
if (values.seconds !== undefined) setTimeout(end, Number(values.seconds) * 1000).unref()
await load(service.url, ended.signal)
console.log('ending')
await service.shutdown()
await fake.close()
