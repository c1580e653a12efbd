import { describe as describeStack } from '@breakwater/core'
import { describe, expect, it } from 'vitest'
import { classify } from './classify.ts'
import { classifyRehearsed } from './description.ts'

describe('the description of classify', () => {
  it('changes nothing, and warns of a second one', () => {
    const { text, faults, ...rest } = describeStack(classify())
    expect(rest).toEqual({ maxRequests: 1, maxWaitMs: 0, warnings: [] })
    expect(faults).toEqual(describeStack([]).faults)
    expect(text).toContain('classify → upstream')
    expect(describeStack([classify(), classify()]).warnings).toEqual([
      expect.stringMatching(/^`classify` inside another one: .*; remove one\. See docs\/.*#a-second-copy$/),
    ])
  })
})

describe('classifyRehearsed', () => {
  it('is the verdict of the category, with the status and the hint', () => {
    expect(
      classifyRehearsed({ kind: 'failure', category: 'overloaded', status: 529, retryAfterMs: 5 }),
    ).toMatchObject({ category: 'overloaded', retry: 'patient', status: 529, retryAfterMs: 5 })
    expect(classifyRehearsed({ kind: 'failure', category: 'tea' })).toMatchObject({ category: 'unknown' })
  })

  it('is nothing where nothing has failed yet', () => {
    for (const kind of ['answer', 'interrupted_stream'] as const) {
      expect(classifyRehearsed({ kind })).toBeUndefined()
    }
    expect(classifyRehearsed({ kind: 'broken_stream', isEarly: true })).toBeUndefined()
  })
})
