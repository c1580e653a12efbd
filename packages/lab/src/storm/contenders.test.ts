import Anthropic from '@anthropic-ai/sdk'
import type { Script } from '@breakwater/testkit'
import { describe, expect, test, vi } from 'vitest'
import { makeCall } from './call.ts'
import type { CallRecord } from './call-record.ts'
import type { Contender, Env } from './contender.ts'
import { contenders, contendersOf } from './contenders.ts'
import { cockatiel, limited, paced, pRetried, sdk, sdk8 } from './peers.ts'
import { naiveLoop, safeCall } from './safe-call.ts'
import { scenes } from './scenes.ts'
import { simulate } from './simulate.ts'
import { createUpstream } from './upstream.ts'

// Real time, on a machine that has other things to do.
vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 })

interface Parts {
  readonly script: Script
  readonly calls?: number
  readonly env?: Partial<Env>
  readonly use?: 'whole' | 'shown' | 'collected'
  readonly patienceMs?: number
}

/** Lets a contender make calls, all at once. */
function run(
  contender: Contender,
  { script, calls = 1, env = {}, use = 'whole', patienceMs = Infinity }: Parts,
): Promise<{ records: readonly CallRecord[]; times: number[]; models: (string | undefined)[] }> {
  return simulate(async () => {
    const upstream = createUpstream({ script, seed: 1 })
    const calling = contender.create({
      clientOf: (options) =>
        new Anthropic({
          apiKey: 'not-a-key',
          baseURL: 'https://api-0.test',
          logLevel: 'off',
          ...options,
          fetch: upstream.fetch,
        }),
      model: 'first',
      fallback: undefined,
      requestsPerSecond: 20,
      canStall: false,
      collects: false,
      ...env,
    })
    const records = await Promise.all(Array.from({ length: calls }, () => makeCall(calling, use, patienceMs)))
    const { requests } = upstream
    return { records, times: requests.map(({ at }) => at), models: requests.map(({ model }) => model) }
  })
}

const forEver = (reply: number | object): Script =>
  typeof reply === 'number' ? [{ status: reply, repeat: 'forever' }] : [{ ...reply, repeat: 'forever' }]

describe('all contenders', () => {
  test.each(contenders.map((contender) => [contender.name, contender] as const))(
    '%s answers what is answered, with one request',
    async (_, contender) => {
      for (const use of ['whole', 'shown', 'collected'] as const) {
        const { records, times } = await run(contender, { script: [], use })
        expect(records).toMatchObject([{ end: 'answered', model: 'first' }])
        expect(records[0]!.tokens).toBeGreaterThan(20)
        expect(times).toHaveLength(1)
      }
    },
  )

  test.each(
    contenders.filter((one) => one !== naiveLoop).map((contender) => [contender.name, contender] as const),
  )('%s sends a bad request and a bad key once', async (_, contender) => {
    for (const status of [400, 401]) {
      const { records, times } = await run(contender, { script: forEver(status) })
      expect(records[0]!.error).toContain(String(status))
      expect(times).toHaveLength(1)
    }
  })

  test('have names of their own, and say how they are set up', () => {
    expect(new Set(contenders.map(({ name }) => name)).size).toBe(contenders.length)
    for (const { note } of contenders) expect(note.length).toBeGreaterThan(10)
    expect(contenders.filter(({ isOurs }) => isOurs).map(({ name }) => name)).toContain('breakwater')
  })

  test('take part where they make a difference', () => {
    const namesIn = (name: string): string[] =>
      contendersOf(scenes.find((scene) => scene.name === name)!).map((contender) => contender.name)
    expect(namesIn('fleet')).toEqual(expect.arrayContaining(['p-limit', 'bottleneck', 'rateLimit']))
    expect(namesIn('fleet')).not.toContain('modelFailover')
    expect(namesIn('outage')).not.toContain('bottleneck')
    expect(namesIn('primary-down')).toContain('modelFailover')
    for (const { name } of scenes)
      expect(namesIn(name)).toEqual(expect.arrayContaining(['SDK', 'breakwater']))
  })
})

describe('the SDK', () => {
  test.each([
    [sdk, 3],
    [sdk8, 9],
  ])('makes its retries', async (contender, requests) => {
    const { times } = await run(contender, { script: forEver(529) })
    expect(times).toHaveLength(requests)
  })
})

describe('p-limit', () => {
  test('keeps 20 calls under way', async () => {
    const { times } = await run(limited, { script: forEver({ delayMs: 1000 }), calls: 50 })
    expect(times.map((time) => Math.round(time / 1000))).toEqual(
      Array.from({ length: 50 }, (_, index) => Math.floor(index / 20)),
    )
  })
})

describe('bottleneck', () => {
  test('sends at the pace of the limit', async () => {
    const { times } = await run(paced, { script: [], calls: 40 })
    for (const [index, time] of times.entries())
      expect(Math.abs(time - times[0]! - index * 50)).toBeLessThan(60)
  })

  test('keeps the allowance of a minute', async () => {
    // One a second, and 60 a minute.
    const { times } = await run(paced, { script: [], calls: 70, env: { requestsPerSecond: 1 } })
    for (const time of times) {
      expect(times.filter((other) => other > time - 60_000 && other <= time).length).toBeLessThanOrEqual(61)
    }
  })
})

