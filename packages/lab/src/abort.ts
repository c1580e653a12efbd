import { createFetch } from '@breakwater/core'
import { jitterRetry } from '@breakwater/jitter-retry'
import { url } from './call-parts.ts'

/** Milliseconds from an abort to the end of the call, while `jitterRetry` waits for its next try; sorted. */
export async function abortToSettle(samples: number): Promise<number[]> {
  const times: number[] = []
  for (let sample = 0; sample < samples; sample++) {
    const controller = new AbortController()
    const state = { isWaiting: false }
    const retry = jitterRetry({ budget: false, onRetry: () => (state.isWaiting = true) })
    const wrapped = createFetch(retry, { fetch: () => Promise.resolve(new Response('{}', { status: 529 })) })
    const call = wrapped(url, { method: 'POST', body: '{}', signal: controller.signal }).catch(() => {})
    while (!state.isWaiting) await nextTurn()
    await nextTurn()
    const abortedAt = performance.now()
    controller.abort()
    await call
    times.push(performance.now() - abortedAt)
  }
  return times.toSorted((a, b) => a - b)
}

function nextTurn(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve)
  })
}
