import Anthropic from '@anthropic-ai/sdk'
import type { CallRecord } from './call-record.ts'
import type { Run } from './contender.ts'

/**
 * How an answer is used: whole; as a stream that a person reads as it comes, of which what has been shown cannot be taken
 * back; or as a stream that is collected, and thrown away whole when it breaks.
 */
export type Use = 'whole' | 'shown' | 'collected'

/** The time and the tokens of an answer. */
interface Answer {
  readonly isWhole: boolean
  readonly tokens: number
  readonly model: string
}

/** The prompt of every call: 150 tokens of the fake, with what is around it. */
const prompt = 'What does it depend on? '.repeat(20)

function paramsOf(model: string): Anthropic.MessageCreateParamsNonStreaming {
  return { model, max_tokens: 1000, messages: [{ role: 'user', content: prompt }] }
}

/** Makes one call as the application would, and writes down what became of it; the caller leaves after `patienceMs`. */
export async function makeCall(run: Run, use: Use, patienceMs: number): Promise<CallRecord> {
  const startedAt = performance.now()
  const controller = new AbortController()
  let leave = (): void => {}
  const left = new Promise<never>((_resolve, reject) => {
    leave = () => {
      controller.abort()
      reject(new Error('gone'))
    }
  })
  const timer = Number.isFinite(patienceMs) ? setTimeout(leave, patienceMs) : undefined
  const calling = uses[use](run, controller.signal)
  // Who has left hears nothing more of it.
  calling.catch(() => {})
  try {
    const { isWhole, tokens, model } = await Promise.race([calling, left])
    const end = isWhole ? 'answered' : 'truncated'
    const used = isWhole ? tokens : 0
    return { startedAt, endedAt: performance.now(), end, error: undefined, tokens: used, model }
  } catch (error) {
    const name = controller.signal.aborted ? 'caller left' : nameOf(error)
    return {
      startedAt,
      endedAt: performance.now(),
      end: 'failed',
      error: name,
      tokens: 0,
      model: undefined,
    }
  } finally {
    clearTimeout(timer)
  }
}

const uses: Readonly<Record<Use, (run: Run, signal: AbortSignal) => Promise<Answer>>> = {
  async whole(run, signal) {
    const message = await run(
      (client, model, signal) => client.messages.create(paramsOf(model), { signal }),
      signal,
    )
    return answerOf(message)
  },
  async shown(run, signal) {
    const stream = await run(
      (client, model, signal) => client.messages.create({ ...paramsOf(model), stream: true }, { signal }),
      signal,
    )
    const seen = { isWhole: false, tokens: 0, model: '' }
    for await (const event of stream) {
      if (event.type === 'message_start') {
        seen.model = event.message.model
        seen.tokens += event.message.usage.input_tokens
      }
      if (event.type === 'message_delta') seen.tokens += event.usage.output_tokens
      if (event.type === 'message_stop') seen.isWhole = true
    }
    return seen
  },
  async collected(run, signal) {
    const message = await run(
      (client, model, signal) => client.messages.stream(paramsOf(model), { signal }).finalMessage(),
      signal,
    )
    return answerOf(message)
  },
}

function answerOf({ usage, model }: Anthropic.Message): Answer {
  return { isWhole: true, tokens: usage.input_tokens + usage.output_tokens, model }
}

function nameOf(error: unknown): string {
  if (error instanceof Anthropic.APIError && error.status !== undefined) {
    return `${error.status} ${error.type ?? ''}`.trim()
  }
  return error instanceof Error ? error.constructor.name : typeof error
}
