import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { params, seams } from '@breakwater/testing'
import { createFakeAnthropic, type FakeAnthropic } from '@breakwater/testkit'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { rateLimit } from './rate-limit.ts'
import { times } from './testing/set-up.ts'

let fake: FakeAnthropic | undefined
afterEach(async () => {
  await fake?.close()
  fake = undefined
})

describe.each(seams)('over real HTTP, by %s', (_seam, clientOf) => {
  it('holds calls to a limit that the answers tell of', async () => {
    fake = await createFakeAnthropic({ dynamics: { rateLimit: { requestsPerMinute: 1200, burstMs: 1000 } } })
    const client = clientOf({ middleware: rateLimit(), baseURL: fake.url })
    const statuses = await Promise.all(
      times(25, () => client.messages.create(params).then(({ type }) => type)),
    )
    expect(statuses).toEqual(times(25, () => 'message'))
    expect(fake.requests.filter(({ reply }) => reply?.status !== 200)).toEqual([])
  })

  it('holds streams to a number at once', async () => {
    fake = await createFakeAnthropic({ script: () => ({ text: 'hello', gapMs: 2 }) })
    const limiter = rateLimit({ concurrency: 2 })
    const client = clientOf({ middleware: limiter, baseURL: fake.url })
    let most = 0
    const calls = times(8, async () => {
      const stream = client.messages.stream(params)
      stream.on('text', () => {
        most = Math.max(most, limiter.snapshot().keys[0]?.inFlight ?? 0)
      })
      return stream.finalText()
    })
    expect(await Promise.all(calls)).toEqual(times(8, () => 'hello'))
    expect(most).toBe(2)
    await vi.waitFor(() => expect(limiter.snapshot().keys).toMatchObject([{ inFlight: 0, queueLength: 0 }]))
  })

  it('gets back the place of a stream that nobody reads, once it is collected', async () => {
    setFlagsFromString('--expose_gc')
    const collect = runInNewContext('gc') as () => void
    fake = await createFakeAnthropic({ script: () => ({ fault: 'stall' }) })
    const limiter = rateLimit({ concurrency: 1 })
    const client = clientOf({ middleware: limiter, baseURL: fake.url })
    await (async () => {
      await client.messages.create({ ...params, stream: true })
    })()
    expect(limiter.snapshot().keys).toMatchObject([{ inFlight: 1 }])
    await vi.waitFor(
      () => {
        collect()
        expect(limiter.snapshot().keys).toMatchObject([{ inFlight: 0 }])
      },
      { timeout: 10_000, interval: 20 },
    )
  })

  it('waits as a 429 asks for', async () => {
    fake = await createFakeAnthropic({ script: [{ status: 429, retryAfterMs: 60 }] })
    const client = clientOf({ middleware: rateLimit(), baseURL: fake.url })
    await client.messages.create(params).catch(() => {})
    await Promise.all(times(2, () => client.messages.create(params)))
    const [first, ...later] = fake.requests.map(({ at }) => at)
    for (const at of later) expect(at - first!).toBeGreaterThanOrEqual(59)
  })
})
