import type { RecordedRequest } from '@breakwater/testkit'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { CallRecord } from './call-record.ts'
import { measure, peakIn, percentile, recoveredAfter } from './measure.ts'

const record = (startedAt: number, endedAt: number, parts: Partial<CallRecord> = {}): CallRecord => ({
  startedAt,
  endedAt,
  end: 'answered',
  error: undefined,
  tokens: 0,
  model: 'm',
  ...parts,
})

const request = (at: number, parts: Partial<RecordedRequest> = {}): RecordedRequest => ({
  index: 0,
  at,
  method: 'POST',
  url: '',
  path: '/v1/messages',
  headers: {},
  text: 'x'.repeat(40),
  body: {},
  model: 'm',
  stream: false,
  reply: {
    source: 'script',
    status: 200,
    headers: {},
    requestId: '',
    errorType: undefined,
    errorCode: undefined,
    fault: undefined,
  },
  bytesSent: 0,
  eventsSent: [],
  aborted: false,
  closedAt: undefined,
  ...parts,
})

const base = { fault: undefined, capacity: undefined, outputTokens: 100, deltaTokens: 10 }

describe('percentile', () => {
  test('is the nearest rank', () => {
    expect([0, 0.01, 0.5, 0.51, 0.99, 1].map((share) => percentile([4, 1, 3, 2], share))).toEqual([
      1, 1, 2, 3, 4, 4,
    ])
    expect(percentile([], 0.5)).toBeNull()
  })
})

describe('peakIn', () => {
  test('is the most in any second', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 5000 })), (times) => {
        const within = times.filter((time) => time >= 1000 && time < 4000)
        const counts = within.map((end) => within.filter((time) => time > end - 1000 && time <= end).length)
        expect(peakIn(times, 1000, 4000)).toBe(Math.max(0, ...counts))
      }),
    )
  })
})

describe('recoveredAfter', () => {
  const each = (gapMs: number, fromMs: number, toMs: number): number[] =>
    Array.from({ length: (toMs - fromMs) / gapMs }, (_, index) => fromMs + index * gapMs)

  test('is where five seconds with 95 % of the rate begin', () => {
    expect(recoveredAfter(each(100, 0, 60_000), 10_000, 60_000, 10)).toBe(0)
    // With 2.5 of 50 missing it is still enough.
    expect(recoveredAfter(each(100, 13_000, 60_000), 10_000, 60_000, 10)).toBe(2750)
    expect(recoveredAfter(each(200, 10_000, 60_000), 10_000, 60_000, 10)).toBeNull()
    expect(recoveredAfter([], 10_000, 60_000, 10)).toBeNull()
  })
})

describe('measure', () => {
  test('counts calls by their end', () => {
    const measured = measure({
      ...base,
      records: [
        record(0, 100, { model: 'a' }),
        record(0, 300, { model: 'b' }),
        record(0, 2000, { end: 'failed', error: '529' }),
        record(0, 1000, { end: 'truncated' }),
      ],
      requests: [request(0), request(1), request(2500)],
    })
    expect(measured).toMatchObject({
      calls: 4,
      answered: 2,
      answeredShare: 0.5,
      truncated: 1,
      errors: { 529: 1 },
      // What comes after the last call is nobody's.
      upstream: 2,
      upstreamPerAnswered: 1,
      upstreamPerCall: 0.5,
      p50Ms: 100,
      p99Ms: 300,
      failedP50Ms: 2000,
      totalMs: 2000,
      goodputPerSecond: 1,
      goodputShare: null,
      recoveredMs: null,
      peakPerSecond: null,
      byModel: { a: 1, b: 1 },
      timeline: { requests: [2, 0, 0], answered: [2, 0, 0], failed: [0, 0, 1] },
    })
  })

  test('compares a fault with what was before it', () => {
    const times = Array.from({ length: 400 }, (_, index) => index * 100)
    const isOut = (time: number): boolean => time >= 10_000 && time < 20_000
    const measured = measure({
      ...base,
      records: times.map((time) =>
        record(time, time + 1, isOut(time) ? { end: 'failed', error: '500' } : {}),
      ),
      requests: [...times, ...times.filter(isOut), 20_001, 20_002].map((time) => request(time)),
      fault: { fromMs: 10_000, toMs: 20_000 },
    })
    expect(measured).toMatchObject({
      faultRequests: 200,
      faultCalls: 100,
      faultRequestsPerCall: 2,
      recoveredMs: 0,
      peakPerSecond: 12,
      peakRatio: 1.2,
    })
    expect(measured.goodputShare).toBeCloseTo(0.75, 2)
  })

  test('holds the answers against what the API could give', () => {
    const records = Array.from({ length: 60 }, () => record(0, 2000))
    const share = (capacity: { atOnce: number; perSecond: number }): number | null =>
      measure({ ...base, records, requests: [], capacity }).goodputShare
    expect(share({ atOnce: 0, perSecond: 30 })).toBe(1)
    expect(share({ atOnce: 60, perSecond: 30 })).toBe(0.5)
  })

  test('pays for what no caller had a use of', () => {
    const failed = request(0, { reply: { ...request(0).reply!, status: 529 } })
    const none = request(0, { stream: true, eventsSent: [] })
    const begun = request(0, { stream: true, eventsSent: ['message_start', 'content_block_start'] })
    const half = request(0, {
      stream: true,
      eventsSent: ['message_start', ...Array.from({ length: 3 }, () => 'content_block_delta')],
    })
    const whole = request(0, {
      stream: true,
      eventsSent: ['message_start', 'content_block_delta', 'message_stop'],
    })
    const wasted = (requests: RecordedRequest[], tokens = 0): number =>
      measure({ ...base, records: [record(0, 1, { tokens })], requests }).wastedTokens
    expect(wasted([failed])).toBe(0)
    expect(wasted([none])).toBe(0)
    expect(wasted([begun])).toBe(10)
    expect(wasted([half])).toBe(40)
    expect(wasted([whole])).toBe(110)
    expect(wasted([request(0)])).toBe(110)
    expect(wasted([request(0), request(0)], 110)).toBe(110)
  })

  test('of nothing is nothing', () => {
    expect(measure({ ...base, records: [], requests: [] })).toMatchObject({
      calls: 0,
      answeredShare: 0,
      upstreamPerAnswered: null,
      p50Ms: null,
      goodputPerSecond: 0,
      wastedTokens: 0,
    })
  })
})
