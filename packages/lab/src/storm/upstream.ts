import { fakeFetch, type Dynamics, type RecordedRequest, type Script } from '@breakwater/testkit'

/** What a scene's API is. */
export interface UpstreamOptions {
  readonly script: Script
  readonly dynamics?: Dynamics
  readonly seed: number
  /** Whether an answer says nothing of limits and waits. @default false */
  readonly isSilent?: boolean
}

/** The API of a scene and what it saw. */
export interface Upstream {
  readonly fetch: typeof fetch
  readonly requests: readonly RecordedRequest[]
}

/** The way to the API and back, in milliseconds: a refusal takes that long too. */
export const roundTripMs = 40

/** Creates the API of a scene: the testkit's, at a distance. */
export function createUpstream({ script, dynamics = {}, seed, isSilent = false }: UpstreamOptions): Upstream {
  const fake = fakeFetch({ script, dynamics, seed })
  const fetch: typeof globalThis.fetch = async (input, init) => {
    await way(init?.signal ?? undefined)
    const response = await fake(input, init)
    if (isSilent) silence(response.headers)
    return response
  }
  return { fetch, requests: fake.requests }
}

function way(signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted === true) {
      reject(signal.reason)
      return
    }
    const onAbort = (): void => {
      clearTimeout(timer)
      reject(signal?.reason)
    }
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', onAbort)
      resolve()
    }, roundTripMs)
    signal?.addEventListener('abort', onAbort, { once: true })
  })
}

function silence(headers: Headers): void {
  // Not while they are gone through.
  const names = Array.from(headers.keys())
  for (const name of names) {
    if (name.startsWith('retry-after') || name.startsWith('anthropic-ratelimit-')) headers.delete(name)
  }
}
