import type Anthropic from '@anthropic-ai/sdk'
import type { BreakwaterEvent } from '@breakwater/core'
import { createFakeAnthropic, type RecordedRequest } from '@breakwater/testkit'
import type { Handler } from './handler.ts'
import type { PlannedCall, Storm } from './storm.ts'

/** What became of a call. Times in milliseconds since the beginning of the storm. */
export interface CallRecord {
  readonly startedAt: number
  readonly endedAt: number | undefined
  /** `left`: the caller has waited for too long. */
  readonly end: 'answered' | 'failed' | 'left' | undefined
  /** Who answered. */
  readonly model: string | undefined
}

/** Something that Breakwater did, and when. */
export interface TimedEvent {
  readonly at: number
  readonly event: BreakwaterEvent
}

/** All that is known of one side, also while it is played. */
export interface SideRecord {
  readonly name: string
  readonly calls: readonly CallRecord[]
  /** What its API has got. */
  readonly requests: readonly RecordedRequest[]
  readonly events: TimedEvent[]
}

/** One side of the storm: a handler, and an API of its own. */
export interface Side {
  readonly record: SideRecord
  /** Makes a call, and waits for its end, which is never an error. */
  readonly call: (planned: PlannedCall) => Promise<void>
  readonly close: () => Promise<void>
}

/** Starts the API of a side. The same storm and clock are the same weather. */
export async function createSide(
  name: string,
  storm: Storm,
  clock: () => number,
  handlerFor: (baseURL: string) => Handler,
): Promise<Side> {
  const { script, dynamics, patienceMs } = storm
  // The clock stands still until the storm begins; the dates of the API are those of today.
  const epoch = Date.now()
  const now = (): number => epoch + clock()
  const fake = await createFakeAnthropic({ script, dynamics, seed: 7, now })
  const handler = handlerFor(fake.url)
  const calls: CallRecord[] = []

  async function call({ stream }: PlannedCall): Promise<void> {
    const record: { -readonly [Key in keyof CallRecord]: CallRecord[Key] } = {
      startedAt: clock(),
      endedAt: undefined,
      end: undefined,
      model: undefined,
    }
    calls.push(record)
    const caller = new AbortController()
    const left = new Promise<void>((resolve) => {
      caller.signal.addEventListener('abort', () => resolve(), { once: true })
    })
    const timer = setTimeout(() => caller.abort(), patienceMs)
    const answered = handler((client, model) => ask(client, model, stream, caller.signal)).then(
      (message) => {
        record.end ??= 'answered'
        record.model = message.model
      },
      () => void (record.end ??= caller.signal.aborted ? 'left' : 'failed'),
    )
    // A handler that sleeps does not hear that its caller has left.
    await Promise.race([answered, left])
    clearTimeout(timer)
    record.end ??= 'left'
    record.endedAt = clock()
  }

  return { record: { name, calls, requests: fake.requests, events: [] }, call, close: fake.close }
}

function ask(
  client: Anthropic,
  model: string,
  stream: boolean,
  signal: AbortSignal,
): Promise<Anthropic.Message> {
  const params = {
    model,
    max_tokens: 100,
    messages: [{ role: 'user' as const, content: 'What is the answer?' }],
  }
  if (stream) return client.messages.stream(params, { signal }).finalMessage()
  return client.messages.create(params, { signal })
}
