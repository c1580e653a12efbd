import { setMaxListeners } from 'node:events'
import Anthropic from '@anthropic-ai/sdk'
import { circuitBreaker } from '@breakwater/circuit-breaker'
import { classify } from '@breakwater/classify'
import { createFetch, type Middleware } from '@breakwater/core'
import { jitterRetry } from '@breakwater/jitter-retry'
import { modelFailover } from '@breakwater/model-failover'
import { otel } from '@breakwater/otel'
import { rateLimit } from '@breakwater/rate-limit'
import { streamGuard } from '@breakwater/stream-guard'
import { fakeFetch, type FakeFetch, type ScriptEntry } from '@breakwater/testkit'
import { timeout } from '@breakwater/timeout'
import { MeterProvider } from '@opentelemetry/sdk-metrics'
import { BasicTracerProvider } from '@opentelemetry/sdk-trace-base'

/** Answers, failures and disguises, one call each in turn. */
const replies: readonly ScriptEntry[] = [
  200,
  { text: 'Hello', deltaChars: 1 },
  529,
  500,
  { status: 429, retryAfterMs: 1 },
  400,
  { network: 'reset' },
  { fault: { kind: 'error', at: 1 } },
  { fault: { kind: 'error', at: 5 }, deltaChars: 1 },
  { fault: { kind: 'cut', at: 5 }, deltaChars: 1 },
  { fault: { kind: 'end', at: 4 }, deltaChars: 1 },
  { network: 'hang' },
  { html: true, status: 502 },
]
const models = Array.from({ length: 40 }, (_, index) => `claude-mixed-${index}`)

/** Makes calls of every kind, through everything there is, in both seams. */
export interface MixedCalls {
  /** Makes the next calls, and waits until they have settled. */
  run(count: number): Promise<void>
  /** How many responses of upstream somebody still holds; collect garbage first. */
  responsesLeft(): number
  /** A signal that every third call shares. */
  readonly shared: AbortSignal
}

/** Makes {@link MixedCalls}. */
export function mixedCalls(): MixedCalls {
  let fake: FakeFetch = fakeFetch()
  let responses: WeakRef<Response>[] = []
  let made = 0
  const { signal: shared } = new AbortController()
  // The SDK adds a listener per call.
  setMaxListeners(0, shared)
  const telemetry = otel({ tracerProvider: new BasicTracerProvider(), meterProvider: new MeterProvider() })
  const stack: Middleware[] = [
    telemetry,
    classify(),
    modelFailover({ to: ['claude-fallback'], cooldownMs: 5 }),
    jitterRetry({
      budget: false,
      policy: {
        overloaded: { stepsMs: [1] },
        rate_limit: { baseMs: 1 },
        server_error: { baseMs: 1 },
        connection: { baseMs: 1 },
        timeout: { baseMs: 1 },
      },
    }),
    // A 429 slows its model down for seconds: who would wait for that goes to the fallback.
    rateLimit({ startPerSecond: Infinity, maxWaitMs: 20, maxWaitToMoveMs: 5 }),
    circuitBreaker({ resetMs: 5 }),
    streamGuard(),
    timeout({ attemptMs: 20, totalMs: 60_000 }),
    telemetry,
  ]
  const upstream: typeof fetch = async (input, init) => {
    const response = await fake(input, init)
    responses.push(new WeakRef(response))
    return response
  }
  const options = { apiKey: 'not-a-key', maxRetries: 0, logLevel: 'off' } as const
  const clients = [
    new Anthropic({ ...options, fetch: upstream, middleware: stack }),
    new Anthropic({ ...options, fetch: createFetch(stack, { fetch: upstream }) }),
  ] as const

  async function call(index: number): Promise<void> {
    const client = clients[index % 2 === 0 ? 0 : 1]
    const controller = new AbortController()
    const signal = index % 3 === 0 ? shared : controller.signal
    if (index % 7 === 0) setTimeout(() => controller.abort(), 2)
    const params = {
      model: models[index % models.length] ?? '',
      max_tokens: 10,
      messages: [{ role: 'user' as const, content: 'Hello' }],
    }
    try {
      if (index % 4 < 2) await client.messages.create(params, { signal })
      else
        for await (const event of await client.messages.create({ ...params, stream: true }, { signal }))
          if (index % 5 === 0 && event.type === 'content_block_delta') break
    } catch (error) {
      if (!(error instanceof Error)) throw error
    }
  }

  return {
    shared,
    async run(count) {
      // The fake keeps every request, so it is made anew.
      fake = fakeFetch({ script: ({ index }) => replies[index % replies.length] as never })
      for (let first = 0; first < count; first += 50) {
        const batch = Array.from({ length: Math.min(50, count - first) }, () => call(made++))
        await Promise.all(batch)
      }
      fake = fakeFetch()
    },
    responsesLeft() {
      responses = responses.filter((response) => response.deref() !== undefined)
      return responses.length
    },
  }
}
