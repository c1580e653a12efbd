import { fakeFetch, type ReplyFields } from '@breakwater/testkit'
import { secrets, touches, type Fault } from './fault.ts'
import type { Sent } from './observation.ts'
import { joined, watchBody, type WatchedBody } from './watch.ts'

/** The API of one run. */
export interface Upstream {
  readonly fetch: typeof globalThis.fetch
  sent(): readonly Sent[]
}

interface Entry extends Pick<Sent, 'model' | 'at' | 'retryCount'> {
  status: number | undefined
  readonly seen: WatchedBody
}

/** Answers as a fault says. `onRequest` is told of each request before it is answered. */
export function createUpstream(
  fault: Fault,
  now: () => number,
  onRequest: (index: number) => void,
): Upstream {
  const entries: Entry[] = []
  let touched = 0
  let reply: ReplyFields = {}
  const answering = fakeFetch({ script: () => reply })

  async function fetch(input: Parameters<typeof globalThis.fetch>[0], init?: RequestInit): Promise<Response> {
    init?.signal?.throwIfAborted()
    const { model } = JSON.parse(String(init?.body)) as { model: string }
    const retryCount = new Headers(init?.headers).get('x-stainless-retry-count') ?? undefined
    const entry: Entry = {
      model,
      at: now(),
      retryCount,
      status: undefined,
      seen: { state: 'none', chunks: [] },
    }
    onRequest(entries.push(entry) - 1)
    init?.signal?.throwIfAborted()
    const isMine = touches({ ...fault, times: Infinity }, model, 0)
    const isTouched = isMine && touches(fault, model, touched)
    if (isTouched) touched++
    if (isTouched && typeof fault.reply === 'object' && 'error' in fault.reply) throw fault.reply.error()
    reply = isTouched ? fieldsOf(fault) : { text: secrets.completion }
    const response = await answering(input, init)
    entry.status = response.status
    return watchBody(response, entry.seen)
  }

  return {
    fetch,
    sent: () =>
      entries.map(({ seen, ...entry }) => ({ ...entry, body: seen.state, bytes: joined(seen.chunks) })),
  }
}

function fieldsOf({ reply }: Fault): ReplyFields {
  if (typeof reply === 'number') return { status: reply }
  return 'error' in reply ? {} : reply
}
