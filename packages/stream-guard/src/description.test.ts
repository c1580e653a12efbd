import { describe as describeStack, withDescription, type Middleware } from '@breakwater/core'
import { describe, expect, it } from 'vitest'
import { streamGuard } from './stream-guard.ts'

const stand = (name: string): Middleware => withDescription((request, next) => next(request), { name })

describe('streamGuard in a rehearsal', () => {
  it('makes of a stream that breaks what the real one makes of it, and leaves all else', () => {
    const { faults } = describeStack(streamGuard())
    expect(faults.stream_cut_early).toMatchObject({ outcome: 'error', category: 'server_error' })
    expect(faults.stream_cut).toMatchObject({ outcome: 'error', category: 'stream_interrupted' })
    expect(faults.overloaded).toMatchObject({ outcome: 'error', category: 'overloaded' })
  })

  it('holds no content where it is told so', () => {
    for (const options of [
      { commit: 'headers' },
      { commit: 'message_start' },
      { maxPreambleMs: 0 },
      { maxPreambleBytes: 0 },
    ] as const) {
      const { stream_cut_early: early } = describeStack(streamGuard(options)).faults
      expect(early).toMatchObject({ outcome: 'error', category: 'stream_interrupted' })
    }
  })
})

describe('the warnings of streamGuard', () => {
  it('name what stands inside and could heal, once, and a second guard', () => {
    const [retry, failover] = [stand('jitterRetry'), stand('modelFailover')]
    expect(describeStack([retry, failover, streamGuard()]).warnings).toEqual([])
    expect(describeStack([streamGuard(), retry, retry, failover]).warnings).toEqual([
      '`streamGuard` outside `jitterRetry` and `modelFailover`: they cannot heal the failures that it finds in streams; put it inside. See docs/choosing-an-order.md#guard-outside-the-retry',
    ])
    expect(describeStack([streamGuard(), stand('classify'), streamGuard()]).warnings).toEqual([
      expect.stringContaining('docs/choosing-an-order.md#a-second-copy'),
    ])
  })
})
