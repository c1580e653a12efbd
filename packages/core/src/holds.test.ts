import { describe, expect, it, vi } from 'vitest'
import { addHold, releaseHolds, removeHold, renewHolds, type Hold } from './holds.ts'
import { callOf } from './call.ts'
import { sleep } from './sleep.ts'
import { testContext, testRequest } from './testing/context.ts'

const request = testRequest()

function setUp(): { call: ReturnType<typeof callOf>; log: string[]; hold: (name: string) => Hold } {
  const log: string[] = []
  const hold = (name: string): Hold => ({
    async release(outcome) {
      log.push(`${name} released: ${String(outcome)}`)
    },
    async renew({ url }) {
      log.push(`${name} renewed: ${url}`)
    },
  })
  return { call: callOf(request, testContext()), log, hold }
}

describe('holds', () => {
  it('costs no promise where nobody holds anything', async () => {
    const { call } = setUp()
    expect(renewHolds(call, request)).toBeUndefined()
    await releaseHolds(call, 'nothing')
    expect(call.values).toBeUndefined()
  })

  it('gives back from the inside out, and takes again from the outside in', async () => {
    const { call, log, hold } = setUp()
    addHold(call, hold('outer'))
    addHold(call, hold('inner'))
    await releaseHolds(call, 529)
    await renewHolds(call, request)
    expect(log).toEqual([
      'inner released: 529',
      'outer released: 529',
      `outer renewed: ${request.url}`,
      `inner renewed: ${request.url}`,
    ])
  })

  it('says how long the turns took', async () => {
    const { call } = setUp()
    addHold(call, {
      release: async () => {},
      renew: () => new Promise((resolve) => setTimeout(resolve, 20)),
    })
    expect(await renewHolds(call, request)).toBeGreaterThanOrEqual(19)
  })

  it('says it also long after the clock began, and once nobody holds anything any more', async () => {
    vi.useFakeTimers()
    vi.advanceTimersByTime(1_000_000)
    const { call, hold } = setUp()
    const slow = { ...hold('slow'), renew: () => sleep(20) }
    removeHold(call, slow)
    addHold(call, slow)
    const renewing = renewHolds(call, request)
    await vi.advanceTimersByTimeAsync(20)
    expect(await renewing).toBe(20)
    removeHold(call, hold('unknown'))
    expect(renewHolds(call, request)).toBeInstanceOf(Promise)
    await vi.advanceTimersByTimeAsync(20)
    removeHold(call, slow)
    expect(renewHolds(call, request)).toBeUndefined()
    vi.useRealTimers()
  })

  it('forgets one that is removed, and lets the error of one through', async () => {
    const { call, log, hold } = setUp()
    const first = hold('first')
    const full = new Error('full')
    addHold(call, first)
    addHold(call, { release: async () => {}, renew: () => Promise.reject(full) })
    await expect(renewHolds(call, request)).rejects.toBe(full)
    expect(log).toEqual([`first renewed: ${request.url}`])
    removeHold(call, first)
    removeHold(call, first)
    await expect(renewHolds(call, request)).rejects.toBe(full)
    expect(log).toHaveLength(1)
  })
})
