/** The service in front of the real API: `ANTHROPIC_API_KEY=… PORT=8080 node examples/dist/service/serve.js`. */
import { createClient } from './client.ts'
import { startService } from './server.ts'
import { startTelemetry } from './telemetry.ts'

const telemetry = startTelemetry('breakwater-example')
const service = await startService(createClient({}), telemetry, Number(process.env['PORT'] ?? 8080))
console.log(`listening ${service.url}`)

const end = (): void => void service.shutdown()
process.once('SIGINT', end).once('SIGTERM', end)
