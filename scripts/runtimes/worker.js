/** The suite in workerd: `GET /?control=<url>` runs it; `GET /<what is shared>?api=<url>` is one call through it. */
import './package-cases.js'
import './limit-cases.js'
import './otel-cases.js'
import './breaker-cases.js'
import './stack-cases.js'
import { circuitBreaker } from '@breakwater/circuit-breaker'
import { classifyError } from '@breakwater/classify'
import { jitterRetry } from '@breakwater/jitter-retry'
import { rateLimit } from '@breakwater/rate-limit'
import { ask, askStream, seams } from './clients.js'
import { serve } from './serve.js'

/** In the global scope, as an application has them, where workerd allows no timers and no requests. */
const shared = {
  '/circuit': [
    jitterRetry({ policy: { server_error: { retries: 0 } } }),
    circuitBreaker({ volumeThreshold: 4, resetMs: 400 }),
  ],
  '/queue': [rateLimit({ startPerSecond: 8, maxWaitMs: 8000 })],
}

export default {
  /** @param {Request} request */
  async fetch(request) {
    const { pathname, searchParams } = new URL(request.url)
    const middleware = shared[pathname]
    if (middleware === undefined) return await serve(request)
    const [, clientOf] = seams[0]
    const call = searchParams.has('stream') ? askStream : ask
    const outcome = call(clientOf(searchParams.get('api') ?? '', middleware))
    return new Response(await outcome.catch((error) => classifyError(error).category))
  },
}
