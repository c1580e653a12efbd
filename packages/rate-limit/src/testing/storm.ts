import { createFetch, type Middleware } from '@breakwater/core'
import { fakeFetch, type Dynamics } from '@breakwater/testkit'
import { params } from '@breakwater/testing'
import { vi } from 'vitest'

const url = 'https://api.anthropic.com/v1/messages'
const body = JSON.stringify(params)

/** What the API does not say. */
export interface Silence {
  readonly limits?: boolean
  readonly hints?: boolean
  /** That it is overloaded: it says that there are too many requests. */
  readonly overload?: boolean
}

export interface StormOptions {
  /** One stack per process; the clients are spread over them. */
  readonly stacks: readonly (readonly Middleware[])[]
  readonly dynamics: Dynamics
  readonly silence?: Silence
  readonly clients?: number
  readonly callsPerClient?: number
  readonly delayMs?: number
  readonly longestMs?: number
}

export interface Storm {
  readonly answered: number
  readonly requests: number
  readonly perAnswer: number
  readonly seconds: number
  readonly p50: number
  readonly p99: number
  readonly statuses: Readonly<Record<string, number>>
  readonly perStack: readonly number[]
}

/** Clients that each make their calls one after the other, all from the start; on fake time. */
export async function storm({
  stacks,
  dynamics,
  silence = {},
  clients = 200,
  callsPerClient = 5,
  delayMs = 200,
  longestMs = 600_000,
}: StormOptions): Promise<Storm> {
  const fetch = fakeFetch({ script: [{ delayMs, repeat: 'forever' }], dynamics })
  const from = performance.now()
  const waits: number[] = []
  const perStack = stacks.map(() => 0)
  let lastAt = from
  const all = Array.from({ length: clients }, async (_, index) => {
    const number = index % stacks.length
    const send = createFetch(stacks[number] ?? [], { fetch: silenced(fetch, silence) })
    for (let call = 0; call < callsPerClient; call++) {
      const sentAt = performance.now()
      const response = await send(url, { method: 'POST', headers: { 'x-api-key': 'not-a-key' }, body })
      await response.arrayBuffer()
      if (response.status !== 200) continue
      waits.push(performance.now() - sentAt)
      lastAt = performance.now()
      perStack[number]!++
    }
  })
  const progress = { isDone: false }
  const done = Promise.all(all).then(() => {
    progress.isDone = true
  })
  while (!progress.isDone && performance.now() - from < longestMs) await vi.advanceTimersByTimeAsync(1000)
  await done
  waits.sort((one, other) => one - other)
  const statuses: Record<string, number> = {}
  for (const { reply } of fetch.requests) {
    const status = String(reply?.status ?? 'none')
    statuses[status] = (statuses[status] ?? 0) + 1
  }
  return {
    answered: waits.length,
    requests: fetch.requests.length,
    perAnswer: Math.round((fetch.requests.length / waits.length) * 1000) / 1000,
    seconds: Math.round((lastAt - from) / 100) / 10,
    p50: Math.round(waits[Math.floor(waits.length * 0.5)] ?? 0),
    p99: Math.round(waits[Math.floor(waits.length * 0.99)] ?? 0),
    statuses,
    perStack,
  }
}

/** A `fetch` whose answers leave something out. */
function silenced(
  fetch: typeof globalThis.fetch,
  { limits, hints, overload }: Silence,
): typeof globalThis.fetch {
  if (limits !== true && hints !== true && overload !== true) return fetch
  return async (input, init) => {
    const response = await fetch(input, init)
    const { statusText } = response
    const status = overload === true && response.status === 529 ? 429 : response.status
    const body = status === response.status ? response.body : null
    const headers = new Headers(response.headers)
    for (const name of Array.from(headers.keys())) {
      if (limits === true && name.startsWith('anthropic-ratelimit')) headers.delete(name)
      if (hints === true && name.startsWith('retry-after')) headers.delete(name)
    }
    return new Response(body, { status, statusText, headers })
  }
}
