import { classifyError } from '@breakwater/classify'
import { createFakeAnthropic, type FakeAnthropicOptions, type ScriptEntry } from '@breakwater/testkit'
import type { BreakwaterOptions } from 'breakwater'
import { check, conclude, until } from './check.ts'
import { fallback, options, primary } from './options.ts'

/** The two calls that every client can make. Each gives the text of the answer. */
export interface Calls {
  readonly create: (signal: AbortSignal) => Promise<string>
  readonly stream: (signal: AbortSignal) => Promise<string>
}

/** A client with the stack in one of its places. */
export interface Place {
  /** What the place is called in the client. */
  readonly name: string
  /** Whether the stack stands before the wire of a cloud, where it can see neither model nor events. @default false */
  readonly isOpaque?: boolean
  /** Whether the client's own retries, where they are left on, go through the whole stack again. @default false */
  readonly multiplies?: boolean
  /** A new client: its own retries are off at 0. */
  readonly open: (parts: ClientParts) => Calls
}

/** What a client is made of. */
export interface ClientParts {
  readonly url: string
  readonly maxRetries: number
  readonly options: BreakwaterOptions
}

/** What a fake API of any wire has. */
interface FakeApi {
  readonly url: string
  readonly requests: readonly { readonly model: string | undefined; readonly aborted: boolean }[]
  readonly close: () => Promise<void>
}

/** Starts a fake API. */
export type StartFake = (options: FakeAnthropicOptions) => Promise<FakeApi>

const text = 'The sea was calm, and nobody noticed.'
const forever = { status: 529, retryAfterMs: 10, repeat: 'forever' } as const

/**
 * Plays the same faults to a client in each of its places, over HTTP, and compares what the caller got and how many
 * requests the API saw with what should be.
 */
export async function prove(
  client: string,
  places: readonly Place[],
  start: StartFake = createFakeAnthropic,
): Promise<void> {
  for (const place of places) {
    for (const kind of ['create', 'stream'] as const) {
      await playAll(place, kind, start)
      await abort(place, kind, start)
      await openCircuit(place, kind, start)
    }
    await countOwnRetries(place, start)
  }
  conclude(client)
}

/** What the API sees while everything is down, with the client's own retries off, and with one of them. */
async function countOwnRetries(place: Place, start: StartFake): Promise<void> {
  const counts: number[] = []
  for (const maxRetries of [0, 1]) {
    counts.push((await play(place, 'create', start, [forever], maxRetries)).models.length)
  }
  // The primary gives way at once to the fallback, which is tried three times; before a cloud's wire there is none.
  const sent = place.isOpaque === true ? 3 : 4
  check(`${place.name}: requests while everything is down`, counts, [
    sent,
    place.multiplies === true ? 2 * sent : sent,
  ])
  console.log(
    `${place.name}: everything down, ${counts[0]} requests; with one retry of the client's own, ${counts[1]}`,
  )
}

async function playAll(place: Place, kind: keyof Calls, start: StartFake): Promise<void> {
  const second = place.isOpaque === true ? primary : fallback
  const expect = async (
    fault: string,
    script: readonly ScriptEntry[],
    expected: { models: readonly string[]; text?: string; category?: string; atLeastMs?: number },
  ): Promise<void> => {
    const { models, outcome, ms } = await play(place, kind, start, script)
    const { text: should, category, atLeastMs = 0 } = expected
    const title = `${place.name}, ${kind}, ${fault}`
    check(`${title}: requests`, models, expected.models)
    check(`${title}: outcome`, outcome, should ?? category)
    check(`${title}: waited`, ms >= atLeastMs, true)
  }

  await expect('no fault', [{ text }], { models: [primary], text })
  await expect('529 once', [529, { text }], { models: [primary, second], text })
  await expect('429 for 150 ms', [{ status: 429, retryAfterMs: 150 }, { text }], {
    models: [primary, primary],
    text,
    atLeastMs: 149,
  })
  await expect('401', [{ status: 401, repeat: 'forever' }], { models: [primary], category: 'authentication' })
  if (kind === 'stream') {
    const overloaded = { text, fault: { kind: 'error', at: 2 } } as const
    const cut = { text, fault: { kind: 'end', at: 5 } } as const
    if (place.isOpaque === true) {
      // Nobody looks into a cloud's own stream: the client takes what has come for the answer.
      const half = text.slice(0, 24)
      await expect('overloaded in the stream', [overloaded], { models: [primary], category: 'overloaded' })
      await expect('an end in the middle', [cut], { models: [primary], text: half })
    } else {
      await expect('overloaded in the stream', [overloaded, { text }], { models: [primary, fallback], text })
      await expect('an end in the middle', [cut], { models: [primary], category: 'stream_interrupted' })
    }
  }
}

/** Plays one script to one call, and says what the caller got and the API saw. */
async function play(
  { open }: Place,
  kind: keyof Calls,
  start: StartFake,
  script: readonly ScriptEntry[],
  maxRetries = 0,
): Promise<{ models: (string | undefined)[]; outcome: string; ms: number }> {
  const fake = await start({ script })
  const startedAt = performance.now()
  const { signal } = new AbortController()
  const call = open({ url: fake.url, maxRetries, options })[kind]
  const outcome = await call(signal).catch((error: unknown) => classifyError(error).category)
  const ms = performance.now() - startedAt
  await fake.close()
  return { models: fake.requests.map(({ model }) => model), outcome, ms }
}

/** Hangs up in the middle: before the headers of an answer, or between the events of a stream. */
async function abort(place: Place, kind: keyof Calls, start: StartFake): Promise<void> {
  const slow = kind === 'create' ? { text, delayMs: 10_000 } : { text, deltaChars: 1, gapMs: 100 }
  const fake = await start({ script: [slow] })
  const controller = new AbortController()
  const call = place.open({ url: fake.url, maxRetries: 0, options })[kind]
  const calling = call(controller.signal).then(
    // Some clients end an aborted stream as if it were whole.
    () => 'aborted',
    (error: unknown) => classifyError(error).category,
  )
  await until(() => fake.requests.length === 1)
  await new Promise((resolve) => setTimeout(resolve, 150))
  const abortedAt = performance.now()
  controller.abort()
  const title = `${place.name}, ${kind}, abort`
  check(`${title}: outcome`, await calling, 'aborted')
  check(`${title}: at once`, performance.now() - abortedAt < 1000, true)
  check(`${title}: the API knows`, await until(() => fake.requests[0]?.aborted === true), true)
  check(`${title}: requests`, fake.requests.length, 1)
  await fake.close()
}

/** Two failures open a circuit: the third call gets an error of ours, in whatever form the client has for it. */
async function openCircuit({ name, open }: Place, kind: keyof Calls, start: StartFake): Promise<void> {
  const fake = await start({ script: [{ status: 500, repeat: 'forever' }] })
  const breaking = { jitterRetry: false, circuitBreaker: { volumeThreshold: 2 } } as const
  const call = open({ url: fake.url, maxRetries: 0, options: breaking })[kind]
  const outcomes: string[] = []
  for (let index = 0; index < 3; index++) {
    outcomes.push(
      await call(new AbortController().signal).catch((error: unknown) => classifyError(error).category),
    )
  }
  check(`${name}, ${kind}, open circuit: outcomes`, outcomes, [
    'server_error',
    'server_error',
    'circuit_open',
  ])
  check(`${name}, ${kind}, open circuit: requests`, fake.requests.length, 2)
  await fake.close()
}
