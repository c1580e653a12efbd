import type { SendStep } from './pacing.ts'
import type { Check } from './check.ts'
import { checkOptions } from './check-options.ts'
import { checkScripted } from './check-reply.ts'
import { createDynamics, type Dynamics } from './dynamics.ts'
import { type Plan, planReply } from './plan.ts'
import { createRandom, randomId } from './random.ts'
import type { Reply, Script } from './reply.ts'
import type { RecordedRequest, ReplySource } from './request.ts'
import { defaultModels } from './routes.ts'
import { choose, createScript, type Scripted } from './script.ts'

/** Options of a fake Anthropic API. */
export interface FakeOptions {
  /** Answers in the order of the requests, then the default success; or a function of the request. @default [] */
  script?: Script | undefined
  /** Behaviour of the whole API, checked before the script. @default {} */
  dynamics?: Dynamics | undefined
  /** Seed of ids and of every choice: the same seed and requests give the same run. @default 1 */
  seed?: number | undefined
  /** Clock in milliseconds since the epoch. @default Date.now, looked up at each call */
  now?: (() => number) | undefined
  /** Model names that `/v1/models` lists; messages accept every model. */
  models?: readonly string[] | undefined
  /** Called with each request once its answer is decided. */
  onReply?: ((request: RecordedRequest) => void) | undefined
}

/** A request as a transport hands it over. */
export interface Incoming {
  method: string
  url: string
  path: string
  headers: Record<string, string>
  text: string
  /** Whether the connection had served a request before. */
  reused: boolean
}

/** One request under way. */
export interface Exchange {
  plan: Plan | Promise<Plan>
  /** Notes bytes that were sent. */
  sent: (step: SendStep) => void
  /** Notes the end; only the first call counts. */
  close: (aborted: boolean) => void
}

/** The fake API without a transport. */
export interface Engine {
  requests: readonly RecordedRequest[]
  receive: (incoming: Incoming) => Exchange
}

type Mutable<T> = { -readonly [Key in keyof T]: T[Key] }

/** Creates the engine that both transports run on: it decides what to send and keeps the record. */
export function createEngine(options: FakeOptions, more: Readonly<Record<string, Check>> = {}): Engine {
  checkOptions(options, more)
  const { script = [], dynamics = {}, seed = 1, now = () => Date.now(), models = defaultModels } = options
  const startedAt = now()
  const requests: RecordedRequest[] = []
  const scripted = createScript(script)
  const admit = createDynamics(dynamics, now)

  function receive({ reused, ...incoming }: Incoming): Exchange {
    const body = parseJson(incoming.text)
    const record: Mutable<RecordedRequest> & { eventsSent: string[] } = {
      index: requests.length,
      at: now() - startedAt,
      ...incoming,
      body,
      model: stringField(body, 'model'),
      stream: field(body, 'stream') === true,
      reply: undefined,
      bytesSent: 0,
      eventsSent: [],
      aborted: false,
      closedAt: undefined,
    }
    requests.push(record)
    const random = createRandom(seed, record.index)
    const requestId = randomId('req_', random)
    const admission = admit(record, random)

    function decide(reply: Reply, source: ReplySource): Plan {
      const { headers } = admission
      const fields = typeof reply === 'number' ? { status: reply } : reply
      const context = { request: record, source, requestId, random, reused, nowMs: now(), headers, models }
      const plan = planReply(fields, context)
      if (plan.outputTokens > 0) admission.spend(plan.outputTokens)
      record.reply = plan.reply
      notify(record)
      return plan
    }
    function follow(answer: Scripted): Plan {
      if (answer === undefined) return decide(200, 'default')
      if (typeof script === 'function') checkScripted(answer, 'script(request)')
      return decide(choose(answer, random), 'script')
    }
    // A mistake in the script must reach the eyes of whoever wrote it, and not be retried.
    function explain(error: unknown): Plan {
      const message = `The script failed: ${error instanceof Error ? error.message : String(error)}`
      return decide({ status: 500, message, headers: { 'x-should-retry': 'false' } }, 'scriptError')
    }
    function plan(): Plan | Promise<Plan> {
      if (admission.reply !== undefined) return decide(admission.reply, admission.source)
      try {
        const answer = scripted(record)
        return answer instanceof Promise ? answer.then(follow).catch(explain) : follow(answer)
      } catch (error) {
        return explain(error)
      }
    }

    return {
      plan: plan(),
      sent({ bytes, events }) {
        record.bytesSent += bytes.length
        record.eventsSent.push(...events)
      },
      close(aborted) {
        if (record.closedAt !== undefined) return
        record.aborted = aborted
        record.closedAt = now() - startedAt
        admission.release()
      },
    }
  }

  function notify(record: RecordedRequest): void {
    try {
      options.onReply?.(record)
    } catch {
      // A throwing listener must not change the answer.
    }
  }

  return { requests, receive }
}

function parseJson(text: string): unknown {
  if (text === '') return undefined
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function field(body: unknown, name: string): unknown {
  return typeof body === 'object' && body !== null
    ? Object.getOwnPropertyDescriptor(body, name)?.value
    : undefined
}

function stringField(body: unknown, name: string): string | undefined {
  const value = field(body, name)
  return typeof value === 'string' ? value : undefined
}