describe('p-retry', () => {
  test('makes ten retries from a second up to 30, with jitter', async () => {
    const { times, records } = await run(pRetried, { script: forEver(500) })
    expect(records[0]!.error).toContain('500')
    const waits = times.slice(1).map((time, index) => time - times[index]!)
    expect(waits).toHaveLength(10)
    for (const [index, wait] of waits.entries()) {
      expect(wait).toBeGreaterThanOrEqual(Math.min(30_000, 1000 * 2 ** index))
      expect(wait).toBeLessThanOrEqual(Math.min(30_000, 2000 * 2 ** index) + 100)
    }
  })

  test('never comes before the hint', async () => {
    const { times } = await run(pRetried, { script: [{ status: 429, retryAfter: 20 }] })
    expect(times[1]! - times[0]!).toBeGreaterThanOrEqual(20_000)
  })

  test('collects a stream again that broke', async () => {
    const script: Script = [{ fault: { kind: 'error', at: 2 } }]
    expect((await run(pRetried, { script, use: 'collected' })).records[0]!.end).toBe('answered')
    expect((await run(pRetried, { script, use: 'shown' })).records[0]!.end).toBe('failed')
  })
})

describe('cockatiel', () => {
  test('opens its circuit when most of the calls fail, and waits for it', async () => {
    const { times, records } = await run(cockatiel, { script: forEver(500), calls: 60 })
    expect(new Set(records.map(({ end }) => end))).toEqual(new Set(['failed']))
    // Without a circuit 540.
    expect(times.length).toBeLessThan(100)
    // Once it is open a request goes through each 10 s.
    const late = times.filter((time) => time > 5000)
    for (const [index, time] of late.slice(1).entries()) expect(time - late[index]!).toBeGreaterThan(9900)
  })

  test('never comes before the hint', async () => {
    const { times } = await run(cockatiel, { script: [{ status: 429, retryAfter: 20 }] })
    expect(times[1]! - times[0]!).toBeGreaterThanOrEqual(20_000)
  })
})

describe('where there is another model', () => {
  const script: Script = ({ model }) => (model === 'first' ? 529 : undefined)

  test.each([pRetried, cockatiel, safeCall].map((contender) => [contender.name, contender] as const))(
    '%s goes there',
    async (_, contender) => {
      const { records, models } = await run(contender, { script, env: { fallback: 'second' } })
      expect(records).toMatchObject([{ end: 'answered', model: 'second' }])
      expect(models.filter((model) => model === 'second')).toHaveLength(1)
    },
  )
})

describe('where answers stall', () => {
  const stalled: Script = [{ fault: { kind: 'pings', at: 1, gapMs: 5000 } }]
  const env = { canStall: true }

  test.each([pRetried, cockatiel].map((contender) => [contender.name, contender] as const))(
    '%s ends its try after 20 s and makes another',
    async (_, contender) => {
      const { records, times } = await run(contender, { script: stalled, use: 'collected', env })
      expect(records[0]!.end).toBe('answered')
      expect(times).toHaveLength(2)
      expect(times[1]! - times[0]!).toBeGreaterThan(19_900)
    },
  )

  test('and in other scenes nobody has a limit', async () => {
    const { records } = await run(pRetried, { script: stalled, use: 'collected', patienceMs: 50_000 })
    expect(records).toMatchObject([{ end: 'failed', error: 'caller left', endedAt: 50_000 }])
  })
})

describe('safe_call', () => {
  // Each try of its own is five of the SDK's with `maxRetries: 4`.
  test.each([
    ['429', 429, 6 * 5],
    ['500, once more', 500, 3 * 5],
    ['529 without another model', 529, 2 * 5],
    ['a broken connection', { network: 'reset' }, 5],
  ])('%s', async (_, reply, requests) => {
    const { times, records } = await run(safeCall, { script: forEver(reply) })
    expect(records[0]!.end).toBe('failed')
    expect(times).toHaveLength(requests)
  })

  test('waits 1, 2, 4 and 8 s, and up to a second, between the tries of a 429', async () => {
    const hinted = { status: 429, retryAfterMs: 1 }
    const { times } = await run(safeCall, { script: forEver(hinted) })
    const long = times
      .slice(1)
      .map((time, index) => time - times[index]!)
      .filter((wait) => wait > 900)
    expect(long.map((wait) => Math.floor((wait - 40) / 1000))).toEqual([1, 2, 4, 8])
  })
})

describe('the naive loop', () => {
  test('tries anything three times', async () => {
    const { times } = await run(naiveLoop, { script: forEver(401) })
    expect(times.map((time) => Math.round(time / 1000))).toEqual([0, 1, 3])
  })
})

describe('a call', () => {
  test('that ends too early without an error is truncated, and its tokens are of no use', async () => {
    const { records } = await run(sdk, { script: [{ fault: { kind: 'end', at: 5 } }], use: 'shown' })
    expect(records).toMatchObject([{ end: 'truncated', tokens: 0 }])
  })

  test('whose caller leaves is over then, and nothing more is sent', async () => {
    const { records, times } = await run(sdk8, { script: forEver(500), patienceMs: 3000 })
    expect(records).toMatchObject([{ end: 'failed', error: 'caller left', endedAt: 3000 }])
    expect(times.length).toBeLessThan(5)
  })
})
