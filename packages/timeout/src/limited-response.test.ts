import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { createFetch, tapOf, tapped, type Middleware } from '@breakwater/core'
import { fakeFetch, type Reply } from '@breakwater/testkit'
import { params, seams } from '@breakwater/testing'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { failureOf } from './testing/outcomes.ts'
import { off, setUp } from './testing/set-up.ts'
import { timeout } from './timeout.ts'

setFlagsFromString('--expose_gc')
const collect = runInNewContext('gc') as () => void

const url = 'http://fake.invalid/v1/messages'

afterEach(() => void vi.useRealTimers())

describe('a response under limits', () => {
  it('is ended by the caller’s abort though the response itself is gone, and only its body is read', async () => {
    const fetch = fakeFetch({ script: [{ fault: 'stall' }] })
    const controller = new AbortController()
    const limited = createFetch(timeout({ ...off, attemptMs: 5_000 }), { fetch })
    const body = JSON.stringify({ ...params, stream: true })
    const open = async (): Promise<ReadableStreamDefaultReader<Uint8Array>> => {
      const response = await limited(url, { method: 'POST', body, signal: controller.signal })
      return response.body!.getReader()
    }
    const reader = await open()
    for (let turn = 0; turn < 5; turn++) {
      await new Promise((resolve) => setTimeout(resolve, 1))
      collect()
    }
    const reason = new Error('the user left')
    controller.abort(reason)
    const read = async (): Promise<void> => {
      while (!(await reader.read()).done);
    }
    expect(await failureOf(read())).toBe(reason)
    expect(fetch.requests[0]?.aborted).toBe(true)
  })

  it.each(seams)('is ended in a JSON body that never begins, by %s', async (_, clientOf) => {
    vi.useFakeTimers()
    const stalled: Reply = { fault: { kind: 'stall', at: 0 } }
    const { middleware, fetch, told } = setUp([stalled], { idleMs: 20_000 })
    const error = failureOf(clientOf({ middleware, fetch }).messages.create(params))
    await vi.advanceTimersByTimeAsync(20_000)
    expect(await error).toMatchObject({ name: 'TimeoutError', limit: 'idle', limitMs: 20_000 })
    expect(told).toMatchObject([{ limit: 'idle', limitMs: 20_000, status: 200 }])
    expect(vi.getTimerCount()).toBe(0)
  })

  it('is the very one where no limit of a body is set, also where somebody inside taps it', async () => {
    const seen: unknown[] = []
    const tap: Middleware = async (request, next) => {
      const response = tapped(await next(request))
      seen.push(response, tapOf(response))
      return response
    }
    const fetch = fakeFetch({ script: [{}] })
    const response = await createFetch([timeout({ ...off, attemptMs: 5_000 }), tap], { fetch })(url)
    expect(response).toBe(seen[0])
    expect(tapOf(response)).toBe(seen[1])
  })
})

describe('timeout without a limit', () => {
  const ctx = { logger: console, parse: () => Promise.reject(new Error('not here')) }
  const request = { url, headers: new Headers() }

  it('hands on what `next` gives, the very promise, for a message', () => {
    const options = { method: 'post', path: '/v1/messages' } as const
    const answer = Promise.resolve(new Response())
    expect(timeout(off)(request, () => answer, { ...ctx, options })).toBe(answer)
  })

  it('hands it on for a credential exchange where only other limits are set', () => {
    const answer = Promise.resolve(new Response())
    const limits = { ...off, firstTokenMs: 1_000, idleMs: 1_000, totalMs: 1_000 }
    expect(timeout(limits)(request, () => answer, ctx)).toBe(answer)
    expect(timeout({ ...limits, attemptMs: 1_000 })(request, () => answer, ctx)).not.toBe(answer)
  })
})

describe('timeout', () => {
  it('refuses a number in a string, which would compare as one', () => {
    expect(() => timeout({ totalMs: '5' as unknown as number })).toThrow(
      new TypeError('Expected `totalMs` to be a number of milliseconds above 0, or false, got "5".'),
    )
  })
})
